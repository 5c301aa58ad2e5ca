"""What every route stands on: the run, the desk where its systems are asked, what can be read, and the options."""

from dataclasses import dataclass

from .desk import Desk, Run
from .options import Options
from .shelf import Shelf


@dataclass(frozen=True, slots=True)
class Service:
    """`corpus` is the name of the corpus that the run is about; after an edit `shelf` has another run than `run`."""

    run: Run
    desk: Desk
    options: Options
    corpus: str
    shelf: Shelf
