"""The load test's parts, over a service whose answers are known."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.serving import __main__ as serving
from benchmarks.serving.child import Child, Prober, free_port, get
from benchmarks.serving.clients import Asked, Block, Reply, ask
from benchmarks.serving.judging import figures, percentiles, truth_of
from kinject.errors import ModelError

SERVED = Path(__file__).parent / "served.py"


@pytest.fixture
def child(monkeypatch) -> Iterator[Child]:
    monkeypatch.setenv("PYTHONPATH", str(SERVED.parents[1]))
    port = free_port()
    with Child([sys.executable, str(SERVED), str(port)], port) as child:
        yield child


def steps(*numbers: int) -> list[Asked]:
    return [Asked("steps", str(number)) for number in numbers]


def test_many_clients_ask_each_question_once_and_come_back_when_refused(child):
    block = ask(child.url, steps(*range(1, 21)), clients=10)  # there are two threads, and two may wait
    assert sorted(int(reply.asked.question) for reply in block.replies) == list(range(1, 21))
    assert all((reply.status, reply.answer) == (200, f"{reply.asked.question} steps") for reply in block.replies)
    assert sum(reply.refused for reply in block.replies) > 0


def test_a_question_that_is_not_answered_is_lost(child):
    replies = ask(child.url, [Asked("steps", "x"), Asked("tree", "1")], 1).replies
    assert [reply.status for reply in replies] == [500, 422]
    child.kill()
    (reply,) = ask(child.url, steps(1), 1).replies
    assert (reply.status, reply.error) == (0, "ConnectError")


def test_a_child_is_measured_and_ends_in_order(child):
    assert 0 < child.start_s < 60
    assert 10 < child.resident_mib() < 4000
    assert child.stop() == 0


def test_a_child_that_does_not_come_up_says_so():
    with pytest.raises(ModelError, match="no service after"):
        Child([sys.executable, "-c", "raise SystemExit(3)"], free_port())


def test_a_refusal_takes_another_client_little_time(child):
    beside, block = serving.overload(child, steps(*[30] * 8))
    refusals = [seconds for status, seconds in beside.replies if status == 503]
    assert {reply.status for reply in block.replies} == {200}
    assert refusals
    assert percentiles(refusals)[0] < 0.1


def test_a_killed_child_leaves_its_clients_without_an_answer(child):
    serving.kill_while_asked(child, steps(1))
    assert get(child.port, "/health")[0] == 0


def test_a_prober_asks_beside_others(child):
    with Prober(child.port, "/health", 0.01) as prober:
        ask(child.url, steps(20), 1)
    assert {status for status, _ in prober.replies} == {200}


def test_memory_is_read_after_each_round(child):
    block, memory = serving.soaked(child, steps(1, 2), clients=2, seconds=0.1)
    assert len(memory) == 1 + len(block.replies) / 2


def test_an_answer_that_a_lone_client_does_not_get_is_wrong_and_none_is_lost():
    a, b, c = (Asked("kg", name) for name in "abc")
    truth = truth_of([Reply(a, 200, "1", 0.1), Reply(b, 200, "2", 0.1), Reply(c, 504, "", 60.0)])
    replies = (
        Reply(a, 200, "1", 0.1),
        Reply(b, 200, "1", 0.3),
        Reply(b, 0, "", 9.0, error="ReadError"),
        Reply(c, 200, "3", 0.2),
    )
    (found,) = figures(Block(replies, 2.0), truth)
    assert (found.name, found.n, found.wrong, found.lost, found.per_second, found.p50_s) == ("kg", 4, 1, 1, 1.5, 0.2)
    assert found.row()[3] == "1 (1 x ReadError)"


def test_several_systems_have_a_row_each_and_one_together():
    replies = tuple(Reply(Asked(name, "q"), 200, "1", 0.1) for name in ("sft", "kg", "kg"))
    assert [(one.name, one.n) for one in figures(Block(replies, 1.0), {})] == [("kg", 2), ("sft", 1), ("all", 3)]


def test_no_question_is_in_two_parts(toy_corpus):
    asking = serving.plan(SimpleNamespace(corpus=toy_corpus), ("kg", "rag"), n=5, excess=6, seed=1)
    single = {one.question for each in asking.single.values() for one in each}
    mixed = {one.question for one in asking.mixed}
    assert (len(single), len(mixed), len(asking.mixed), len(asking.excess)) == (5, 5, 10, 6)
    assert not single & mixed
    assert not (single | mixed) & {one.question for one in asking.excess}
