"""Batches drawn ahead of the steps that learn from them, by processes of their own.

An accelerator learns from lessons faster than one process writes them.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from kinject.lab.batches import Batch

# What draws: from the number of a draw and the curriculum's level to batches. Picklable, and the same each time.
Draw = Callable[[int, int], list[Batch]]

_READY = 4  # draws that may wait to be taken, beside one under way a process: the curriculum's level is as old as these


class Supply(Protocol):
    """Draws in the order in which they are asked for."""

    ahead: int  # draws to be asked for before the first one is taken

    def ask(self, number: int, level: int) -> None: ...

    def take(self) -> list[Batch]: ...


@contextmanager
def supply(draw: Draw, processes: int) -> Iterator[Supply]:
    """Draws made by so many processes, which end with the block; by this one where that is 0, when they are taken."""
    if not processes:
        yield _Own(draw)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _begin) as pool:
        try:
            yield _Others(draw, pool, processes + _READY)
        finally:
            pool.shutdown(cancel_futures=True)


class _Own:
    ahead = 1

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._asked: deque[tuple[int, int]] = deque()

    def ask(self, number: int, level: int) -> None:
        self._asked.append((number, level))

    def take(self) -> list[Batch]:
        return self._draw(*self._asked.popleft())


class _Others:
    def __init__(self, draw: Draw, pool: ProcessPoolExecutor, ahead: int) -> None:
        self.ahead = ahead
        self._draw, self._pool = draw, pool
        self._asked: deque[Future[list[Batch]]] = deque()

    def ask(self, number: int, level: int) -> None:
        self._asked.append(self._pool.submit(self._draw, number, level))

    def take(self) -> list[Batch]:
        return self._asked.popleft().result()


def _begin() -> None:
    """One thread a process, which ends with the process that asked for it, however that ended."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)
