"""Measure every stage of a study on samples of a corpus, and carry it to the full size.

A build is timed at two sizes: what grows is told apart from what is paid once. A system that trains is trained for one
epoch on a few entities. Questions are asked as a study asks them, many at once.
"""

import random
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import log2
from pathlib import Path
from typing import Any, TypeVar

from kinject import corpus as corpora
from kinject.corpus import Corpus, importing
from kinject.corpus.importing import ImportOptions
from kinject.forecast.sampling import sampled
from kinject.forecast.stages import Forecast, Stage
from kinject.grading import Grader
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.progress import Progress, Step, silent
from kinject.store import JsonLines
from kinject.study.asking import CALLERS, Asked, ask_all
from kinject.study.job import make_probes
from kinject.study.plan import Plan, Study, plugin, settle
from kinject.types import Probe, System

T = TypeVar("T")

# Entities in the samples: enough that growth stands out, few enough for seconds.
SMALL, LARGE, TRAINED = 40, 140, 12
ROWS = (500, 2000)  # of a table, for import
# At about a thousand exposures a model holds two bits a parameter, at a hundred one (arXiv:2404.05405).
BITS_A_PARAMETER = 1.0


@dataclass(frozen=True)
class Wanted:
    """`source` is a corpus folder or, with `entity`, a data file. `entities` 0: as many as there are."""

    source: Path
    entity: str = ""
    model: str = "mini"
    systems: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    full: bool = False
    entities: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """seconds(n) = fixed + slope * n."""

    fixed: float
    slope: float

    def at(self, n: float) -> float:
        return self.fixed + self.slope * n


@dataclass(frozen=True, slots=True)
class _Source:
    """The corpus to draw samples from, how many entities are forecast for, and the import stage if there is one."""

    corpus: Corpus
    entities: int
    stages: tuple[Stage, ...]


def forecast(wanted: Wanted, progress: Progress = silent) -> Forecast:
    """Raises KinjectError for a corpus, model, system or setting that cannot be used."""
    started = time.perf_counter()
    plan = settle(Study(wanted.source, Path(), wanted.model, wanted.systems, wanted.settings, wanted.full, wanted.seed))
    source = _source(wanted)
    model = open_model(wanted.model)
    try:
        ruler = _Ruler(source, plan, model, random.Random(wanted.seed), progress)
        stages = (*source.stages, *ruler.stages())
    finally:
        model.close()
    facts = round(len(source.corpus.facts) * ruler.scale)
    took = time.perf_counter() - started
    return Forecast(source.corpus.name, wanted.model, source.entities, facts, stages, tuple(ruler.notes()), took)


class _Ruler:
    """Measures on samples of one corpus; every stage is for `entities` of it."""

    def __init__(self, source: _Source, plan: Plan, model: LM, rng: random.Random, progress: Progress) -> None:
        self._corpus, self._entities = source.corpus, source.entities
        self._plan, self._model, self._progress = plan, model, progress
        self._small, self._large = (sampled(source.corpus, size, rng) for size in (SMALL, LARGE))
        self._few = sampled(source.corpus, TRAINED, rng)
        self.scale = self._entities / max(1, len(source.corpus.entities()))
        self._corpus_bytes = _corpus_bytes(self._large)
        self._trained: dict[str, float] = {}

    def stages(self) -> Iterator[Stage]:
        probes, line = self._probes()
        yield line
        for number, (name, config) in enumerate(self._plan.configs.items()):
            self._progress(Step("calibrate", number, len(self._plan.configs), name))
            yield from self._system(name, config, probes)
        self._progress(Step("calibrate", len(self._plan.configs), len(self._plan.configs)))

    def notes(self) -> Iterator[str]:
        """What training can hold, in entities; nothing where nothing is trained."""
        for name, seconds in self._trained.items():
            bits = _bits(self._corpus) / max(1, len(self._corpus.entities()))
            holds = BITS_A_PARAMETER * self._model.info.parameters / max(bits, 1e-9)
            yield (
                f"{name} learns about {3600 / max(seconds, 1e-9):,.0f} entities an hour here; "
                f"{self._model.info.parameters:,} parameters hold at most about {holds:,.0f} of {bits:.0f} bits"
            )

    def _probes(self) -> tuple[list[Probe], Stage]:
        seconds, probes = _timed(lambda: make_probes(self._large, self._plan))
        grown = seconds * self._entities / len(self._large.entities())
        stage = Stage(
            "probes", grown, self._memory(0.0), 0.0, "linear in facts", f"{len(probes)} probes in {seconds:.1f} s"
        )
        return probes, stage

    def _system(self, name: str, config: Any, probes: list[Probe]) -> Iterator[Stage]:
        module = plugin(name)
        config = _as_at_full_size(module, config, self._large, self._entities)
        with tempfile.TemporaryDirectory(prefix="kinject-plan-") as folder:
            store = Path(folder)
            if hasattr(module, "curve"):
                built, stage = self._training(name, config, store)
            else:
                built, stage = self._building(name, config, store)
            yield stage
            yield self._asking(name, built, probes, store)

    def _building(self, name: str, config: Any, store: Path) -> tuple[System, Stage]:
        build = plugin(name).build
        # The first build pays what is paid once, such as opening an embedder.
        first_s, _ = _timed(lambda: build(self._few, store / "first", self._model, config))
        small_s, _ = _timed(lambda: build(self._small, store / "small", self._model, config))
        large_s, built = _timed(lambda: build(self._large, store / "large", self._model, config))
        small, large = len(self._small.entities()), len(self._large.entities())
        slope = max(0.0, large_s - small_s) / (large - small) if large > small else large_s / large
        fixed = max(first_s - slope * len(self._few.entities()), small_s - slope * small, 0.0)
        kept = _bytes_below(store / "large") / large
        held = _traced(lambda: build(self._large, store / "large", self._model, config)) / large
        per_s = f"{len(self._large.facts) / large / slope:,.0f} facts/s" if slope > 1e-6 else "at once"
        stage = Stage(
            f"build {name}",
            _Line(fixed, slope).at(self._entities),
            self._memory(held + kept),
            kept * self._entities,
            "linear in documents and facts",
            per_s,
        )
        return built, stage

    def _training(self, name: str, config: Any, store: Path) -> tuple[System, Stage]:
        module, few = plugin(name), len(self._few.entities())
        once = replace(config, epochs=1)
        seconds, built = _timed(lambda: module.build(self._few, store, self._model, once))
        last = module.curve(store)[-1]
        # Every epoch is trained on all facts, and then asked the same number of questions.
        quiz_s = max(0.0, seconds - last.seconds) / 2
        a_epoch = last.seconds / few
        self._trained[name] = a_epoch * config.epochs
        kept = _bytes_below(store)
        rows = _traced(lambda: module.rows(self._few, once, self._model.tokenizer, random.Random(0)))  # type: ignore[attr-defined]
        stage = Stage(
            f"build {name}",
            config.epochs * (a_epoch * self._entities + quiz_s) + quiz_s,
            self._memory(rows / few),
            kept,
            f"linear in facts x {config.epochs} epochs",
            f"{last.tokens / max(last.seconds, 1e-9):,.0f} tokens/s, {last.tokens / few:,.0f} an entity and epoch",
        )
        return built, stage

    def _asking(self, name: str, built: System, probes: list[Probe], store: Path) -> Stage:
        short = [probe for probe in probes if not probe.turns][:CALLERS]
        grader = Grader(self._large)
        with JsonLines(store / "records.jsonl") as log:
            seconds, _ = _timed(lambda: ask_all(built, Asked("plan", name, 0), short, grader, log, silent))
        an_answer = seconds / max(1, len(short))
        answers = sum(1 + len(probe.turns) for probe in probes) * len(self._plan.seeds(name))
        return Stage(
            f"ask {name}",
            an_answer * answers,
            self._memory(0.0),
            _bytes_below(store / "records.jsonl") / max(1, len(short)) * answers,
            f"constant: {answers:,} answers",
            f"{1 / max(an_answer, 1e-9):,.1f} answers/s",
        )

    def _memory(self, an_entity: float) -> float:
        """The peak of this process now, less what its own corpus holds, and what a full-size corpus and stage would."""
        own = self._corpus_bytes * len(self._corpus.entities())
        return max(_peak_bytes() - own, 0.0) + (self._corpus_bytes + an_entity) * self._entities


def _source(wanted: Wanted) -> _Source:
    if not wanted.source.is_file():
        found = corpora.load(wanted.source)
        return _Source(found, wanted.entities or len(found.entities()), ())
    options, name = ImportOptions(seed=wanted.seed), "plan"
    read_s, table = _timed(lambda: importing.read_table(wanted.source, options))
    rows = wanted.entities or len(table.rows)
    rng, times, parts = random.Random(wanted.seed), [], []
    for size in ROWS:
        drawn = replace(table, rows=tuple(rng.sample(table.rows, min(size, len(table.rows)))))
        with tempfile.TemporaryDirectory(prefix="kinject-plan-") as folder:
            target = Path(folder) / name
            # As `kinject import` does it: what it decides, and then what it writes.
            seconds, _ = _timed(partial(_imported, wanted, drawn, target))
            times.append((len(drawn.rows), seconds, _bytes_below(target)))
            parts.append(corpora.load(target))
    (few, small_s, _), (many, large_s, disk) = times
    slope = max(0.0, large_s - small_s) / (many - few) if many > few else large_s / many
    line = _Line(max(0.0, small_s - slope * few), slope + read_s / len(table.rows))
    held = _traced(lambda: _imported(wanted, replace(table, rows=table.rows[:few]), None)) / few
    a_row = held + _traced(lambda: list(importing.read_table(wanted.source, options).rows)) / len(table.rows)
    stage = Stage(
        "import",
        line.at(rows),
        _peak_bytes() + a_row * max(0, rows - len(table.rows)) + held * len(table.rows),
        disk / many * rows,
        "linear in rows",
        f"{1 / line.slope:,.0f} rows/s",
    )
    return _Source(parts[-1], rows, (stage,))


def _imported(wanted: Wanted, table: Any, target: Path | None) -> Corpus:
    planned = importing.plan(wanted.source, "plan", wanted.entity, ImportOptions(seed=wanted.seed), table)
    made = importing.corpus_of(planned)
    if target is not None:
        corpora.save(made, target)
    return made


def _as_at_full_size(module: Any, config: Any, sample: Corpus, entities: int) -> Any:
    """The options with an embedder that is chosen by size settled as the full corpus would settle it."""
    if getattr(config, "embedder", "") != "auto":
        return config
    passages = round(len(sample.documents) / len(sample.entities()) * entities)
    return replace(config, embedder=module.embed.chosen(config.embedder, passages))


def _bits(corpus: Corpus) -> float:
    """What the facts of a corpus say at least, if every value of a relation were equally likely."""
    values: dict[str, set[str]] = {}
    for fact in corpus.facts:
        values.setdefault(fact.relation, set()).add(fact.object)
    return sum(log2(max(2, len(values[fact.relation]))) for fact in corpus.facts)


def _corpus_bytes(corpus: Corpus) -> float:
    """Memory of a corpus that was read from disk, an entity."""
    with tempfile.TemporaryDirectory(prefix="kinject-plan-") as folder:
        corpora.save(corpus, Path(folder) / "part")
        return _traced(lambda: corpora.load(Path(folder) / "part")) / max(1, len(corpus.entities()))


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _traced(work: Callable[[], object]) -> float:
    """The most memory that Python and numpy held at once for it, in bytes."""
    tracemalloc.start()
    try:
        result = work()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        tracemalloc.stop()
    return float(peak)


def _peak_bytes() -> float:
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _bytes_below(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
