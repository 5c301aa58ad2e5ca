"""Answers that are drawn rather than the likeliest, for who asks the same thing several times.

Systems know nothing of it: whatever a model is asked within `sampled`, by whichever of them, is drawn. The same seed
draws the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

_CURRENT: ContextVar["Sampling | None"] = ContextVar("sampling", default=None)


@dataclass(frozen=True, slots=True)
class Sampling:
    """At temperature 1 tokens are drawn as likely as the model holds them, at lower ones the likely ones more often."""

    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.temperature > 0 or self.seed < 0:
            raise ValueError(f"temperature must be above 0 and seed at least 0, found {self.temperature}, {self.seed}")

    def rng(self, prompt: tuple[int, ...]) -> np.random.Generator:
        """Of its own for each prompt, so that the calls of one answer are drawn independently."""
        return np.random.default_rng([self.seed, *prompt])


@contextmanager
def sampled(sampling: Sampling) -> Iterator[None]:
    """What this thread, and what it starts with its context, asks of a model is sampled."""
    token = _CURRENT.set(sampling)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Sampling | None:
    """How the calling thread wants its completions; None for the likeliest tokens."""
    return _CURRENT.get()
