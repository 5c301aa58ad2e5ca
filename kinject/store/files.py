"""Files that are there whole or not at all, and the lock that makes their writer the only one."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinject.errors import StoreError
from kinject.store.crash import crash_point


def write_whole(path: Path, text: str) -> None:
    """Replace or create one text file (UTF-8). Raises StoreError when the disk refuses; the old file then remains."""
    remove_leftovers(path)
    temporary = temporary_for(path)
    try:
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            crash_point("file.written")
            os.fsync(file.fileno())
        crash_point("file.synced")
        temporary.replace(path)
        crash_point("file.renamed")
        fsync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror}; the old file, if any, is untouched") from error


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Be the only writer of a folder. A lock dies with its process. Raises StoreError naming the holder's pid."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StoreError(
                f"{folder} is in use by process {holder}; wait for it, or choose another folder"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def temporary_for(path: Path) -> Path:
    """A name beside `path` that nobody else uses: a rename from there stays on one file system."""
    return path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex[:12]}")


def remove_leftovers(path: Path) -> None:
    """Delete what a killed writer of this very name left behind."""
    for leftover in path.parent.glob(f"{_escaped(path.name)}.tmp-*"):
        remove(leftover)


def sweep(folder: Path) -> None:
    """Delete what killed writers left behind anywhere below a folder: only for who holds its lock."""
    for leftover in sorted(folder.rglob("*.tmp-*")):
        remove(leftover)


def remove(path: Path) -> None:
    """Delete a file or a folder; a link is deleted, never followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # a read-only file system refuses to delete even what is not there
        path.unlink(missing_ok=True)


def fsync_file(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def fsync_folder(folder: Path) -> None:
    """A rename is durable only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
