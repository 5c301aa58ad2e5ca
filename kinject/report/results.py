"""What a run folder holds, read once: manifest, corpus, records, estimates and the training curve.

Computes nothing and writes nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kinject.corpus import Corpus
from kinject.store import row_to_record
from kinject.study.sealing import CURVE, ESTIMATES, RECORDS, read_corpus, read_manifest, read_rows
from kinject.types import Estimate, Record

NO_DATA = Estimate(math.nan, 0.0, 1.0, 0)
_UNBOUNDED = (("low", -math.inf), ("high", math.inf))
FLOOR, CEILING = "closed_book", "oracle"
# From knowing nothing to being handed the passage: the order of every table and figure.
LADDER = (FLOOR, "sft", "rag", "kg", "hybrid", "long_context", CEILING)


@dataclass(frozen=True)
class Point:
    """One checkpoint of training; recall is a share of probes with its interval."""

    epoch: float
    loss: float
    recall: Estimate
    seconds: float


@dataclass(frozen=True)
class Results:
    """A finished run, without what its folder holds of systems that its last study left out.

    `lines` is where a record stands in records.jsonl, from 1. `curve` has one point an epoch, in order, and is empty
    where nothing was trained.
    """

    folder: Path
    manifest: dict[str, Any]
    corpus: Corpus
    records: tuple[Record, ...]
    lines: dict[tuple[str, str, int], int]
    estimates: dict[tuple[str, str, str], Estimate]
    curve: tuple[Point, ...]

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """Every system with a record or an estimate, from floor to ceiling."""
        found = {record.system for record in self.records} | {system for system, _, _ in self.estimates}
        return ladder(found)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The systems that one could choose: neither the floor nor the ceiling."""
        return tuple(system for system in self.systems if system not in (FLOOR, CEILING))

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The probe families that were asked."""
        return tuple(dict.fromkeys(record.probe.kind for record in self.records))

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Whatever has estimates: probe families, and what systems tell of themselves, such as their retrieval."""
        return tuple(dict.fromkeys(kind for _, kind, _ in self.estimates))

    def estimate(self, system: str, kind: str, metric: str) -> Estimate:
        return self.estimates.get((system, kind, metric), NO_DATA)

    def of(self, system: str) -> tuple[Record, ...]:
        return self._by_system.get(system, ())

    def line(self, record: Record) -> int:
        return self.lines[record.key]

    @cached_property
    def _by_system(self) -> dict[str, tuple[Record, ...]]:
        return {name: tuple(r for r in self.records if r.system == name) for name in {r.system for r in self.records}}


def read(folder: Path) -> Results:
    """Raises StoreError naming the file that is missing or damaged, CorpusError for the corpus."""
    manifest = read_manifest(folder)
    records = [row_to_record(row) for row in read_rows(folder, manifest, RECORDS)]
    return Results(
        folder=folder,
        manifest=manifest,
        corpus=read_corpus(folder, manifest),
        records=tuple(record for record in records if record.system in manifest["systems"]),
        lines={record.key: number for number, record in enumerate(records, start=1)},
        estimates=dict(_estimate(row) for row in read_rows(folder, manifest, ESTIMATES)),
        curve=tuple(_point(row) for row in read_rows(folder, manifest, CURVE)) if "sft" in manifest["systems"] else (),
    )


def ladder(names: Iterable[str]) -> tuple[str, ...]:
    """Known systems in their place, others by name before the ceiling."""
    place = {name: n for n, name in enumerate(LADDER)}
    return tuple(sorted(names, key=lambda name: (place.get(name, len(LADDER) - 1.5), name)))


def _estimate(row: dict[str, Any]) -> tuple[tuple[str, str, str], Estimate]:
    return (row["system"], row["probe"], row["metric"]), _numbers(row, "value")


def _point(row: dict[str, Any]) -> Point:
    return Point(float(row["epoch"]), _float(row["loss"]), _numbers(row, "recall"), _float(row["seconds"]))


def _numbers(row: dict[str, Any], value: str) -> Estimate:
    low, high = (row[bound] if row[bound] is not None else limit for bound, limit in _UNBOUNDED)
    return Estimate(_float(row[value]), float(low), float(high), int(row["n"]))


def _float(value: float | None) -> float:
    """NaN is null on disk, and so is an infinite bound."""
    return math.nan if value is None else float(value)
