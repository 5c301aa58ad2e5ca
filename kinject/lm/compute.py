"""The one thread of this process that computes.

OpenMP keeps a team of threads for every thread that has ever computed, for as long as that lives. Where these are more
than the cores, libgomp lets none of them wait actively, and each operation begins with waking its team: a model's idle
thread slows whoever trains or answers beside it. So whatever computes is handed in here.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

from kinject.errors import CalledOffError
from kinject.lm import calling_off

P = ParamSpec("P")
R = TypeVar("R")

_NAME = "kinject-compute"
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_NAME)


def is_here() -> bool:
    """Whether this is that thread."""
    return threading.current_thread().name.startswith(_NAME)


def computes(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run on that thread whoever calls it; the caller waits for what it returns or raises.

    What waits for its turn when its errand is called off is not begun.
    """

    @wraps(function)
    def there(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_here():
            return function(*args, **kwargs)
        turn = _thread.submit(function, *args, **kwargs)
        try:
            return calling_off.result(turn)
        except CalledOffError:
            turn.cancel()
            raise

    return there
