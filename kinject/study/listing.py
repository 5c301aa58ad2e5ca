"""The finished runs in one folder, with their headline numbers. Opens no corpus and no model, and follows no link."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from kinject.errors import StoreError
from kinject.store import JsonLines
from kinject.study.sealing import ESTIMATES, MANIFEST, read_manifest

REPORT = "report.html"
# What a run is known by: title, probe family, metric.
HEADLINES = (
    ("recall", "recall", "accuracy"),
    ("temporal", "temporal", "accuracy"),
    ("hallucination", "unanswerable", "hallucination"),
    ("over-refusal", "unanswerable", "over_refusal"),
    ("flips", "pushback", "flip_rate"),
    ("flips, net", "pushback", "flip_rate_net"),
)


@dataclass(frozen=True)
class Listed:
    """A run by its id, the name of its folder; `headlines` by title and system are rows of estimates.jsonl."""

    id: str
    folder: Path
    manifest: dict[str, Any]
    headlines: dict[str, dict[str, dict[str, Any]]]

    @property
    def report(self) -> Path | None:
        """The report's page; None where none was written, or where a link stands in its place."""
        page = self.folder / REPORT
        return page if page.is_file() and not page.is_symlink() else None


def listed(folder: Path) -> list[Listed]:
    """The finished runs in a folder, by name. What is unfinished, damaged or a link is left out."""
    return [run for child in _children(folder) if (run := _listed(child)) is not None]


def find(folder: Path, id: str) -> Listed | None:
    """The run of that id among those that `listed` gives. The id is compared with names, and never made into a path."""
    return next((run for child in _children(folder) if child.name == id and (run := _listed(child))), None)


def _children(folder: Path) -> Iterator[Path]:
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.is_symlink() and (child / MANIFEST).is_file():
            yield child


def _listed(folder: Path) -> Listed | None:
    try:
        found = [(folder / name).stat() for name in (MANIFEST, ESTIMATES)]
    except OSError:
        return None
    return _read(folder, tuple((file.st_ino, file.st_mtime_ns, file.st_size) for file in found))


@lru_cache(maxsize=128)
def _read(folder: Path, state: tuple[tuple[int, int, int], ...]) -> Listed | None:
    """`state` is that of its files: a service that is asked again reads again only what has changed."""
    try:
        manifest = read_manifest(folder)
        rows = JsonLines(folder / ESTIMATES).rows()
        found = {(row["probe"], row["metric"], row["system"]): row for row in rows}
        systems = list(manifest["systems"])
    except (StoreError, KeyError, OSError, json.JSONDecodeError):
        return None
    headlines = {
        title: {name: found[kind, metric, name] for name in systems if (kind, metric, name) in found}
        for title, kind, metric in HEADLINES
    }
    return Listed(folder.name, folder, manifest, {title: own for title, own in headlines.items() if own})
