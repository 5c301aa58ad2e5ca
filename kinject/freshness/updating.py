"""The steps of an update: ask the old systems, carry their files over, update each, ask again, sum up."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from kinject import corpus as corpora
from kinject.corpus import Corpus
from kinject.corpus.files import HEADER
from kinject.errors import CorpusError, StoreError
from kinject.freshness import probing, table
from kinject.freshness.changes import read
from kinject.freshness.editing import edited
from kinject.grading import Grader
from kinject.progress import Progress, Step, silent
from kinject.store import JsonLines, lock, row_to_record, sealed_text, sweep, write_whole
from kinject.store.carrying import carry
from kinject.study import Run, measures, open_run
from kinject.study.asking import Asked, ask_all, callers
from kinject.study.job import circumstances
from kinject.study.plan import SCHEMA, plugin
from kinject.study.run import store_of
from kinject.study.sealing import ESTIMATES, PLAN, check_kept, finish
from kinject.types import Probe, Record, System

BEFORE, AFTER = "before.jsonl", "records.jsonl"
DEFAULT_N = 100


@dataclass(frozen=True)
class Update:
    """`changes` is a file of changes, or a corpus folder: the new state. No systems: all those of the run.

    `today` dates the changes of a corpus that has no day. `out` None: beside the run. `n` questions about changed
    facts, and as many about others, are put to each system before and after.
    """

    run: Path
    changes: Path
    today: date
    out: Path | None = None
    systems: tuple[str, ...] = ()
    n: int = DEFAULT_N
    seed: int = 0


@dataclass(frozen=True)
class _Plan:
    """What is to be done, settled before anything is written."""

    old: Run
    after: Corpus
    counts: dict[str, int]
    systems: tuple[str, ...]
    pin: str


def update(wanted: Update, progress: Progress = silent) -> Path:
    """Do an update, or what is left of it, and return the new run's folder.

    Raises KinjectError for a change, a system or a folder that cannot be used, before anything is written.
    """
    plan = _settle(wanted)
    out = _folder(wanted, plan.pin)
    with lock(out):
        sweep(out)
        check_kept(out)
        if not (out / PLAN).exists():
            write_whole(out / PLAN, plan.pin)
        _Job(out, plan, wanted, progress).do()
    return out


@dataclass(frozen=True)
class _Job:
    out: Path
    plan: _Plan
    wanted: Update
    progress: Progress

    def do(self) -> None:
        before, after = self.plan.old.corpus, self.plan.after
        if not (self.out / "corpus").exists():
            corpora.save(after, self.out / "corpus")
        probes = probing.probes(before, after, self.wanted.n, random.Random(self.wanted.seed))
        grader = probing.grader(before, after)
        for name in self.plan.systems:
            if self._missing(BEFORE, name, probes):
                self._ask(BEFORE, self.plan.old.system(name), name, probes, grader)
            built = self._updated(name)
            self._ask(AFTER, built, name, probes, grader)
        builds = {row["system"]: row for row in JsonLines(self.out / "builds.jsonl").rows()}
        rows = list(self._rows(builds))
        answered = [record for record in self._records(AFTER) if record.probe.gold]
        recall = measures.of_probes(answered, self.plan.systems, ["recall"])
        seconds = {name: builds[name]["seconds"] for name in self.plan.systems}
        costs = measures.of_costs(self._records(AFTER), self.plan.systems, seconds)
        manifest = self._manifest(seconds, len(probes), {name: builds[name]["work"] for name in self.plan.systems})
        write_whole(self.out / "update.md", table.markdown(manifest, rows))
        finish(self.out, manifest, {ESTIMATES: [*recall, *rows, *costs], "update.jsonl": rows})

    def _updated(self, name: str) -> System:
        """The system with the new facts; how long that took is kept as soon as it is done."""
        module, config, store = plugin(name), self.plan.old.config(name), store_of(self.out, name, 0)
        carry(store_of(self.plan.old.folder, name, 0), store)
        model, watch = self.plan.old.model, _Watch(self.progress)
        with JsonLines(self.out / "builds.jsonl") as log:
            is_done = any(row["system"] == name for row in log.rows())
            started = time.perf_counter()
            if hasattr(module, "update") and not is_done:
                module.update(self.plan.old.corpus, self.plan.after, store, model, config, watch)
            seconds = time.perf_counter() - started
            built: System = module.build(self.plan.after, store, model, config, watch)
            if not is_done:
                # Where a plugin updates by building, building is the update; elsewhere it only opens what there is.
                seconds = seconds if hasattr(module, "update") else time.perf_counter() - started
                log.append({"system": name, "seed": self._seed, "seconds": seconds, "work": watch.work})
        return built

    def _ask(self, file: str, system: System, name: str, probes: list[Probe], grader: Grader) -> None:
        known = frozenset(r.probe.id for r in self._records(file) if r.system == name)
        with JsonLines(self.out / file) as log:
            asked = Asked(self.plan.after.name, name, self._seed, known, callers=callers(self.plan.old.model.info))
            ask_all(system, asked, probes, grader, log, self.progress)

    def _missing(self, file: str, name: str, probes: list[Probe]) -> bool:
        return len({r.probe.id for r in self._records(file) if r.system == name}) < len(probes)

    def _records(self, file: str) -> list[Record]:
        found = [row_to_record(row) for row in JsonLines(self.out / file).rows()]
        return sorted(found, key=lambda record: record.key)

    def _rows(self, builds: dict[str, Any]) -> Iterator[measures.Row]:
        facts = self._facts_changed()
        for name in self.plan.systems:
            then, now = ([r for r in self._records(file) if r.system == name] for file in (BEFORE, AFTER))
            for when, records in (("before", then), ("after", now)):
                for metric, estimate in probing.shares(records).items():
                    yield measures.row(name, "freshness", f"{metric}_{when}", estimate)
            yield measures.row(name, "freshness", "damage", probing.damage(then, now))
            seconds = builds[name]["seconds"]
            yield measures.row(name, "freshness", "update_seconds", measures.once(seconds))
            yield measures.row(name, "freshness", "seconds_per_fact", measures.once(seconds / max(1, facts)))

    def _facts_changed(self) -> int:
        return len(probing.changed(self.plan.old.corpus, self.plan.after))

    def _manifest(self, seconds: dict[str, float], probes: int, work: dict[str, dict[str, int]]) -> dict[str, Any]:
        old, after = self.plan.old, self.plan.after
        return {
            "corpus": {"name": after.name, "fingerprint": after.fingerprint()},
            "model": old.manifest["model"],
            "systems": {name: old.manifest["systems"][name] for name in self.plan.systems},
            "probes": {"recall": probes},
            "seeds": [self._seed],
            "build_seconds": seconds,
            "update": {
                "of": old.folder.resolve().name,
                "facts": self._facts_changed(),
                "counts": self.plan.counts,
                "work": work,
            },
            **circumstances(),
        }

    @property
    def _seed(self) -> int:
        seeds: list[int] = self.plan.old.manifest["seeds"]
        return min(seeds)


class _Watch:
    """Progress, passed on; `work` is how many units each stage had, such as passages to embed or steps to train."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.work: dict[str, int] = {}

    def __call__(self, step: Step) -> None:
        self.work[step.stage] = step.total
        self._progress(step)


def _settle(wanted: Update) -> _Plan:
    old = open_run(wanted.run)
    systems = tuple(dict.fromkeys(wanted.systems)) or old.systems
    for name in systems:
        old.config(name)
    if (wanted.changes / HEADER).is_file():
        after, counts = corpora.load(wanted.changes), {}
    else:
        result = edited(old.corpus, read(wanted.changes), wanted.today)
        after, counts = result.corpus, result.counts
    if after.fingerprint() == old.corpus.fingerprint():
        raise CorpusError(f"{wanted.changes} is what {wanted.run} was made with; nothing changes")
    pin = {
        "schema": SCHEMA,
        "update_of": [old.folder.resolve().name, old.corpus.fingerprint(), old.manifest["model"]["fingerprint"]],
        "corpus": after.fingerprint(),
        "systems": {name: old.manifest["systems"][name] for name in systems},
        "n": wanted.n,
        "seed": wanted.seed,
    }
    return _Plan(old, after, counts, systems, sealed_text(pin))


def _folder(wanted: Update, pin: str) -> Path:
    """The folder of this very update, begun or not: the one asked for, or the first free one beside the run."""
    if wanted.out is not None:
        if not _may_hold(wanted.out, pin):
            raise StoreError(f"{wanted.out} holds something else than this update; choose another folder")
        return wanted.out
    beside = wanted.run.resolve()
    names = (f"{beside.name}-updated" + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(folder for name in names if _may_hold(folder := wanted.run.parent / name, pin))


def _may_hold(folder: Path, pin: str) -> bool:
    plan = folder / PLAN
    if plan.is_file():
        return plan.read_text(encoding="utf-8") == pin
    return not folder.exists() or not any(file.name != ".lock" for file in folder.iterdir())
