"""The manifest of a finished study, study.json: where it is, the study is finished and its files are as it says.

It tells the length and sha256 of the corpus and of every log beside it, so that a cut log, a changed corpus and a file
of another run are found before they are used. What systems store has manifests of its own (`kinject.store`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kinject import confidence, corpus
from kinject.corpus import Corpus
from kinject.errors import StoreError
from kinject.store import FileEntry, JsonLines, crash_point, read_sealed, write_sealed
from kinject.store.files import fsync_folder, temporary_for

MANIFEST, CORPUS = "study.json", "corpus"
RECORDS, ESTIMATES, CURVE, BUILDS = "records.jsonl", "estimates.jsonl", "curve.jsonl", "builds.jsonl"
SCHEMA = 2  # files of schema 1 say nothing of the files beside them

Row = dict[str, Any]


def finish(out: Path, manifest: Row, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the tables by the names of their files, then the manifest.

    The manifest of an older state goes before the first table comes: it tells of other numbers. A study that is killed
    in between is one to go on with.
    """
    unfinished = {out / name: temporary_for(out / name) for name in tables}
    for path, beside in unfinished.items():
        beside.touch()
        with JsonLines(beside) as log:
            for row in tables[path.name]:
                log.append(row)
    crash_point("study.estimated")
    (out / MANIFEST).unlink(missing_ok=True)
    fsync_folder(out)
    crash_point("study.unsealed")
    for path, beside in unfinished.items():
        beside.replace(path)
    fsync_folder(out)
    crash_point("study.summed")
    files = {path.relative_to(out).as_posix(): asdict(_entry(path)) for path in _files(out)}
    write_sealed(out / MANIFEST, {"schema": SCHEMA, **manifest, "files": files})


def read_manifest(folder: Path) -> Row:
    """Raises StoreError for a folder that holds no finished study, or one of a newer schema."""
    path = folder / MANIFEST
    try:
        manifest = read_sealed(path)
    except FileNotFoundError as error:
        raise StoreError(f"no finished study in {folder}: {MANIFEST} is not there; run `kinject study`") from error
    if manifest.get("schema") not in range(1, SCHEMA + 1):
        raise StoreError(f"{path} is not of schema {SCHEMA}, which is what this kinject reads")
    return manifest


def read_corpus(folder: Path, manifest: Row) -> Corpus:
    """The corpus that the study was made with. Raises CorpusError or StoreError if it is not that any more."""
    loaded = corpus.load(folder / CORPUS)
    if loaded.fingerprint() != manifest["corpus"]["fingerprint"]:
        raise StoreError(f"{folder / CORPUS} is not the corpus that the study was made with; run the study anew")
    for name in manifest.get("files", ()):
        if name.startswith(f"{CORPUS}/"):
            check(folder, manifest, name)
    return loaded


def read_rows(folder: Path, manifest: Row, name: str) -> list[Row]:
    """The rows of a log. Raises StoreError if it is not as the study left it, but for rows appended since."""
    rows = JsonLines(folder / name).rows()
    check(folder, manifest, name)
    return rows


def check(folder: Path, manifest: Row, name: str) -> None:
    """Raises StoreError if a file is not as the manifest tells; a log may have grown since."""
    told = manifest.get("files", {}).get(name)
    if told is None:
        return
    length = -1 if name.startswith(f"{CORPUS}/") else told["bytes"]
    if _entry(folder / name, length) != FileEntry(**told):
        raise StoreError(
            f"{folder / name} is not as the study left it: cut, changed or of another run; "
            "run the same `kinject study` again, which goes on from what is whole"
        )


def _files(out: Path) -> list[Path]:
    names = (RECORDS, ESTIMATES, confidence.FILE, CURVE, BUILDS, "before.jsonl", "update.jsonl")
    logs = [out / name for name in names]
    corpus_files = [path for path in sorted((out / CORPUS).iterdir()) if path.suffix in (".toml", ".jsonl")]
    return [path for path in (*logs, *corpus_files) if path.is_file()]


def _entry(path: Path, length: int = -1) -> FileEntry:
    """Of the first bytes of a file, or of all of them; of a file that is not there, as of an empty one."""
    if not path.is_file():
        return FileEntry(0, hashlib.sha256(b"").hexdigest())
    with path.open("rb") as file:
        read = file.read(length)
    return FileEntry(len(read), hashlib.sha256(read).hexdigest())
