"""Hearing what a model writes while it writes it.

Only a local model is heard, and only where it is the first to compute a chat. Whether what it writes is the answer or
a step on the way there is known to its caller and not to it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]  # told of a piece of text on the thread that computes; must not raise or wait

_LISTENER: ContextVar[Listener | None] = ContextVar("speaking", default=None)
_HALF = "\ufffd"  # a character of which not all bytes are written


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """What models write for this thread goes to the listener, too."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def current() -> Listener | None:
    return _LISTENER.get()


class Voice:
    """Turns what is written so far, as often as there is more of it, into the pieces that were not said yet."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._said = listener, ""

    def __call__(self, text: str) -> None:
        text = text.rstrip(_HALF)
        if len(text) > len(self._said) and text.startswith(self._said):
            piece, self._said = text[len(self._said) :], text
            self._listener(piece)
