"""An errand whose caller may go away: what waits or is about to compute for it stops, instead of ending it for nobody.

Whoever answers need not know of it: a model and the thread that computes look here. Work that has begun and looks
nowhere is not interrupted.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextvars import ContextVar
from typing import Any, TypeVar

from kinject.errors import CalledOffError

T = TypeVar("T")


class Errand:
    """One piece of work on a thread; `call_off` may come from any other thread, at any time and more than once."""

    def __init__(self) -> None:
        self.off: Future[Any] = Future()  # a future, to be waited for beside another
        self._lock = threading.Lock()

    def call_off(self) -> None:
        with self._lock:
            if not self.off.done():
                self.off.set_result(None)

    @property
    def is_off(self) -> bool:
        return self.off.done()

    def run(self, job: Callable[[], T]) -> T:
        """The job on this thread, as this errand's. Raises CalledOffError where it is off already, and what it does."""
        token = _CURRENT.set(self)
        try:
            check()
            return job()
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Errand | None] = ContextVar("errand", default=None)


def check() -> None:
    """Raises CalledOffError where the errand of the calling thread is off."""
    errand = _CURRENT.get()
    if errand is not None and errand.is_off:
        raise CalledOffError("nobody waits for this any more")


def result(future: "Future[T]") -> T:
    """What the future has in the end. Raises CalledOffError as soon as the errand of the calling thread is off."""
    errand = _CURRENT.get()
    if errand is not None:
        wait((future, errand.off), return_when=FIRST_COMPLETED)
        if not future.done():
            check()
    return future.result()
