"""What every route stands on: the run, the desk where its systems are asked, and the options."""

from dataclasses import dataclass

from .desk import Desk, Run
from .options import Options


@dataclass(frozen=True, slots=True)
class Service:
    """`corpus` is the name of the corpus that the run is about."""

    run: Run
    desk: Desk
    options: Options
    corpus: str
