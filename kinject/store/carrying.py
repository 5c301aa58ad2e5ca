"""A store is carried over to another run: what is sealed is shared on disk, everything else is copied.

An artifact is never written in place (`kinject.store`), so that a hard link to its files cannot change the old run.
Files outside of artifacts may be, and get a copy.
"""

import os
import shutil
from pathlib import Path

from kinject.store.artifact import MANIFEST
from kinject.store.files import remove, remove_leftovers, temporary_for


def carry(old: Path, new: Path) -> None:
    """Make `new` hold what `old` does, whole or not at all; nothing where it is there already, or nothing is held.

    Left out are the stores of further seeds, checkpoints, locks and what a killed writer left.
    """
    if new.exists() or not old.is_dir():
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(new)
    unfinished = temporary_for(new)
    try:
        shutil.copytree(old, unfinished, ignore=_ignored, copy_function=_link_or_copy)
        unfinished.rename(new)
    finally:
        remove(unfinished)


def _ignored(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(("seed-", ".")) or name == "checkpoints" or ".tmp-" in name}


def _link_or_copy(source: str, target: str) -> None:
    if any((parent / MANIFEST).is_file() for parent in Path(source).parents):
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copy2(source, target)
    else:
        shutil.copy2(source, target)
