"""What every route stands on: the run, the desk where its systems are asked, what can be read, and the options."""

from dataclasses import dataclass, field
from datetime import date

from kinject.corpus.dating import Dating

from .desk import Desk, Run
from .options import Options
from .shelf import Shelf


@dataclass(slots=True)
class Days:
    """How questions are put as of a day; what a corpus words is read with the first of them, and after an edit."""

    shelf: Shelf
    _read: tuple[object, Dating] | None = None

    def put(self, question: str, on: date) -> str:
        """May take a moment. Raises CorpusError where the corpus knows no days."""
        corpus = self.shelf.book.corpus
        if self._read is None or self._read[0] is not corpus:
            self._read = corpus, Dating(corpus)
        return self._read[1].put(question, on)


@dataclass(frozen=True, slots=True)
class Service:
    """`corpus` is the name of the corpus that the run is about; after an edit `shelf` has another run than `run`."""

    run: Run
    desk: Desk
    options: Options
    corpus: str
    shelf: Shelf
    days: Days = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", Days(self.shelf))
