"""What is damaged in a run's folder is set aside, so that the study makes it again; what is good is kept.

Nothing is changed in place and nothing is deleted: what was damaged stays beside, as NAME.damaged-1.
"""

import os
from itertools import count
from pathlib import Path
from typing import Any

from kinject.errors import StoreError
from kinject.store import JsonLines, lock
from kinject.store.files import fsync_folder, temporary_for
from kinject.study.sealing import ANSWERS, LOGS, MANIFEST, PLAN, is_own, read_manifest
from kinject.study.verifying import DAMAGED, verify


def repair(run: Path) -> tuple[str, ...]:
    """A line for each thing that was done; none where nothing is damaged. `kinject study` then makes what is missing.

    Raises StoreError for a folder that is not one of a run or is in use.
    """
    with lock(run):
        damaged = list(dict.fromkeys(problem.path for problem in verify(run).problems))
        if run / PLAN in damaged:
            # Answers are reused by the plan: without one, nobody can tell under which options they were given.
            damaged += [run / name for name in LOGS if run / name not in damaged]
        manifest = _manifest(run)
        done = []
        if any(run / "systems" not in path.parents for path in damaged):
            # First, so that a repair that is killed leaves a study to go on with.
            done += _set_aside(run / MANIFEST)
        for path in damaged:
            is_kept = path.name in ANSWERS and run / PLAN not in damaged and is_own(run, manifest, path.name)
            done += _keep_good_rows(path) if is_kept else _set_aside(path)
    return tuple(done)


def _manifest(run: Path) -> dict[str, Any]:
    try:
        return read_manifest(run)
    except StoreError:
        return {}


def _set_aside(path: Path) -> list[str]:
    if not path.exists():
        return []
    aside = _free(path)
    path.rename(aside)
    fsync_folder(path.parent)
    return [f"{path}: set aside as {aside.name}"]


def _keep_good_rows(path: Path) -> list[str]:
    found = JsonLines(path).salvage()
    beside, aside = temporary_for(path), _free(path)
    with JsonLines(beside) as log:
        for row in found.rows:
            log.append(row)
    os.link(path, aside)
    if found.rows:
        beside.replace(path)
    else:
        path.unlink()
    fsync_folder(path.parent)
    return [f"{path}: {len(found.rows)} good rows kept; as it was: {aside.name}"]


def _free(path: Path) -> Path:
    names = (path.with_name(f"{path.name}{DAMAGED}{number}") for number in count(1))
    return next(name for name in names if not name.exists())
