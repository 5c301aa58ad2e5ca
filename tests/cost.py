"""How the cost of a call grows with its input: ratios within one process, which hold on any machine."""

import time
from collections.abc import Callable


def seconds(call: Callable[[], object], tries: int = 3) -> float:
    """Processor time of a call, the least of a few tries."""
    found = []
    for _ in range(tries):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return min(found)
