"""How the service behaves, decided by whoever starts it: one frozen object from the command line to the routes."""

from collections.abc import Collection
from dataclasses import dataclass

LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the service takes on at once, and how large a request may be."""

    threads: int = 64  # questions answered at the same time: they meet again in the model's own batches
    waiting: int = 64  # questions that may wait for a thread; beyond these the answer is 503
    question_characters: int = 4096
    body_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    limits: Limits = Limits()
    hosts: Collection[str] = LOOPBACK  # names that the service answers to; to any where it is empty
    allow_edits: bool = False  # whether facts may be changed while the service runs
