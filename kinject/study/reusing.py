"""What another run has built and been told, taken over where this one would come out the same.

A system is built alike where kinject, corpus, model, options and seed are the same. Its answers are the same where the
probes are as well, all of them: what a probe is answered depends a little on those that it is asked with.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinject.errors import StoreError
from kinject.store import JsonLines, read_sealed
from kinject.store.carrying import carry
from kinject.study.run import store_of
from kinject.study.sealing import BUILDS, PLAN, RECORDS, Row, check_kept, read_manifest, read_rows

_BUILT = ("version", "corpus", "model")


@dataclass(frozen=True)
class Source:
    """A finished run in `folder`; `plan` is its, `own` that of the run in `out`, which takes over."""

    folder: Path
    out: Path
    manifest: dict[str, Any]
    plan: dict[str, Any]
    own: dict[str, Any]

    def take(self, system: str, nth: int, seed: int) -> int:
        """Take over what there is of a system with this seed; returns the number of answers."""
        if not self._is_built_alike(system, seed):
            return 0
        store = store_of(self.out, system, nth)
        if not store.exists():
            # First: what is carried over opens in no time, which is not how long it took.
            self._append(BUILDS, system, seed)
            carry(store_of(self.folder, system, seed - min(self.manifest["seeds"])), store)
        return self._append(RECORDS, system, seed) if self._is_asked_alike() else 0

    def _is_built_alike(self, system: str, seed: int) -> bool:
        options = self.plan["systems"].get(system)
        same = all(self.plan[name] == self.own[name] for name in _BUILT)
        return same and options == self.own["systems"][system] and seed in self.manifest["seeds"]

    def _is_asked_alike(self) -> bool:
        return {**self.plan, "systems": 0} == {**self.own, "systems": 0}

    def _append(self, name: str, system: str, seed: int) -> int:
        """The rows of a system with a seed that this run does not have."""
        rows = read_rows(self.folder, self.manifest, name)
        return add_rows(self.out / name, (row for row in rows if (row["system"], row["seed"]) == (system, seed)))


def open_source(folder: Path, out: Path) -> Source:
    """Raises StoreError for a folder that holds no finished study, is damaged, or is the run itself."""
    if folder.resolve() == out.resolve():
        raise StoreError(f"{folder} is the run itself, which goes on where it was; name another one")
    check_kept(folder)
    manifest, plan = read_manifest(folder), read_sealed(folder / PLAN)
    if "sizes" not in plan:
        raise StoreError(f"{folder} is an update of another run; name one that `kinject study` made")
    return Source(folder, out, manifest, plan, read_sealed(out / PLAN))


def add_rows(path: Path, rows: Iterable[Row]) -> int:
    """Append the rows that the log does not have; returns how many those are."""
    with JsonLines(path) as log:
        known = {_key(row) for row in log.rows()}
        new = [row for row in rows if _key(row) not in known]
        for row in new:
            log.append(row)
    return len(new)


def _key(row: Row) -> tuple[Any, ...]:
    probe = row["probe"]["id"] if "probe" in row else None
    return row.get("system"), row.get("seed"), row.get("epoch"), probe
