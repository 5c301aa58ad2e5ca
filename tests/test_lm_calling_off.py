"""Work whose caller has gone away: it is not begun, leaves its batch, and disturbs nobody who still waits."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kinject.errors import CalledOffError, ModelError
from kinject.lm import calling_off, decoding
from kinject.lm.base import Chat, Message
from kinject.lm.batching import Awaited, BatchingQueue, Job, Limits
from kinject.lm.calling_off import Errand
from kinject.lm.compute import computes


def asked(text: str, tokens: int = 400) -> Chat:
    return Chat((Message("user", text),), (), tokens)


def job(payload: object, tokens: int = 1) -> Job:
    return Job(("generate", ""), tokens, payload)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def slow(tiny_lm, monkeypatch):
    """A model that never ends an answer by itself and takes 10 ms a token; how many rows each step had."""
    rows: list[int] = []
    original = decoding._next_tokens

    def counted(going: Sequence[Any], logits: Any) -> list[int]:
        rows.append(len(going))
        time.sleep(0.01)
        return [min(token, 50) + 10 for token in original(going, logits)]

    monkeypatch.setattr(decoding, "_next_tokens", counted)
    return tiny_lm, rows


def until(is_so: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_what_is_waited_for_ends_when_its_errand_is_called_off(pool):
    errand, never = Errand(), Future()
    waiting = pool.submit(errand.run, lambda: calling_off.result(never))
    errand.call_off()
    errand.call_off()
    with pytest.raises(CalledOffError):
        waiting.result(5)


def test_an_errand_that_is_off_already_is_not_begun():
    errand, done = Errand(), []
    errand.call_off()
    with pytest.raises(CalledOffError):
        errand.run(lambda: done.append(1))
    assert done == []


def test_a_result_that_is_there_is_given_even_so():
    errand, future = Errand(), Future()
    future.set_result(7)

    def late() -> int:
        errand.call_off()
        return calling_off.result(future)

    assert errand.run(late) == 7


def test_what_waits_for_the_thread_that_computes_is_not_begun(pool):
    entered, release, errand, done = threading.Event(), threading.Event(), Errand(), []

    @computes
    def hold() -> None:
        entered.set()
        release.wait(30)

    holding = pool.submit(hold)
    entered.wait(30)
    waiting = pool.submit(errand.run, computes(lambda: done.append(1)))
    time.sleep(0.05)
    errand.call_off()
    with pytest.raises(CalledOffError):
        waiting.result(5)
    release.set()
    holding.result(5)
    computes(lambda: None)()
    assert done == []


def test_a_called_off_answer_frees_its_thread_at_once_and_its_row_with_the_next_token(slow, pool):
    lm, rows = slow
    errand = Errand()
    waiting = pool.submit(errand.run, lambda: lm.complete(asked("a long one")))
    until(lambda: len(rows) > 3)
    started = time.perf_counter()
    errand.call_off()
    with pytest.raises(CalledOffError):
        waiting.result(5)
    assert time.perf_counter() - started < 0.2
    seen = len(rows)
    time.sleep(0.2)
    assert len(rows) <= seen + 2


def test_an_agent_whose_caller_left_makes_no_further_call(slow, pool):
    lm, rows = slow
    errand = Errand()

    def agent() -> None:
        for n in range(5):
            lm.complete(asked(f"step {n}", 20))

    running = pool.submit(errand.run, agent)
    until(lambda: len(rows) > 3)
    errand.call_off()
    with pytest.raises(CalledOffError):
        running.result(5)
    time.sleep(0.1)
    assert len(rows) < 20


def test_who_shares_an_answer_with_one_who_leaves_still_gets_it(slow, pool):
    lm, rows = slow
    errand, chat = Errand(), asked("the same", 30)
    leaves, stays = pool.submit(errand.run, lambda: lm.complete(chat)), pool.submit(lm.complete, chat)
    until(lambda: len(rows) > 3)
    errand.call_off()
    with pytest.raises(CalledOffError):
        leaves.result(5)
    assert stays.result(10).tokens == 30
    assert set(rows) == {1}


def test_what_was_called_off_is_computed_anew_when_it_is_asked_again(slow, pool):
    lm, rows = slow
    errand, chat = Errand(), asked("once more", 40)
    leaves = pool.submit(errand.run, lambda: lm.complete(chat))
    until(lambda: len(rows) > 3)
    errand.call_off()
    with pytest.raises(CalledOffError):
        leaves.result(5)
    assert [lm.complete(chat).tokens, lm.complete(chat).tokens] == [40, 40]


def test_neighbours_in_the_batch_answer_as_they_do_alone(tiny_lm, pool):
    chats = [asked(f"neighbour {n}", 60) for n in range(3)]
    errand = Errand()
    gone = pool.submit(errand.run, lambda: tiny_lm.complete(asked("who leaves", 500)))
    together = [pool.submit(tiny_lm.complete, chat) for chat in chats]
    errand.call_off()
    texts = [each.result(30).text for each in together]
    with pytest.raises(CalledOffError):
        gone.result(5)
    tiny_lm._shared.memories._shared.recent._futures.clear()
    assert texts == [tiny_lm.complete(chat).text for chat in chats]


def test_a_job_that_nobody_wants_is_dropped_in_the_queue():
    entered, release, ran = threading.Event(), threading.Event(), []

    def run(jobs: Sequence[Job]) -> None:
        entered.set()
        release.wait(30)
        ran.extend(each.payload for each in jobs)
        for each in jobs:
            each.future.set_result(each.payload)

    queue = BatchingQueue(run, Limits(max_rows=1))
    first, gone, last = job("first"), job("gone"), job("last")
    queue.submit(first)
    entered.wait(30)
    for each in (gone, last):
        queue.submit(each)
    gone.future.leave()
    release.set()
    assert last.future.result(5) == "last"
    with pytest.raises(ModelError, match="nobody waited"):
        gone.future.result(5)
    assert ran == ["first", "last"]


def test_an_awaited_result_cannot_be_joined_when_all_have_left():
    future = Awaited()
    assert future.join()
    future.leave()
    future.leave()
    assert (future.join(), future.is_wanted) == (False, False)


def test_one_request_that_raises_does_not_fail_its_neighbours():
    entered, release = threading.Event(), threading.Event()

    def run(jobs: Sequence[Job]) -> None:
        entered.set()
        release.wait(30)
        if any(each.payload == "bad" for each in jobs):
            raise RuntimeError("cannot be read")
        for each in jobs:
            each.future.set_result(each.payload)

    queue = BatchingQueue(run)
    first, *others = jobs = [job("first"), job("a"), job("bad"), job("b")]
    queue.submit(first)
    entered.wait(30)
    for each in others:
        queue.submit(each)
    release.set()
    assert [each.future.result(5) for each in (jobs[0], jobs[1], jobs[3])] == ["first", "a", "b"]
    with pytest.raises(ModelError, match="RuntimeError: cannot be read"):
        jobs[2].future.result(5)
