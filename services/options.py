"""How the service behaves, decided by whoever starts it: one frozen object from the command line to the routes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from kinject.errors import OptionError
from kinject.keys import Keys

LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the service takes on at once, and how large a request may be."""

    threads: int = 64  # questions answered at the same time: they meet again in the model's own batches
    waiting: int = 64  # questions that may wait for a thread; beyond these the answer is 503
    question_characters: int = 4096  # of a question, and of each turn before it
    history_turns: int = 64
    history_characters: int = 32_768  # of all turns together
    deadline_s: float = 60.0  # from a question's arrival to its answer; then it is 504
    drain_s: float = 20.0  # for what is being answered when the service is told to stop
    body_bytes: int = 1 << 20
    body_s: float = 20.0  # for all of a body to come


@dataclass(frozen=True, slots=True)
class Options:
    limits: Limits = Limits()
    hosts: Collection[str] = LOOPBACK  # names that the service answers to; to any where it is empty
    allow_edits: bool = False  # whether facts may be changed while the service runs
    keys: Keys | None = None  # who may ask; anybody where there are none
    origins: Collection[str] = ()  # web pages of other origins that may ask
    per_minute: int | None = None  # requests of one client
    log: Literal["plain", "json"] = "plain"


def check_bind(host: str, options: Options, is_forced: bool = False) -> None:
    """Raises OptionError where strangers could reach the service without a key; edits are not theirs even if forced."""
    if host in LOOPBACK or host == "::1" or options.keys:
        return
    make = "make one with `kinject key add FILE NAME` and give --keys FILE"
    if options.allow_edits:
        raise OptionError(f"whoever reaches {host} could change facts: --allow-edits needs keys there; {make}")
    if not is_forced:
        raise OptionError(f"whoever reaches {host} could ask: it takes a key; {make}, or --force it without")
