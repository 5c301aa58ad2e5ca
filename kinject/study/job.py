"""The steps of a study whose plan is settled: rehearse the scoring, build and ask each system, sum up."""

import os
import platform
import random
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

from kinject import confidence, corpus, plugins
from kinject.corpus import Corpus
from kinject.errors import StoreError
from kinject.grading import Grader
from kinject.lm.base import LM
from kinject.probes.own import KIND as OWN_KIND
from kinject.progress import Progress, Step
from kinject.store import JsonLines, crash_point, row_to_record
from kinject.study import measures
from kinject.study.asking import ALL, Asked, Share, ask_all, callers
from kinject.study.curve import Curve
from kinject.study.plan import PROBES, Plan, plugin
from kinject.study.rehearsal import canned, rehearse, rehearse_diagnosis
from kinject.study.reusing import Source
from kinject.study.run import store_of
from kinject.study.sealing import BUILDS, CORPUS, CURVE, ESTIMATES, RECORDS, SEEDS, finish
from kinject.types import Probe, Record, System

_PACKAGES = ("kinject", "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "langchain", "networkx")


@dataclass(frozen=True)
class Job:
    out: Path
    plan: Plan
    corpus: Corpus
    model: LM
    progress: Progress
    source: Source | None = None  # a run from which what would be the same is taken over
    logs: Path | None = None  # where answers go, if that is not `out`
    jobs: int = 1  # how many systems are asked at the same time

    def begin(self) -> None:
        """All that comes before the first generation."""
        self._copy_corpus()
        rehearse(canned(self._probes, self._grader), list(self.plan.configs))
        for system, nth, seed in self.plan.trainings():
            self._reuse(system, nth, seed)

    def build(self, system: str, nth: int, seed: int) -> System:
        """A system with one seed, with a rehearsal of what will be made of its answers."""
        built = self.open(system, nth, seed)
        if nth == 0:
            rehearse_diagnosis(plugin(system), built, self.corpus, canned(self._probes, self._grader))
        return built

    def open(self, system: str, nth: int, seed: int) -> System:
        """A system with one seed, built where it is not yet."""
        module, store = plugin(system), store_of(self.out, system, nth)
        curve = Curve(self._log(CURVE), module, store, self.corpus, self._grader) if nth == 0 else None
        progress = curve.follow(self.progress) if curve else self.progress
        started = time.perf_counter()
        built: System = module.build(self.corpus, store, self.model, self.plan.config(system, seed), progress)
        if curve:
            curve.update()
        crash_point("study.built")
        self._note_build(module, store, {"system": system, "seed": seed, "seconds": time.perf_counter() - started})
        return built

    def ask(self, built: System, system: str, seed: int, known: frozenset[str], share: Share = ALL) -> None:
        """Ask it those of its share of the probes that are not known."""
        # A quick study stays quick: margins read each prompt of a dialogue twice more.
        whom = (self.corpus.name, system, seed, known)
        asked = Asked(*whom, margins=self.plan.full, callers=callers(self.model.info), share=share)
        with JsonLines(self._log(RECORDS)) as log:
            ask_all(built, asked, self._probes, self._grader, log, self.progress)
        crash_point("study.asked")

    def known(self) -> dict[tuple[str, int], frozenset[str]]:
        """The ids of the probes that have been answered, by system and seed."""
        found: dict[tuple[str, int], set[str]] = {}
        for row in JsonLines(self._log(RECORDS)).rows():
            found.setdefault((row["system"], row["seed"]), set()).add(row["probe"]["id"])
        return {key: frozenset(ids) for key, ids in found.items()}

    def do(self) -> None:
        """What is left to build and to ask, then the sums."""
        systems, known = list(self.plan.configs), self.known()
        rows: list[measures.Row] = []
        for system, nth, seed in self.plan.trainings():
            built = self.build(system, nth, seed)
            self.ask(built, system, seed, known.get((system, seed), frozenset()))
            if nth == 0:
                rows += self._diagnosis(built, system, seed)
        records = [record for record in self._records() if record.system in systems]
        seconds = self._build_seconds()
        rows += measures.of_probes(records, systems, list(self.plan.sizes))
        rows += measures.of_costs(records, systems, seconds)
        kept, found = self._confidence(records)
        rows += found
        by_seed = list(measures.of_seeds(records, systems, list(self.plan.sizes)))
        finish(self.out, self._manifest(seconds), {ESTIMATES: rows, SEEDS: by_seed, confidence.FILE: kept})

    def _copy_corpus(self) -> None:
        copy = self.out / CORPUS
        if not copy.exists():
            corpus.save(self.corpus, copy)
        elif corpus.load(copy).fingerprint() != self.corpus.fingerprint():
            raise StoreError(f"{copy} is not the corpus of this study any more; `kinject repair` sets it aside")
        crash_point("study.copied")

    def _reuse(self, system: str, nth: int, seed: int) -> None:
        if self.source and (taken := self.source.take(system, nth, seed)):
            self.progress(Step(f"reuse {system}", taken, taken, f"answers of {self.source.folder}"))

    @cached_property
    def _probes(self) -> list[Probe]:
        return make_probes(self.corpus, self.plan)

    @cached_property
    def _grader(self) -> Grader:
        return Grader(self.corpus)

    def _log(self, name: str) -> Path:
        return (self.logs or self.out) / name

    def _note_build(self, module: ModuleType, store: Path, row: dict[str, Any]) -> None:
        """Once: to open again what is built takes no time worth noting."""
        epochs = module.curve(store) if hasattr(module, "curve") else ()
        row["seconds"] = max(row["seconds"], epochs[-1].seconds if epochs else 0.0)
        with JsonLines(self._log(BUILDS)) as log:
            if not any((old["system"], old["seed"]) == (row["system"], row["seed"]) for old in log.rows()):
                log.append(row)
        crash_point("study.noted")

    def _diagnosis(self, built: System, system: str, seed: int) -> list[measures.Row]:
        module = plugin(system)
        if not hasattr(module, "diagnose"):
            return []
        # What a claim did to a system is no observation of the system as it was built.
        records = (record for record in self._records() if not record.probe.claim)
        own = [record for record in records if (record.system, record.seed) == (system, seed)]
        return list(measures.of_observations(system, module.diagnose(built, self.corpus, own)))

    def _confidence(self, records: list[Record]) -> tuple[list[measures.Row], list[measures.Row]]:
        """Each system's calibration on half of what it was asked about, and how well it does on the other half."""
        kept, rows = [], []
        for system in self.plan.configs:
            split = confidence.halves(confidence.cases_of(record for record in records if record.system == system))
            chosen = confidence.calibrate(split.dev)
            kept.append(confidence.to_row(system, chosen))
            found = confidence.measured(split, chosen)
            rows += [measures.row(system, "confidence", metric, estimate) for metric, estimate in found.items()]
        return kept, rows

    def _records(self) -> list[Record]:
        found = [row_to_record(row) for row in JsonLines(self.out / RECORDS).rows()]
        return sorted(found, key=lambda record: record.key)

    def _build_seconds(self) -> dict[str, float]:
        """By system, the mean over its seeds."""
        rows = JsonLines(self.out / BUILDS).rows()
        return {name: fmean(r["seconds"] for r in rows if r["system"] == name) for name in self.plan.configs}

    def _manifest(self, build_seconds: dict[str, float]) -> dict[str, Any]:
        return {
            "corpus": {"name": self.corpus.name, "fingerprint": self.corpus.fingerprint()},
            "model": asdict(self.model.info),
            "systems": {name: asdict(self.plan.config(name, self.plan.seed)) for name in self.plan.configs},
            "probes": self.plan.sizes,
            "seeds": sorted({seed for name in self.plan.configs for seed in self.plan.seeds(name)}),
            "build_seconds": build_seconds,
            "jobs": self.jobs,
            "callers": callers(self.model.info),
            **circumstances(),
        }


def circumstances() -> dict[str, Any]:
    """What a manifest says of the libraries and the machine: results depend on both."""
    return {
        "versions": {name: metadata.version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
    }


def make_probes(corpus: Corpus, plan: Plan) -> list[Probe]:
    """The probes of every family; each family draws by itself, so that one's size does not change another's."""
    made = [
        probe
        for kind, size in plan.sizes.items()
        if kind != OWN_KIND
        for probe in plugins.load(PROBES, kind).make(corpus, size, random.Random(f"{plan.seed}/{kind}"))
    ]
    return [*made, *plan.own.probes]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
