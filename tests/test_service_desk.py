"""The desk: what it takes, when it gives up, and that whoever leaves leaves nothing behind."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from kinject.errors import CorpusError, OverloadedError, StoreError
from kinject.lm import calling_off
from kinject.types import Answer, Turn, Usage
from services.desk import Desk
from services.options import Limits
from services.problems import DeadlineError, DrainingError, FailedError, QuestionTooLongError, UnknownSystemError


@dataclass
class Calls:
    """Makes model calls of 10 ms, as many as the question says; a call looks whether anybody still waits."""

    made: list[str] = field(default_factory=list)

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        for _ in range(int(question)):
            calling_off.check()
            self.made.append(question)
            time.sleep(0.01)
        return Answer(question, 1.0, usage=Usage(3, 2, 1))


@dataclass
class Deaf:
    """Looks nowhere, and answers when released."""

    release: threading.Event = field(default_factory=threading.Event)

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        assert self.release.wait(30)
        return Answer(question, 1.0)


class FakeRun:
    systems = ("calls", "deaf", "slow", "broken")

    def __init__(self) -> None:
        self.calibrations = {}
        self.built = {"calls": Calls(), "deaf": Deaf(), "slow": Calls()}
        self.loads: list[str] = []

    def system(self, name: str) -> Any:
        self.loads.append(name)
        if name == "broken":
            raise StoreError("systems/broken is not whole")
        if name == "slow":
            time.sleep(0.2)
        return self.built[name]


@pytest.fixture
def run():
    run = FakeRun()
    yield run
    run.built["deaf"].release.set()


def on_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.002)


def test_who_leaves_while_it_is_answered_frees_its_place_within_200_ms(run):
    desk, calls = Desk(run, Limits(threads=1, waiting=0)), run.built["calls"]

    async def leave() -> int:
        asking = asyncio.create_task(desk.ask("calls", "1000", ()))
        await until(lambda: len(calls.made) > 3)
        asking.cancel()
        started = time.perf_counter()
        await until(lambda: desk.held == 0)
        assert time.perf_counter() - started < 0.2
        return len(calls.made)

    made = on_loop(leave)
    time.sleep(0.1)
    assert len(calls.made) == made  # no further call of the model
    assert desk.cancelled == 1


def test_who_leaves_the_line_is_never_asked_for(run):
    desk, calls = Desk(run, Limits(threads=1, waiting=2)), run.built["calls"]

    async def leave() -> None:
        first = asyncio.create_task(desk.ask("calls", "30", ()))
        await until(lambda: calls.made)
        second, third = (asyncio.create_task(desk.ask("calls", n, ())) for n in ("7", "8"))
        await asyncio.sleep(0.02)
        second.cancel()
        await until(lambda: desk.held == 2)
        await asyncio.gather(first, third)

    on_loop(leave)
    assert (calls.made.count("7"), calls.made.count("8"), desk.held) == (0, 8, 0)


def test_a_thousand_that_leave_at_any_moment_leave_every_place_free(run):
    desk = Desk(run, Limits(threads=8, waiting=2000))

    async def leave(n: int) -> None:
        asking = asyncio.create_task(desk.ask("calls", "5", ()))
        await asyncio.sleep(n % 40 / 1000)
        asking.cancel()
        await asyncio.wait((asking,))

    async def all_leave() -> None:
        await asyncio.gather(*(leave(n) for n in range(1000)))
        await until(lambda: desk.held == 0)

    on_loop(all_leave)
    assert not desk.is_busy


def test_an_answer_that_is_late_is_given_up_at_its_deadline_and_keeps_its_place_until_it_ends(run):
    desk = Desk(run, Limits(threads=1, waiting=0, deadline_s=0.1))

    async def late() -> None:
        with pytest.raises(DeadlineError, match=r"no answer within 0\.1 s"):
            await desk.ask("deaf", "q", ())
        with pytest.raises(OverloadedError):
            await desk.ask("calls", "1", ())
        run.built["deaf"].release.set()
        await until(lambda: desk.held == 0)
        assert (await desk.ask("calls", "1", ())).answer.text == "1"

    on_loop(late)


def test_the_wait_in_line_counts_towards_the_deadline(run):
    desk = Desk(run, Limits(threads=1, waiting=1, deadline_s=0.15))

    async def wait() -> None:
        asking = [asyncio.create_task(desk.ask("calls", n, ())) for n in ("10", "1000")]
        done = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(done[1], DeadlineError)

    on_loop(wait)


def test_a_timeout_of_the_system_itself_is_no_deadline(run):
    run.built["calls"].ask = lambda question, history: (_ for _ in ()).throw(TimeoutError("a socket"))
    with pytest.raises(FailedError) as failed:
        on_loop(lambda: Desk(run, Limits()).ask("calls", "1", ()))
    assert str(failed.value.__cause__) == "a socket"


def test_a_system_is_loaded_once_and_goes_on_loading_when_who_asked_leaves(run):
    desk = Desk(run, Limits())

    async def leave() -> None:
        asking = asyncio.create_task(desk.ask("slow", "1", ()))
        await until(lambda: run.loads)
        asking.cancel()
        await asyncio.gather(*(desk.ask("slow", "1", ()) for _ in range(3)))

    on_loop(leave)
    assert run.loads == ["slow"]


def test_a_system_that_cannot_be_loaded_is_tried_again(run):
    desk = Desk(run, Limits())
    for _ in range(2):
        with pytest.raises(StoreError, match="not whole"):
            on_loop(lambda: desk.ask("broken", "1", ()))
    assert run.loads == ["broken", "broken"]


def test_what_replaces_a_system_answers_from_then_on_also_if_it_was_loading(run):
    desk, other = Desk(run, Limits()), Calls()

    async def replace() -> None:
        first = asyncio.create_task(desk.ask("slow", "2", ()))
        await until(lambda: run.loads)
        desk.replace("slow", other)
        await first

    on_loop(replace)
    assert (other.made, run.built["slow"].made) == (["2", "2"], [])
    with pytest.raises(UnknownSystemError):
        desk.replace("tree", other)


def test_a_desk_that_drains_refuses_at_once_and_ends_what_it_has(run):
    desk, calls = Desk(run, Limits()), run.built["calls"]

    async def drain() -> str:
        asking = asyncio.create_task(desk.ask("calls", "20", ()))
        await until(lambda: calls.made)
        draining = asyncio.create_task(desk.drain(10))
        await asyncio.sleep(0)
        with pytest.raises(DrainingError, match="shutting down"):
            await desk.ask("calls", "1", ())
        await draining
        return (await asking).answer.text

    assert on_loop(drain) == "20"


def test_what_has_not_ended_when_draining_ends_hears_so(run):
    desk = Desk(run, Limits())

    async def drain() -> None:
        asking = [asyncio.create_task(desk.ask(name, "1000", ())) for name in ("calls", "deaf")]
        await asyncio.sleep(0.05)
        await desk.drain(0.1)
        for one in asking:
            with pytest.raises(DrainingError, match="could not finish"):
                await one

    on_loop(drain)


def test_observers_are_told_how_each_question_ended(run):
    desk, told = Desk(run, Limits(threads=1, waiting=0, deadline_s=0.1)), []
    desk.observers.append(lambda *each: told.append(each))

    async def ask() -> None:
        await desk.ask("calls", "2", ())
        for question, error in (("1000", DeadlineError), ("x" * 5000, QuestionTooLongError), ("x", FailedError)):
            with pytest.raises(error):
                await desk.ask("calls", question, ())
            await until(lambda: desk.held == 0)
        asking = asyncio.create_task(desk.ask("deaf", "q", ()))
        await asyncio.sleep(0.02)
        with pytest.raises(OverloadedError):
            await desk.ask("calls", "1", ())
        asking.cancel()
        await asyncio.wait((asking,))

    on_loop(ask)
    outcomes = ["answered", "late", "problem", "failed", "refused", "cancelled"]
    assert [(outcome, tokens) for _, outcome, _, tokens in told] == [(one, 5 * (one == "answered")) for one in outcomes]
    assert {system for system, *_ in told} == {"calls", "deaf"}
    assert all(0 <= seconds < 10 for _, _, seconds, _ in told)


def test_other_work_is_bounded_like_questions(run):
    desk = Desk(run, Limits(threads=1, waiting=0))

    async def work() -> None:
        holding = asyncio.create_task(desk.work(run.built["deaf"].release.wait))
        await asyncio.sleep(0.02)
        with pytest.raises(OverloadedError):
            await desk.work(lambda: 1)
        run.built["deaf"].release.set()
        assert await holding
        assert await desk.work(lambda: 7) == 7

    on_loop(work)


@pytest.mark.parametrize(
    ("question", "turns", "message"),
    [
        ("x" * 11, (), "question has 11 characters; at most 10 are read"),
        ("q", ("x" * 11,), "question has 11 characters"),
        ("q", ("x",) * 5, "history has 5 turns; at most 4 are read"),
        ("q", ("x" * 9,) * 4, "history has 36 characters; at most 30 are read"),
    ],
)
def test_what_is_too_long_is_refused_and_takes_no_place(run, question, turns, message):
    desk = Desk(run, Limits(question_characters=10, history_turns=4, history_characters=30))
    history = [Turn("user", text) for text in turns]
    with pytest.raises(QuestionTooLongError, match=message):
        on_loop(lambda: desk.ask("calls", question, history))
    assert (desk.held, run.loads) == (0, [])


def test_a_job_may_raise_what_it_likes_and_gives_its_place_back(run):
    desk = Desk(run, Limits(threads=1, waiting=0))

    def fail() -> None:
        raise CorpusError("no days")

    async def work() -> None:
        for _ in range(3):
            with pytest.raises(CorpusError):
                await desk.work(fail)

    on_loop(work)
    assert desk.held == 0
