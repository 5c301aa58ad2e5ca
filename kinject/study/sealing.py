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

PLAN, MANIFEST, CORPUS = "plan.json", "study.json", "corpus"
OWN = "own"  # where a run keeps the user's probes
RECORDS, ESTIMATES, CURVE, BUILDS = "records.jsonl", "estimates.jsonl", "curve.jsonl", "builds.jsonl"
SEEDS = "seeds.jsonl"  # the estimates of each training by itself
ANSWERS = (RECORDS, CURVE, BUILDS, "before.jsonl")  # these grow by rows, which a study that goes on keeps
LOGS = (*ANSWERS, ESTIMATES, SEEDS, confidence.FILE, "update.jsonl")  # the others are reckoned anew
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
    files = {path.relative_to(out).as_posix(): asdict(_entry(path)) | _ends(path) for path in _files(out)}
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
    length = told["bytes"] if name in LOGS else -1
    entry = FileEntry(told["bytes"], told["sha256"])
    if _entry(folder / name, length) != entry:
        raise StoreError(
            f"{folder / name} is not as the study left it: cut, changed or of another run; "
            "`kinject repair` keeps what is good of it, and `kinject study` goes on"
        )


def is_own(folder: Path, manifest: Row, name: str) -> bool:
    """Whether a log that is not as it was has the study's first or last row: then its other good rows are the study's.

    A row has the seconds that something took, so that no other study's is the same.
    """
    told, path = manifest.get("files", {}).get(name), folder / name
    return told is None or (path.is_file() and not {*_line_digests(path)}.isdisjoint(told["ends"]))


def check_kept(folder: Path) -> None:
    """Raises StoreError if what a finished study would go on with is not as it left it: plan, corpus, probes, answers.

    A study that is not finished passes.
    """
    if (folder / MANIFEST).exists():
        manifest = read_manifest(folder)
        check_plan(folder, manifest)
        for name in manifest.get("files", ()):
            if name in ANSWERS or name not in LOGS:
                check(folder, manifest, name)


def check_plan(folder: Path, manifest: Row) -> None:
    """Raises StoreError if plan.json is that of another study."""
    path = folder / PLAN
    if not path.exists():
        return
    plan = read_sealed(path)
    told = {"corpus": manifest["corpus"]["fingerprint"]}
    if "sizes" in plan:  # an update has none, and its seed is that of its questions
        told |= {"model": manifest["model"]["fingerprint"], "sizes": manifest["probes"], "seed": min(manifest["seeds"])}
    planned = {name: {**config, "seed": 0} for name, config in plan["systems"].items()}
    built = {name: {**config, "seed": 0} for name, config in manifest["systems"].items()}
    if {**plan, **told} != plan or {**planned, **built} != planned:
        raise StoreError(f"{path} and {MANIFEST} are of two studies; put back the one that belongs to the other")


def _ends(path: Path) -> dict[str, list[str]]:
    first, *rest = _line_digests(path)
    return {"ends": [first, *rest[-1:]]}


def _line_digests(path: Path) -> list[str]:
    return [hashlib.sha256(line).hexdigest()[:16] for line in path.read_bytes().splitlines() or [b""]]


def _files(out: Path) -> list[Path]:
    logs = [out / name for name in LOGS]
    corpus_files = [path for path in sorted((out / CORPUS).iterdir()) if path.suffix in (".toml", ".jsonl")]
    return [path for path in (*logs, *corpus_files, *sorted(out.glob(f"{OWN}/*"))) if path.is_file()]


def _entry(path: Path, length: int = -1) -> FileEntry:
    """Of the first bytes of a file, or of all of them; of a file that is not there, as of an empty one."""
    if not path.is_file():
        return FileEntry(0, hashlib.sha256(b"").hexdigest())
    with path.open("rb") as file:
        read = file.read(length)
    return FileEntry(len(read), hashlib.sha256(read).hexdigest())
