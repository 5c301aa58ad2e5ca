"""Being told when a model is called and when it has answered, for who wants to see where the time goes.

It is told neither what was asked nor what was said, and does not know who listens.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    """One call of a model; the tokens are known when it has ended."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


Watch = Callable[[Call], AbstractContextManager[object]]

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Every call in this context is made inside `watch`; those of threads that copy the context are too."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


@contextmanager
def calling(model: str) -> Iterator[Call]:
    call, watch = Call(model), _WATCH.get()
    if watch is None:
        yield call
    else:
        with watch(call):
            yield call
