"""Seconds, bytes in memory and bytes on disk of one piece of work."""

import resource
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """seconds(n) = fixed + slope * n."""

    fixed: float
    slope: float

    def at(self, n: int) -> float:
        return self.fixed + self.slope * n


def line(points: Sequence[tuple[int, float]]) -> Line:
    """Through sizes and their seconds, in order: the first pays what is paid once, the last two show the growth."""
    (small, small_s), (large, large_s) = points[-2:] if len(points) > 2 else ((0, 0.0), points[-1])
    slope = max(0.0, large_s - small_s) / (large - small)
    return Line(max(0.0, *(seconds - slope * size for size, seconds in points)), slope)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def traced(work: Callable[[], object]) -> float:
    """The most memory that Python and numpy held at once for it, in bytes."""
    tracemalloc.start()
    try:
        result = work()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        tracemalloc.stop()
    return float(peak)


def peak_bytes() -> float:
    """The most memory that this process has had so far."""
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bytes_below(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
