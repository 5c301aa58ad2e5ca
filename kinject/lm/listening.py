"""Overhearing what a model was asked, so that it can be asked how likely it would have said something else.

Whoever answers a question need not know of it: systems differ in how often they ask the model, and with what.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from kinject.lm.base import Chat


class Scorer(Protocol):
    def log_probabilities(self, chat: Chat, answers: tuple[str, ...]) -> tuple[float, ...]:
        """Of each answer, and of ending there, as the assistant's next message."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """A chat that a local model was given; `model` is the view of it that was asked, with its adapter."""

    model: Scorer
    chat: Chat


_LISTENER: ContextVar[list[Heard] | None] = ContextVar("listener", default=None)


@contextmanager
def listening() -> Iterator[list[Heard]]:
    """The chats completed in this context from now on, in order; threads that copy the context are heard too."""
    heard: list[Heard] = []
    token = _LISTENER.set(heard)
    try:
        yield heard
    finally:
        _LISTENER.reset(token)


def note(model: Scorer, chat: Chat) -> None:
    heard = _LISTENER.get()
    if heard is not None:
        heard.append(Heard(model, chat))
