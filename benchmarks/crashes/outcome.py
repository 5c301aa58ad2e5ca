"""What a study has ended with, without what the clock says of it: two that did the same are equal."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.crashes.small import CORPUS, RUN
from kinject import report, study
from kinject.store import JsonLines, record_to_row
from kinject.study.sealing import BUILDS, CURVE, ESTIMATES, RECORDS, finish, read_rows
from kinject.types import Record

_MADE = ("sft/model/model.safetensors", "rag/index/vectors.faiss", "rag/index/chunks.jsonl")
_TIMES = ("seconds", "build_seconds")


@dataclass(frozen=True)
class Outcome:
    """By part, such as "records", a digest of it or what is to be seen there."""

    parts: dict[str, str]

    def differs(self, other: "Outcome") -> list[str]:
        return [name for name, value in self.parts.items() if value != other.parts.get(name)]


def outcome(folder: Path, scratch: Path) -> Outcome:
    """Of a finished study in `folder`; the report is made anew in `scratch`, as if all had taken no time.

    Raises KinjectError for a run that cannot be read.
    """
    run = study.open_run(folder / RUN)
    records = [_untimed(record) for record in run.records()]
    estimates = [_untimed_row(row) for row in run.estimates()]
    curve = [{**row, "seconds": 0.0} for row in read_rows(run.folder, run.manifest, CURVE)]
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(run.folder / "corpus", scratch / "corpus")
    rows = [record_to_row(record) for record in records]
    manifest = _untimed_manifest(run.manifest)
    finish(scratch, manifest, {RECORDS: rows, ESTIMATES: estimates, CURVE: curve})
    report.write(scratch)
    parts = {
        "records": _digest(json.dumps(rows).encode()),
        "estimates": _digest(json.dumps(sorted(estimates, key=_key)).encode()),
        "curve": _digest(json.dumps(curve).encode()),
        "builds": str(sorted((row["system"], row["seed"]) for row in JsonLines(run.folder / BUILDS).rows())),
        "manifest": json.dumps(manifest, sort_keys=True),
        "calibrations": str(sorted((name, repr(kept)) for name, kept in run.calibrations.items())),
        "leftovers": str(leftovers(folder)),
    }
    parts |= {path.name: _digest(path.read_bytes()) for path in (scratch / "report.md", scratch / "report.html")}
    parts |= {name: _digest((run.folder / "systems" / name).read_bytes()) for name in _MADE}
    parts |= {path.name: _digest(path.read_bytes()) for path in _all(folder / CORPUS)}
    parts["the run's report"] = str(
        all((run.folder / name).stat().st_size > 0 for name in ("report.md", "report.html"))
    )
    return Outcome(parts)


def leftovers(folder: Path) -> list[str]:
    """What a killed writer has left beside the places of its files."""
    found = folder.rglob("*")
    return sorted(
        str(path.relative_to(folder)) for path in found if ".tmp-" in path.name or path.name.endswith(".previous")
    )


def _untimed(record: Record) -> Record:
    answers = tuple(replace(answer, usage=replace(answer.usage, seconds=0.0)) for answer in record.answers)
    return replace(record, answers=answers)


def _untimed_row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"value": 0.0, "low": 0.0, "high": 0.0} if row["metric"] in _TIMES else row


def _untimed_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in manifest.items() if name not in ("files", "schema")}
    return kept | {"build_seconds": dict.fromkeys(manifest["build_seconds"], 0.0)}


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["system"], row["probe"], row["metric"]


def _all(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
