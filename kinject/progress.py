"""How long work tells its caller where it is. It draws nothing: the command line and the service show it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` units of one stage are finished; `note` is a short line such as a running recall."""

    stage: str
    done: int
    total: int
    note: str = ""


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """The default: tell nobody."""
