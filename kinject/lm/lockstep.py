"""Callers in lockstep, so that what a model answers them does not depend on who came when.

In bfloat16 the logits of a row depend a little on the rows beside it, and a near tie falls either way. A study
therefore asks in cohorts: a batch of theirs is run only when each member waits for an answer, its rows are in an order
of their own, and nothing is shared with callers outside. The same members get the same answers in every run.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_CURRENT: ContextVar["Cohort | None"] = ContextVar("cohort", default=None)


class Cohort:
    """A group of `members` callers, each on a thread of its own, that ends with the last of them."""

    def __init__(self, members: int) -> None:
        self._members, self._waiting = members, 0
        # Entered again by the callback of a future that is done already.
        self._lock = threading.RLock()
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
            self._wake()

    def abandon(self) -> None:
        """Who is still there goes on alone: some members will never come."""
        with self._lock:
            self._members = 0
        self._wake()

    def wait_for(self, future: "Future[Any]", listener: Callable[[], None]) -> None:
        """A member waits from now on; `listener` is called whenever all of them may be waiting."""
        # The future outlives the cohort where it is remembered, and must not keep it alive.
        own = weakref.ref(self)
        with self._lock:
            self._waiting += 1
            self._listeners.add(listener)
            # Runs where the result is set, before that thread looks whether all wait.
            future.add_done_callback(lambda _: cohort._served() if (cohort := own()) else None)
        self._wake()

    def all_wait(self) -> bool:
        with self._lock:
            return self._waiting >= self._members

    def _served(self) -> None:
        with self._lock:
            self._waiting -= 1

    def _wake(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


def current() -> Cohort | None:
    """The cohort that the calling thread is a member of."""
    return _CURRENT.get()


def in_step(pool: Executor, call: Callable[[T], R], items: Sequence[T]) -> "list[Future[R]]":
    """Start `call` for each of the items as a member of one cohort; the pool must have a thread for each."""
    cohort = Cohort(len(items))

    def member(item: T) -> R:
        with cohort.member():
            return call(item)

    try:
        return [pool.submit(member, item) for item in items]
    except BaseException:  # those that were started would wait for those that were not
        cohort.abandon()
        raise
