"""The queue: batches by group and length, bounded waiting, and failures that stay where they belong."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from kinject.errors import ModelError, OverloadedError, PromptTooLongError
from kinject.lm.batching import BatchingQueue, Job, Limits, choose
from kinject.lm.compute import computes
from kinject.lm.lockstep import Cohort, current


def job(tokens: int, kind: str = "generate", payload: object = None) -> Job:
    return Job((kind, ""), tokens, payload)


class Gate:
    """A run that answers with the payload once it is opened, and raises what payload is an error."""

    def __init__(self) -> None:
        self.opened, self.entered = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, jobs: Sequence[Job]) -> None:
        self.entered.set()
        self.opened.wait(5)
        self.batches.append([job.tokens for job in jobs])
        for job in jobs:
            if isinstance(job.payload, Exception):
                raise job.payload
            job.future.set_result(job.payload)


def test_a_batch_holds_the_oldest_job_and_its_nearest_in_length():
    waiting = [job(50), job(500), job(60), job(48), job(49, "score"), job(55)]
    assert [j.tokens for j in choose(waiting, Limits(max_rows=3))] == [48, 50, 55]


def test_a_batch_keeps_within_its_tokens():
    waiting = [job(10), *[job(11 + n) for n in range(10)]]
    batch = choose(waiting, Limits(max_tokens=50))
    assert [j.tokens for j in batch] == [10, 11, 12]
    assert choose([job(99)], Limits(max_tokens=50))


def test_jobs_that_wait_share_the_next_batch():
    gate = Gate()
    queue = BatchingQueue(gate)
    jobs = [job(n, payload=n) for n in (1, 2, 3)]
    queue.submit(jobs[0])
    gate.entered.wait(5)
    for late in jobs[1:]:
        queue.submit(late)
    gate.opened.set()
    assert [j.future.result(5) for j in jobs] == [1, 2, 3]
    assert gate.batches == [[1], [2, 3]]


def test_a_full_queue_refuses_who_will_not_wait():
    gate = Gate()
    queue = BatchingQueue(gate, Limits(max_waiting=1))
    queue.submit(job(1))
    gate.entered.wait(5)
    queue.submit(job(2))
    with pytest.raises(OverloadedError, match="1 requests are waiting"):
        queue.submit(job(3), wait=False)
    gate.opened.set()


def test_a_full_queue_lets_others_wait():
    gate = Gate()
    queue = BatchingQueue(gate, Limits(max_waiting=1, max_rows=1))
    gate.opened.set()
    jobs = [job(n, payload=n) for n in range(20)]
    for one in jobs:
        queue.submit(one)
    assert [one.future.result(5) for one in jobs] == list(range(20))


def test_an_error_fails_its_batch_only():
    gate = Gate()
    queue = BatchingQueue(gate)
    gate.opened.set()
    bad, good = job(1, payload=RuntimeError("out of memory")), job(2, payload="fine")
    queue.submit(bad)
    with pytest.raises(ModelError, match="RuntimeError: out of memory"):
        bad.future.result(5)
    queue.submit(good)
    assert good.future.result(5) == "fine"


def test_an_error_of_ours_keeps_its_kind():
    gate = Gate()
    gate.opened.set()
    bad = job(1, payload=PromptTooLongError("too long"))
    queue = BatchingQueue(gate)
    queue.submit(bad)
    with pytest.raises(PromptTooLongError, match="too long"):
        bad.future.result(5)


def test_closing_fails_those_who_wait():
    gate = Gate()
    queue = BatchingQueue(gate, Limits(max_rows=1))
    queue.submit(job(1))
    gate.entered.wait(5)
    late = job(2)
    queue.submit(late)
    threading.Timer(0.05, gate.opened.set).start()
    queue.close()
    with pytest.raises(ModelError, match="closed before"):
        late.future.result(5)
    with pytest.raises(ModelError, match="was closed"):
        queue.submit(job(3))


def test_what_computes_can_close_a_queue_that_waits_for_it():
    @computes
    def run(jobs: Sequence[Job]) -> None:
        jobs[0].future.set_result(None)

    @computes
    def closes() -> None:
        queue = BatchingQueue(run)
        queue.submit(job(1))
        time.sleep(0.05)  # its thread now waits for this one
        queue.close()

    done = threading.Thread(target=closes, daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()


def jittered_batches(seed: int) -> list[list[int]]:
    """The batches of five members with three jobs each, who come when they like, and of a stranger."""
    rng, batches = random.Random(seed), []

    def run(jobs: Sequence[Job]) -> None:
        batches.append([job.tokens for job in jobs])
        for each in jobs:
            each.future.set_result(None)

    queue, cohort = BatchingQueue(run, Limits(max_rows=3)), Cohort(5)
    delays = [[rng.random() / 200 for _ in range(3)] for _ in range(5)]

    def member(n: int) -> None:
        with cohort.member():
            for turn, delay in enumerate(delays[n][: 1 + n % 3]):
                time.sleep(delay)
                each = Job(("generate", ""), 10 * turn + n, None, b"", current())
                queue.submit(each)
                cohort.wait_for(each.future, queue.wake)
                each.future.result(5)

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(member, n) for n in range(5)]
        stranger = job(1000)
        queue.submit(stranger)
        stranger.future.result(5)
        for each in done:
            each.result(5)
    return [batch for batch in batches if batch != [1000]]


def test_a_cohort_gets_the_same_batches_whoever_comes_first():
    expected = [[0, 1, 2], [3, 4, 11], [12, 14], [22]]
    assert [jittered_batches(seed) for seed in range(10)] == [expected] * 10


def test_a_cohort_that_is_abandoned_waits_for_nobody():
    gate, cohort = Gate(), Cohort(2)
    gate.opened.set()
    queue = BatchingQueue(gate)
    alone = Job(("generate", ""), 1, "answer", b"", cohort)
    queue.submit(alone)
    cohort.wait_for(alone.future, queue.wake)
    with pytest.raises(TimeoutError):
        alone.future.result(0.1)
    cohort.abandon()
    assert alone.future.result(5) == "answer"


def test_a_full_queue_has_room_for_a_cohort():
    gate, cohort = Gate(), Cohort(2)
    gate.opened.set()
    queue = BatchingQueue(gate, Limits(max_waiting=1))
    members = [Job(("generate", ""), n, n, b"", cohort) for n in (1, 2)]
    for each in members:
        queue.submit(each)
        cohort.wait_for(each.future, queue.wake)
    assert [each.future.result(5) for each in members] == [1, 2]
    assert gate.batches == [[1, 2]]


def test_jobs_of_a_cohort_that_are_of_one_length_are_in_the_order_of_their_keys():
    seen: list[list[bytes]] = []

    def run(jobs: Sequence[Job]) -> None:
        seen.append([each.key for each in jobs])
        for each in jobs:
            each.future.set_result(None)

    for keys in ([b"b", b"a", b"c"], [b"c", b"b", b"a"]):
        queue, cohort = BatchingQueue(run, Limits(max_rows=2)), Cohort(3)
        for key in keys:
            each = Job(("generate", ""), 7, None, key, cohort)
            queue.submit(each)
            cohort.wait_for(each.future, queue.wake)
        cohort.abandon()  # who has been served would come back, or leave
        each.future.result(5)
        queue.close()
    assert seen == [[b"a", b"b"], [b"c"]] * 2
