"""What this machine has: cores, memory and room on disk. It imports nothing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kinject.doctor.rows import Row

GIB = 1 << 30
LEAST_MEMORY_GIB = 4  # a study with mini stays below 2; another model needs its weights and as much again
LEAST_DISK_GIB = 2


def examine(folder: Path = Path()) -> Iterator[Row]:
    """`folder` lies on the disk on which runs would."""
    # A container or a batch system may allow fewer cores than there are.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Row("cores", str(allowed))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    yield _room("memory", memory, LEAST_MEMORY_GIB, "a study may not fit: close other programs")
    free = shutil.disk_usage(folder).free / GIB
    yield _room("disk", free, LEAST_DISK_GIB, "a run may not fit: make room, or name another place with --out")


def _room(name: str, gib: float, least: int, advice: str) -> Row:
    return Row(name, f"{gib:.1f} GiB", *(("note", advice) if gib < least else ()))
