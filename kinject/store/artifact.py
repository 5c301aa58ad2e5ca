"""A folder that is built beside its place, sealed with a manifest, and moved there in one step."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kinject import __version__
from kinject.errors import StoreError
from kinject.store.crash import crash_point
from kinject.store.files import fsync_file, fsync_folder, remove, remove_leftovers, temporary_for, write_whole
from kinject.store.sealed import sealed_text

SCHEMA = 1
MANIFEST = "MANIFEST.json"


@dataclass(frozen=True, slots=True)
class FileEntry:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is made from (`fingerprint`), by which version, and every file in it by relative path."""

    fingerprint: str
    schema: int
    version: str
    files: dict[str, FileEntry]


@contextmanager
def new_artifact(path: Path, fingerprint: str) -> Iterator[Path]:
    """A temporary folder that becomes `path`, with a manifest, when the block ends without an error.

    An older artifact at `path` is replaced in that moment and is untouched until then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _recover(path)
    remove_leftovers(path)
    temporary = temporary_for(path)
    temporary.mkdir()
    crash_point("artifact.begun")
    try:
        yield temporary
        crash_point("artifact.filled")
        _seal_and_move(temporary, path, fingerprint)
    finally:
        remove(temporary)


def artifact_is(path: Path, fingerprint: str) -> bool:
    """True if `path` is whole and was made from `fingerprint`, False if it is absent or was made from another.

    Raises StoreError naming the file if a file is missing, foreign, cut or changed.
    """
    _recover(path)
    if not (path / MANIFEST).exists():
        return False
    manifest = read_manifest(path)
    found = _files_below(path)
    for name in sorted(manifest.files.keys() | found.keys()):
        if name not in found:
            raise StoreError(f"{path / name} is missing; delete {path} to build it again")
        if name not in manifest.files:
            raise StoreError(f"{path / name} is not in {MANIFEST}; remove it, or delete {path} to build it again")
        if _entry(found[name]) != manifest.files[name]:
            raise StoreError(f"{path / name} is damaged (length or sha256); delete {path} to build it again")
    return manifest.fingerprint == fingerprint


def read_manifest(path: Path) -> Manifest:
    """The manifest of an artifact, itself checked. Raises StoreError if it is absent, damaged or of a newer schema."""
    _recover(path)
    file = path / MANIFEST
    try:
        text = file.read_text(encoding="utf-8")
        row = json.loads(text)
        whole = text == sealed_text(row)
    except FileNotFoundError as error:
        raise StoreError(f"no {MANIFEST} in {path}: it is not a finished artifact") from error
    except (ValueError, AttributeError) as error:
        raise StoreError(f"{file} is damaged; delete {path} to build it again") from error
    if not whole:
        raise StoreError(f"{file} is damaged (sha256); delete {path} to build it again")
    if row["schema"] > SCHEMA:
        raise StoreError(f"{file} has schema {row['schema']} of kinject {row['version']}; this kinject reads {SCHEMA}")
    files = {name: FileEntry(**entry) for name, entry in row["files"].items()}
    return Manifest(row["fingerprint"], row["schema"], row["version"], files)


def _seal_and_move(temporary: Path, path: Path, fingerprint: str) -> None:
    try:
        _seal(temporary, fingerprint)
        crash_point("artifact.sealed")
        _move(temporary, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; the old artifact, if any, is untouched") from error


def _seal(folder: Path, fingerprint: str) -> None:
    """Put every file on disk, then the manifest: its existence means that the build finished."""
    files = _files_below(folder)
    rights = folder.stat().st_mode & 0o666
    for file in files.values():
        # safetensors lets nobody else read its files, and a service may run as another user than the study.
        file.chmod(rights)
        fsync_file(file)
    for parent in {file.parent for file in files.values()}:
        fsync_folder(parent)
    manifest = Manifest(fingerprint, SCHEMA, __version__, {name: _entry(file) for name, file in files.items()})
    crash_point("artifact.synced")
    write_whole(folder / MANIFEST, sealed_text(asdict(manifest)))


def _move(new: Path, path: Path) -> None:
    """Two renames, since a folder cannot be renamed onto a full one; `_recover` undoes the first one alone."""
    if path.exists():
        path.rename(_aside(path))
        crash_point("artifact.set_aside")
    new.rename(path)
    crash_point("artifact.moved")
    fsync_folder(path.parent)
    crash_point("artifact.synced_in_place")
    remove(_aside(path))


def _recover(path: Path) -> None:
    aside = _aside(path)
    if path.exists():
        remove(aside)
    elif aside.exists():
        # Another reader may have done the same a moment ago.
        with contextlib.suppress(FileNotFoundError):
            aside.rename(path)


def _files_below(folder: Path) -> dict[str, Path]:
    """Regular files by relative path, without the manifest and without what a desktop hides in folders."""
    found = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if not file.is_dir()}
    for name, file in found.items():
        if file.is_symlink() or not file.is_file():
            raise StoreError(f"{folder / name} is not a regular file; an artifact holds nothing else")
    return {name: file for name, file in found.items() if name != MANIFEST and not file.name.startswith(".")}


def _entry(file: Path) -> FileEntry:
    with file.open("rb") as opened:
        return FileEntry(file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")
