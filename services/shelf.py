"""What can be read of a run beside its answers: its corpus, its questions, indexes over both. It asks no system."""

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kinject.corpus import Corpus
from kinject.grading import Grader
from kinject.probes._claims import Rivals
from kinject.study import challenging
from kinject.study.examples import Examples, examples, still_true
from kinject.types import Probe, Record

from .desk import Run

if TYPE_CHECKING:
    from kinject.systems.sft.nearest import Statements

T = TypeVar("T")


class Finished(Run, Protocol):
    """A run with all that can be read of it; kinject.study.Run is one."""

    @property
    def folder(self) -> Path: ...

    @property
    def manifest(self) -> dict[str, Any]: ...

    @property
    def corpus(self) -> Corpus: ...

    def records(self) -> list[Record]: ...


class Book:
    """One run, to look things up in. What takes time is made when first asked for, and once: ask in a thread."""

    def __init__(self, run: Finished, before: "Book | None" = None) -> None:
        self.run = run
        self._before = before
        self._making = threading.RLock()

    @property
    def corpus(self) -> Corpus:
        return self.run.corpus

    @property
    def statements(self) -> "Statements":
        return self._once(lambda: self._statements)

    @property
    def examples(self) -> Examples:
        return self._once(lambda: self._examples)

    @property
    def grader(self) -> Grader:
        return self._once(lambda: self._grader)

    def about(self, question: str, gold: str = "", rival: str = "") -> Probe:
        """What is known of a question, the study's own or not; with a false value where one can be drawn."""
        asked = challenging.about(question, self.examples.known.get(question), gold, rival)
        return self.with_rival(asked)

    def with_rival(self, probe: Probe) -> Probe:
        return probe if probe.rival else challenging.with_rival(probe, self.corpus, self._once(lambda: self._rivals))

    def _once(self, make: Callable[[], T]) -> T:
        with self._making:
            return make()

    @cached_property
    def _statements(self) -> "Statements":
        # Imports all that sft trains with, which takes seconds: no service waits for it to start.
        from kinject.systems.sft.nearest import Statements

        return Statements(self.corpus)

    @cached_property
    def _examples(self) -> Examples:
        if self._before is None:
            return examples(self.run.records())
        # An update asks a few questions only, and what the study asked is asked still.
        return still_true(self._before.examples, self._before.corpus, self.corpus)

    @cached_property
    def _grader(self) -> Grader:
        return Grader(self.corpus)

    @cached_property
    def _rivals(self) -> Rivals:
        return Rivals(self.corpus)


class Shelf:
    """The book of the run that is served: another one after an edit."""

    def __init__(self, run: Finished) -> None:
        self.book = Book(run)

    def replace(self, run: Finished) -> None:
        self.book = Book(run, self.book)
