"""The steps of an update: ask the old systems, carry their files over, update each, ask again, sum up."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from kinject.freshness.changes import Change, read
from kinject.freshness.editing import edited
from kinject.progress import Progress, Step, silent
from kinject.store import JsonLines, lock, row_to_record, sealed_text, sweep, write_whole
from kinject.store.carrying import carry
from kinject.study import Run, measures, open_run
from kinject.study.asking import Asked, ask_all, callers
from kinject.study.job import circumstances
from kinject.study.plan import SCHEMA, plugin
from kinject.study.run import store_of
from kinject.study.sealing import ESTIMATES, PLAN, check_kept, finish
from kinject.types import Record, System

BEFORE, AFTER = "before.jsonl", "records.jsonl"
DEFAULT_N = 100


@dataclass(frozen=True)
class Update:
    """`changes` is a file of changes, a corpus folder (the new state) or changes. No systems: all those of the run.

    `today` dates the changes of a corpus that has no day. `out` None: beside the run. `n` questions about changed
    facts, and as many about others, are put to each system before and after.
    """

    run: Path
    changes: Path | tuple[Change, ...]
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
    with begun(wanted, progress) as job:
        for name in job.systems:
            job.ask_before(name)
            job.bring(name)
        job.finish(job.systems)
    return job.out


@contextmanager
def begun(wanted: Update, progress: Progress = silent, run: Run | None = None) -> Iterator["Job"]:
    """An update whose steps the caller takes, and who is the only one to do so; `run` is the run, if it is open.

    Raises as `update` does.
    """
    plan = _settle(wanted, run)
    out = _folder(wanted, plan.pin)
    with lock(out):
        sweep(out)
        check_kept(out)
        if not (out / PLAN).exists():
            write_whole(out / PLAN, plan.pin)
        yield Job(out, plan, wanted, progress)


class Job:
    """An update system by system: each is asked, brought up to date and asked again, and those that were are summed up.

    What is done already in the folder is not done again.
    """

    def __init__(self, out: Path, plan: _Plan, wanted: Update, progress: Progress) -> None:
        self.out, self._plan, self._progress = out, plan, progress
        self.systems = plan.systems
        before, after = plan.old.corpus, plan.after
        if not (out / "corpus").exists():
            corpora.save(after, out / "corpus")
        self._probes = probing.probes(before, after, wanted.n, random.Random(wanted.seed))
        self._grader = probing.grader(before, after)

    def values(self, subject: str, relation: str) -> tuple[str, ...]:
        """What holds after the update."""
        return tuple(fact.object for fact in self._plan.after.current().facts_of(subject, relation))

    def ask_before(self, name: str) -> None:
        """Ask the system of the old run."""
        if self._missing(BEFORE, name):
            self._ask(BEFORE, self._plan.old.system(name), name)

    def bring(self, name: str) -> System:
        """The system with the new facts, which has been asked."""
        built = self._updated(name)
        self._ask(AFTER, built, name)
        return built

    def records(self, name: str) -> tuple[list[Record], list[Record]]:
        """A system's records before and after, so far."""
        then, now = ([r for r in self._records(file) if r.system == name] for file in (BEFORE, AFTER))
        return then, now

    def seconds(self, name: str) -> float:
        """How long it took to bring a system up to date."""
        seconds: float = self._builds()[name]["seconds"]
        return seconds

    def finish(self, systems: Sequence[str]) -> None:
        """Sum up the systems that were brought up to date: a run of these."""
        builds = self._builds()
        rows = list(self._rows(systems))
        records = [record for record in self._records(AFTER) if record.system in systems]
        recall = measures.of_probes([record for record in records if record.probe.gold], systems, ["recall"])
        seconds = {name: builds[name]["seconds"] for name in systems}
        costs = measures.of_costs(records, systems, seconds)
        manifest = self._manifest(seconds, {name: builds[name]["work"] for name in systems})
        write_whole(self.out / "update.md", table.markdown(manifest, rows))
        finish(self.out, manifest, {ESTIMATES: [*recall, *rows, *costs], "update.jsonl": rows})

    def _updated(self, name: str) -> System:
        """The system with the new facts; how long that took is kept as soon as it is done."""
        module, config, store = plugin(name), self._plan.old.config(name), store_of(self.out, name, 0)
        carry(store_of(self._plan.old.folder, name, 0), store)
        model, watch = self._plan.old.model, _Watch(self._progress)
        with JsonLines(self.out / "builds.jsonl") as log:
            is_done = any(row["system"] == name for row in log.rows())
            started = time.perf_counter()
            if hasattr(module, "update") and not is_done:
                module.update(self._plan.old.corpus, self._plan.after, store, model, config, watch)
            seconds = time.perf_counter() - started
            built: System = module.build(self._plan.after, store, model, config, watch)
            if not is_done:
                # Where a plugin updates by building, building is the update; elsewhere it only opens what there is.
                seconds = seconds if hasattr(module, "update") else time.perf_counter() - started
                log.append({"system": name, "seed": self._seed, "seconds": seconds, "work": watch.work})
        return built

    def _ask(self, file: str, system: System, name: str) -> None:
        known = frozenset(r.probe.id for r in self._records(file) if r.system == name)
        asked = Asked(self._plan.after.name, name, self._seed, known, callers=callers(self._plan.old.model.info))
        with JsonLines(self.out / file) as log:
            ask_all(system, asked, self._probes, self._grader, log, self._progress)

    def _missing(self, file: str, name: str) -> bool:
        return len({r.probe.id for r in self._records(file) if r.system == name}) < len(self._probes)

    def _builds(self) -> dict[str, Any]:
        return {row["system"]: row for row in JsonLines(self.out / "builds.jsonl").rows()}

    def _records(self, file: str) -> list[Record]:
        found = [row_to_record(row) for row in JsonLines(self.out / file).rows()]
        return sorted(found, key=lambda record: record.key)

    def _rows(self, systems: Sequence[str]) -> Iterator[measures.Row]:
        facts = self._facts_changed()
        for name in systems:
            then, now = self.records(name)
            for when, records in (("before", then), ("after", now)):
                for metric, estimate in probing.shares(records).items():
                    yield measures.row(name, "freshness", f"{metric}_{when}", estimate)
            yield measures.row(name, "freshness", "damage", probing.damage(then, now))
            seconds = self.seconds(name)
            yield measures.row(name, "freshness", "update_seconds", measures.once(seconds))
            yield measures.row(name, "freshness", "seconds_per_fact", measures.once(seconds / max(1, facts)))

    def _facts_changed(self) -> int:
        return len(probing.changed(self._plan.old.corpus, self._plan.after))

    def _manifest(self, seconds: dict[str, float], work: dict[str, dict[str, int]]) -> dict[str, Any]:
        old, after = self._plan.old, self._plan.after
        return {
            "corpus": {"name": after.name, "fingerprint": after.fingerprint()},
            "model": old.manifest["model"],
            "systems": {name: old.manifest["systems"][name] for name in seconds},
            "probes": {"recall": len(self._probes)},
            "seeds": [self._seed],
            "build_seconds": seconds,
            "update": {
                "of": old.folder.resolve().name,
                "facts": self._facts_changed(),
                "counts": self._plan.counts,
                "work": work,
            },
            **circumstances(),
        }

    @property
    def _seed(self) -> int:
        seeds: list[int] = self._plan.old.manifest["seeds"]
        return min(seeds)


class _Watch:
    """Progress, passed on; `work` is how many units each stage had, such as passages to embed or steps to train."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.work: dict[str, int] = {}

    def __call__(self, step: Step) -> None:
        self.work[step.stage] = step.total
        self._progress(step)


def _settle(wanted: Update, run: Run | None) -> _Plan:
    old = run or open_run(wanted.run)
    systems = tuple(dict.fromkeys(wanted.systems)) or old.systems
    for name in systems:
        old.config(name)
    after, counts = _state(wanted, old.corpus)
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


def _state(wanted: Update, before: Corpus) -> tuple[Corpus, dict[str, int]]:
    changes = wanted.changes
    if isinstance(changes, Path) and (changes / HEADER).is_file():
        return corpora.load(changes), {}
    result = edited(before, read(changes) if isinstance(changes, Path) else changes, wanted.today)
    return result.corpus, result.counts


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
