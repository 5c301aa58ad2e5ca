"""Callers that go in step, so that what a model answers them does not depend on who came when.

In bfloat16 the logits of a row depend a little on the rows beside it, and a near tie falls either way. A study
therefore asks in companies: a batch of theirs is run only when each member waits for an answer, its rows are in an
order of their own, and nothing is shared with callers outside. The same members get the same answers in every run.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_CURRENT: ContextVar["Company | None"] = ContextVar("company", default=None)


class Company:
    """A group of `members` callers, each on a thread of its own, that ends with the last of them."""

    def __init__(self, members: int) -> None:
        self._members, self._waiting = members, 0
        self._lock = threading.Lock()
        self._listeners: set[Callable[[], None]] = set()

    @contextmanager
    def member(self) -> Iterator[None]:
        """The calls of this thread are those of a member, until it leaves."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)
            with self._lock:
                self._members -= 1
            self._tell()

    def dissolve(self) -> None:
        """Who is still there goes on alone: some members will never come."""
        with self._lock:
            self._members = 0
        self._tell()

    def wait_for(self, future: "Future[Any]", listener: Callable[[], None]) -> None:
        """A member waits from now on; `listener` is called whenever all of them may be waiting."""
        with self._lock:
            self._waiting += 1
            self._listeners.add(listener)
        # Runs where the result is set, before that thread looks whether all wait.
        future.add_done_callback(self._served)
        self._tell()

    def all_wait(self) -> bool:
        with self._lock:
            return self._waiting >= self._members

    def _served(self, _: "Future[Any]") -> None:
        with self._lock:
            self._waiting -= 1

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


def current() -> Company | None:
    """The company that the calling thread is a member of."""
    return _CURRENT.get()
