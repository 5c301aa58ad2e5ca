"""The desk between the event loop and the systems: loads each once, answers in threads, refuses what it cannot hold.

It knows nothing of HTTP.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import anyio
from anyio import to_thread

from kinject.confidence import Calibration, Gate, Gated, Least
from kinject.errors import OverloadedError
from kinject.types import System, Turn

from .options import Limits
from .problems import QuestionTooLongError, UnknownSystemError

T = TypeVar("T")


class Run(Protocol):
    """What the service needs of a finished run; kinject.study.Run is one."""

    @property
    def systems(self) -> Sequence[str]: ...

    @property
    def calibrations(self) -> Mapping[str, Calibration]: ...

    def system(self, name: str) -> System: ...


class Desk:
    """Systems of one run, loaded when first asked for."""

    def __init__(self, run: Run, limits: Limits) -> None:
        self.names = tuple(run.systems)
        self._run = run
        self._limits = limits
        self._held = 0
        self._threads = anyio.CapacityLimiter(limits.threads)
        self._loaded: dict[str, System] = {}
        self._loading = {name: anyio.Lock() for name in self.names}

    def is_loaded(self, name: str) -> bool:
        return name in self._loaded

    async def ask(self, name: str, question: str, history: Sequence[Turn], least: Least | None = None) -> Gated:
        """An answer, or an abstention in place of one that is not at least so sure.

        Raises UnknownSystemError, QuestionTooLongError, OverloadedError, OptionError for `least` where the run is not
        calibrated, and what the system raises.
        """
        if name not in self.names:
            raise UnknownSystemError(name, self.names)
        gate = Gate(name, self._run.calibrations.get(name), least)
        longest = max(len(question), *(len(turn.text) for turn in history)) if history else len(question)
        if longest > (limit := self._limits.question_characters):
            raise QuestionTooLongError(f"question has {longest} characters; at most {limit} are read")
        return gate(await self.use(name, lambda system: system.ask(question, history)))

    def check(self, question: str, *systems: str) -> None:
        """Raises QuestionTooLongError, or UnknownSystemError, for what would be refused."""
        for name in systems:
            if name not in self.names:
                raise UnknownSystemError(name, self.names)
        if len(question) > (limit := self._limits.question_characters):
            raise QuestionTooLongError(f"question has {len(question)} characters; at most {limit} are read")

    async def use(self, name: str, work: Callable[[System], T]) -> T:
        """What `work` makes of a system, in a thread. It counts as one question.

        Raises UnknownSystemError, OverloadedError and what the work raises.
        """
        if name not in self.names:
            raise UnknownSystemError(name, self.names)
        if self._held >= self._limits.threads + self._limits.waiting:
            raise OverloadedError(f"{self._held} questions are waiting already; try again in a moment")
        # Only the event loop touches the count, and nothing is awaited between the check and this line.
        self._held += 1
        try:
            system = await self._system(name)
            return await to_thread.run_sync(work, system, limiter=self._threads)
        finally:
            self._held -= 1

    def replace(self, name: str, system: System) -> None:
        """From now on questions go to this system; those that are being answered end with the old one."""
        self._loaded[name] = system

    async def _system(self, name: str) -> System:
        async with self._loading[name]:
            if name not in self._loaded:
                # Loading has a thread of its own kind, so that a slow load does not stop the other systems.
                self._loaded[name] = await to_thread.run_sync(self._run.system, name)
            return self._loaded[name]
