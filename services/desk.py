"""The desk between the event loop and the systems: loads each once, answers in threads, refuses what it cannot hold.

It knows nothing of HTTP. All but the jobs themselves runs on the event loop, so that nothing here is locked.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from anyio import to_thread

from kinject.confidence import Calibration, Gate, Gated, Least
from kinject.corpus import Corpus
from kinject.errors import KinjectError, OverloadedError
from kinject.lm.calling_off import Errand
from kinject.lm.speaking import Listener, heard_by
from kinject.types import Answer, System, Turn

from . import problems
from .options import Limits
from .problems import DeadlineError, DrainingError, FailedError, QuestionTooLongError, UnknownSystemError

T = TypeVar("T")
Outcome = Literal["answered", "withheld", "refused", "late", "cancelled", "problem", "failed"]


class Run(Protocol):
    """What the service needs of a finished run; kinject.study.Run is one."""

    @property
    def systems(self) -> Sequence[str]: ...

    @property
    def corpus(self) -> Corpus: ...

    @property
    def calibrations(self) -> Mapping[str, Calibration]: ...

    def system(self, name: str) -> System: ...


class Observer(Protocol):
    def __call__(self, system: str, outcome: Outcome, seconds: float, tokens: int) -> None:
        """Told of each question when it has ended; `tokens` were read and written for the answer."""
        ...


@dataclass(eq=False, slots=True)
class _Place:
    """What is taken up by one piece of work, from its arrival until its thread is free again."""

    deadline: asyncio.Timeout
    errand: Errand = field(default_factory=Errand)
    is_awaited: bool = False
    on_thread: "Future[Any] | None" = None


class Desk:
    """Systems of one run, loaded when first asked for.

    Whoever awaits an answer may be cancelled at any time: the work is called off, in the queue and in the model, and
    its place is free as soon as its thread is.
    """

    def __init__(self, run: Run, limits: Limits) -> None:
        self.names = tuple(run.systems)
        self.observers: list[Observer] = []
        self.around: Callable[[str], AbstractContextManager[object]] = nullcontext  # each use of a system, by its name
        self.draining = False
        self.cancelled = 0  # pieces of work whose caller went away
        self._run = run
        self._limits = limits
        self._places: set[_Place] = set()
        self._threads = ThreadPoolExecutor(limits.threads, "kinject-desk")
        self._loaded: dict[str, System] = {}
        self._loading: dict[str, asyncio.Task[System]] = {}

    @property
    def held(self) -> int:
        """Pieces of work that wait or are being done."""
        return len(self._places)

    @property
    def is_busy(self) -> bool:
        """Whether a thread is still at work; unlike `held`, this can be asked when the event loop has ended."""
        return any(place.on_thread and not place.on_thread.done() for place in self._places)

    def is_loaded(self, name: str) -> bool:
        return name in self._loaded

    def replace(self, name: str, system: System) -> None:
        """From now on this system answers by that name; who is being answered still hears the one before."""
        self._check_name(name)
        self._loaded[name] = system

    async def ask(
        self,
        name: str,
        question: str,
        history: Sequence[Turn],
        least: Least | None = None,
        said: Callable[[str], None] | None = None,
    ) -> Gated:
        """An answer, or an abstention in place of one that is not at least so sure.

        `said` is told the pieces of the answer while it is written, as far as it can be: it begins with them.

        Raises UnknownSystemError, QuestionTooLongError, OverloadedError, DeadlineError, OptionError for `least` where
        the run is not calibrated, the system's KinjectError, and FailedError for anything else that it raises. What is
        refused is refused before anything is awaited.
        """
        self._check_name(name)
        with self._observed(name) as end:
            gate = Gate(name, self._run.calibrations.get(name), least)
            self._check_length(question, history)
            listener = _on_loop(said) if said and least is None else None
            gated = gate(await self.use(name, lambda system: _asked(system, question, history, listener)))
            usage = gated.answer.usage
            end("withheld" if gated.withheld else "answered", usage.prompt_tokens + usage.completion_tokens)
            return gated

    def check(self, question: str, *systems: str) -> None:
        """Raises UnknownSystemError or QuestionTooLongError for what would be refused."""
        for name in systems:
            self._check_name(name)
        self._check_length(question, ())

    async def use(self, name: str, work: Callable[[System], T]) -> T:
        """What `work` makes of a system, on a thread. It counts as one question, loading included.

        Raises UnknownSystemError, OverloadedError, DeadlineError and what loading and the work raise.
        """
        self._check_name(name)
        place = self._admit()

        async def used() -> T:
            system = await self.system(name)
            return await self._on_thread(place, lambda: work(system))

        with self.around(name):
            return await self._within(place, used())

    async def work(self, job: Callable[[], T]) -> T:
        """Other work that blocks, on a thread and within the same limits as a question.

        Raises OverloadedError, DeadlineError and what the job raises; a model that it asks knows when it is off.
        """
        place = self._admit()
        return await self._within(place, self._on_thread(place, job))

    async def system(self, name: str) -> System:
        """The system of that name, loaded unless it is. Raises UnknownSystemError, and what loading raises."""
        self._check_name(name)
        if name in self._loaded:
            return self._loaded[name]
        if name not in self._loading:
            self._loading[name] = asyncio.create_task(self._load(name))
        # Who stops waiting does not stop the loading: the next one finds it done.
        return await asyncio.shield(self._loading[name])

    async def drain(self, seconds: float) -> None:
        """Refuse what comes from now on; return when what was begun has ended. What has not by then is cut short."""
        self.draining = True
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._places and loop.time() < end:
            await asyncio.sleep(0.02)
        for place in self._places:
            if place.is_awaited and not place.deadline.expired():
                place.deadline.reschedule(loop.time())

    def _check_name(self, name: str) -> None:
        if name not in self.names:
            raise UnknownSystemError(name, self.names)

    def _check_length(self, question: str, history: Sequence[Turn]) -> None:
        limits = self._limits
        lengths = [len(turn.text) for turn in history]
        longest = max(len(question), *lengths) if lengths else len(question)
        for what, found, most in (
            ("question has {} characters", longest, limits.question_characters),
            ("history has {} turns", len(lengths), limits.history_turns),
            ("history has {} characters", sum(lengths), limits.history_characters),
        ):
            if found > most:
                raise QuestionTooLongError(f"{what.format(found)}; at most {most} are read")

    def _admit(self) -> _Place:
        if self.draining:
            raise DrainingError("the service is shutting down; ask again when it is back")
        if self.held >= self._limits.threads + self._limits.waiting:
            raise OverloadedError(f"{self.held} questions are waiting already; try again in a moment")
        place = _Place(asyncio.timeout(self._limits.deadline_s))
        # Nothing is awaited between the check and this line.
        self._places.add(place)
        return place

    async def _within(self, place: _Place, work: Coroutine[Any, Any, T]) -> T:
        """The work until its deadline; its place is given back in the end, by the thread where one has it."""
        try:
            async with place.deadline:
                place.is_awaited = True
                return await work
        except KinjectError:
            raise
        except Exception as error:  # the outermost edge of a system: whatever it raises fails its own question only
            if not place.deadline.expired():
                raise problems.failed(error) from error
            if self.draining:
                raise DrainingError("the service is shutting down and could not finish this answer") from error
            raise DeadlineError(f"there was no answer within {self._limits.deadline_s:g} s") from error
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            place.is_awaited = False
            place.errand.call_off()
            if place.on_thread is None:
                self._places.discard(place)

    async def _on_thread(self, place: _Place, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()

        def free(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed, and with it the desk
                loop.call_soon_threadsafe(self._places.discard, place)

        future = self._threads.submit(copy_context().run, place.errand.run, job)
        place.on_thread = future
        future.add_done_callback(free)
        # Cancelling the wrapper takes a job that no thread has begun out of the line.
        return await asyncio.wrap_future(future)

    async def _load(self, name: str) -> System:
        try:
            # Loading has threads of its own, so that a slow load does not stop the other systems.
            system = await to_thread.run_sync(self._run.system, name)
        finally:
            del self._loading[name]
        return self._loaded.setdefault(name, system)  # what took its place in the meantime stays there

    @contextmanager
    def _observed(self, name: str) -> Iterator[Callable[[Outcome, int], None]]:
        """Tells the observers how the question ended: what the block says, or which error it raises."""
        started, ends = time.perf_counter(), list[tuple[Outcome, int]]()
        try:
            yield lambda outcome, tokens: ends.append((outcome, tokens))
        except BaseException as error:
            ends.append((_outcome(error), 0))
            raise
        finally:
            for observer in self.observers:
                for outcome, tokens in ends:
                    observer(name, outcome, time.perf_counter() - started, tokens)


def _asked(system: System, question: str, history: Sequence[Turn], listener: Listener | None) -> Answer:
    # Of other systems nobody knows which of what their models write is the answer.
    if listener is None or not getattr(system, "says_as_it_writes", False):
        return system.ask(question, history)
    with heard_by(listener):
        return system.ask(question, history)


def _on_loop(said: Callable[[str], None]) -> Listener:
    loop = asyncio.get_running_loop()

    def listener(piece: str) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody listens
            loop.call_soon_threadsafe(said, piece)

    return listener


def _outcome(error: BaseException) -> Outcome:
    kinds: tuple[tuple[type[BaseException], Outcome], ...] = (
        (OverloadedError, "refused"),
        (DeadlineError, "late"),
        (asyncio.CancelledError, "cancelled"),
        (FailedError, "failed"),
        (KinjectError, "problem"),
    )
    return next((outcome for kind, outcome in kinds if isinstance(error, kind)), "failed")
