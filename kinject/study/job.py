"""The steps of a study whose plan is settled: rehearse the scoring, build and ask each system, sum up."""

import json
import os
import platform
import random
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

from kinject import confidence, corpus, plugins
from kinject.corpus import Corpus
from kinject.grading import Grader
from kinject.lm.base import LM
from kinject.lm.prompts import ABSTENTION
from kinject.probes.own import KIND as OWN_KIND
from kinject.progress import Progress
from kinject.store import JsonLines, row_to_record, write_whole
from kinject.study import measures
from kinject.study.asking import Asked, ask_all
from kinject.study.curve import Curve
from kinject.study.plan import PROBES, Plan, plugin
from kinject.study.run import SCHEMA, store_of
from kinject.types import Answer, Probe, Record, System

_PACKAGES = ("kinject", "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "langchain", "networkx")


@dataclass(frozen=True)
class Job:
    out: Path
    plan: Plan
    corpus: Corpus
    model: LM
    progress: Progress

    def do(self) -> None:
        if not (self.out / "corpus").exists():
            corpus.save(self.corpus, self.out / "corpus")
        probes = make_probes(self.corpus, self.plan)
        grader = Grader(self.corpus)
        _rehearse(probes, grader)
        systems = list(self.plan.configs)
        rows: list[measures.Row] = []
        for system in systems:
            for nth, seed in enumerate(self.plan.seeds(system)):
                built = self._build(system, nth, seed, grader)
                self._ask(built, system, seed, probes, grader)
                if nth == 0:
                    rows += self._diagnosis(built, system, seed)
        records = [record for record in self._records() if record.system in systems]
        seconds = self._build_seconds()
        rows += measures.of_probes(records, systems, list(self.plan.sizes))
        rows += measures.of_costs(records, systems, seconds)
        rows += self._confidence(records)
        write_rows(self.out / "estimates.jsonl", rows)
        # Last: its existence means that the study is finished.
        write_whole(self.out / "study.json", json.dumps(self._manifest(seconds), indent=1, ensure_ascii=False))

    def _build(self, system: str, nth: int, seed: int, grader: Grader) -> System:
        module, store = plugin(system), store_of(self.out, system, nth)
        curve = Curve(self.out / "curve.jsonl", module, store, self.corpus, grader) if nth == 0 else None
        progress = curve.follow(self.progress) if curve else self.progress
        started = time.perf_counter()
        built: System = module.build(self.corpus, store, self.model, self.plan.config(system, seed), progress)
        if curve:
            curve.update()
        self._note_build(module, store, {"system": system, "seed": seed, "seconds": time.perf_counter() - started})
        return built

    def _note_build(self, module: ModuleType, store: Path, row: dict[str, Any]) -> None:
        """Once: to open again what is built takes no time worth noting."""
        epochs = module.curve(store) if hasattr(module, "curve") else ()
        row["seconds"] = max(row["seconds"], epochs[-1].seconds if epochs else 0.0)
        with JsonLines(self.out / "builds.jsonl") as log:
            if not any((old["system"], old["seed"]) == (row["system"], row["seed"]) for old in log.rows()):
                log.append(row)

    def _ask(self, built: System, system: str, seed: int, probes: list[Probe], grader: Grader) -> None:
        known = frozenset(r.probe.id for r in self._records() if (r.system, r.seed) == (system, seed))
        # A quick study stays quick: margins read each prompt of a dialogue twice more.
        asked = Asked(self.corpus.name, system, seed, known, margins=self.plan.full)
        with JsonLines(self.out / "records.jsonl") as log:
            ask_all(built, asked, probes, grader, log, self.progress)

    def _diagnosis(self, built: System, system: str, seed: int) -> list[measures.Row]:
        module = plugin(system)
        if not hasattr(module, "diagnose"):
            return []
        # What a claim did to a system is no observation of the system as it was built.
        records = (record for record in self._records() if not record.probe.claim)
        own = [record for record in records if (record.system, record.seed) == (system, seed)]
        return list(measures.of_observations(system, module.diagnose(built, self.corpus, own)))

    def _confidence(self, records: list[Record]) -> list[measures.Row]:
        """Calibrate every system on half of what it was asked about, keep that, and judge it on the other half."""
        kept, rows = [], []
        for system in self.plan.configs:
            split = confidence.halves(confidence.cases_of(record for record in records if record.system == system))
            chosen = confidence.calibrate(split.dev)
            kept.append(confidence.to_row(system, chosen))
            found = confidence.measured(split, chosen)
            rows += [measures.row(system, "confidence", metric, estimate) for metric, estimate in found.items()]
        write_rows(self.out / confidence.FILE, kept)
        return rows

    def _records(self) -> list[Record]:
        found = [row_to_record(row) for row in JsonLines(self.out / "records.jsonl").rows()]
        return sorted(found, key=lambda record: record.key)

    def _build_seconds(self) -> dict[str, float]:
        """By system, the mean over its seeds."""
        rows = JsonLines(self.out / "builds.jsonl").rows()
        return {name: fmean(r["seconds"] for r in rows if r["system"] == name) for name in self.plan.configs}

    def _manifest(self, build_seconds: dict[str, float]) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "corpus": {"name": self.corpus.name, "fingerprint": self.corpus.fingerprint()},
            "model": asdict(self.model.info),
            "systems": {name: asdict(self.plan.config(name, self.plan.seed)) for name in self.plan.configs},
            "probes": self.plan.sizes,
            "seeds": sorted({seed for name in self.plan.configs for seed in self.plan.seeds(name)}),
            "build_seconds": build_seconds,
            **circumstances(),
        }


def circumstances() -> dict[str, Any]:
    """What a manifest says of the libraries and the machine: results depend on both."""
    return {
        "versions": {name: metadata.version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.platform()},
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


def _rehearse(probes: list[Probe], grader: Grader) -> None:
    """Score a canned answer of every family first: a fault in scoring must not wait for the last generation."""
    for probe in {probe.kind: probe for probe in probes}.values():
        turns = 1 + len(probe.turns)
        verdicts = (grader.grade(ABSTENTION, probe),) * turns
        record = Record("", "", 0, probe, (Answer(ABSTENTION, 0.5),) * turns, verdicts)
        plugins.load(PROBES, probe.kind).summarize([record])


def write_rows(path: Path, rows: list[measures.Row]) -> None:
    """A log that is there with all of its rows, or as it was."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with JsonLines(unfinished) as log:
        for row in rows:
            log.append(row)
    unfinished.replace(path)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
