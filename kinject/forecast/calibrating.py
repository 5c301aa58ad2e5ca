"""Measure every stage of a study on samples of a corpus, and carry it to the full size.

A build is timed at two sizes: what grows is told apart from what is paid once. A system that trains is trained for one
epoch on a few entities. Questions are asked as a study asks them, many at once.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import log2
from pathlib import Path
from typing import Any, Generic, TypeVar

from kinject import corpus as corpora
from kinject.corpus import Corpus
from kinject.forecast.measuring import Line, bytes_below, line, peak_bytes, timed, traced
from kinject.forecast.sampling import sampled
from kinject.forecast.sources import Source, Wanted, source_of
from kinject.forecast.stages import Forecast, Stage
from kinject.grading import Grader
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.lm.prompts import ABSTENTION
from kinject.progress import Progress, Step, silent
from kinject.store import JsonLines
from kinject.study.asking import Asked, ask_all, callers, fitting
from kinject.study.job import make_probes
from kinject.study.plan import Plan, Study, plugin, settle
from kinject.types import Probe, System

T = TypeVar("T")

# Entities in the samples: the first pays what is paid once, the last takes so long that growth stands out.
SIZES, ENOUGH_S = (8, 40, 160, 640, 2560), 1.0
ASKED = 16  # questions at once; a study has 32 of them under way
ABOUT = 2  # the sample that they are about, or that of the system where it is smaller
# At about a thousand exposures a model holds two bits a parameter, at a hundred one (arXiv:2404.05405).
BITS_A_PARAMETER = 1.0


def forecast(wanted: Wanted, progress: Progress = silent) -> Forecast:
    """Raises KinjectError for a corpus, model, system or setting that cannot be used."""
    started = time.perf_counter()
    # First, since systems load libraries that an import does without, and its memory is measured.
    source = source_of(wanted)
    plan = settle(Study(wanted.source, Path(), wanted.model, wanted.systems, wanted.settings, wanted.full, wanted.seed))
    model = open_model(wanted.model)
    try:
        ruler = _Ruler(source, plan, model, random.Random(wanted.seed), progress)
        stages = (*source.stages, *ruler.stages())
    finally:
        model.close()
    facts = round(len(source.corpus.facts) * ruler.scale)
    took = time.perf_counter() - started
    return Forecast(source.corpus.name, wanted.model, source.entities, facts, stages, tuple(ruler.notes()), took)


@dataclass(frozen=True, slots=True)
class _Grown(Generic[T]):
    """How the seconds of some work grow with entities, and what it gave on the largest sample."""

    line: Line
    sample: Corpus
    result: T


@dataclass(frozen=True, slots=True)
class _Built:
    """A system of a sample, and the stage that building it at full size would be."""

    system: System
    sample: Corpus
    stage: Stage


class _Ruler:
    """Measures on samples of one corpus; every stage is for `entities` of it."""

    def __init__(self, source: Source, plan: Plan, model: LM, rng: random.Random, progress: Progress) -> None:
        self._corpus, self._entities = source.corpus, source.entities
        self._plan, self._model, self._progress = plan, model, progress
        # Each is a part of the next one, so that a system of any of them can be asked about the smaller ones.
        self._samples = [source.corpus]
        for size in reversed(SIZES):
            self._samples.insert(0, sampled(self._samples[0], size, rng))
        del self._samples[-1]
        self.scale = self._entities / max(1, len(source.corpus.entities()))
        self._corpus_bytes = _corpus_bytes(self._samples[ABOUT])
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
        grown = self._grown(lambda sample: make_probes(sample, self._plan))
        probes = grown.result
        rate = f"{len(probes)} probes of {len(grown.sample.facts):,} facts"
        return probes, Stage("probes", grown.line.at(self._entities), self._memory(0.0), 0.0, "linear in facts", rate)

    def _system(self, name: str, config: Any, probes: list[Probe]) -> Iterator[Stage]:
        module = plugin(name)
        config = _as_at_full_size(module, config, self._samples[-1], self._entities)
        with tempfile.TemporaryDirectory(prefix="kinject-plan-") as folder:
            store = Path(folder)
            made = self._training if hasattr(module, "curve") else self._building
            built = made(name, config, store)
            yield built.stage
            yield self._asking(name, built, probes, store)

    def _building(self, name: str, config: Any, store: Path) -> _Built:
        def build(sample: Corpus) -> System:
            size = len(sample.entities())
            built: System = plugin(name).build(sample, store / f"{size}", self._model, config)
            return built

        grown = self._grown(build)
        size = len(grown.sample.entities())
        kept = bytes_below(store / f"{size}") / size
        held = traced(lambda: build(grown.sample)) / size
        a_fact = grown.line.slope * size / len(grown.sample.facts)
        stage = Stage(
            f"build {name}",
            grown.line.at(self._entities) * len(self._plan.seeds(name)),
            self._memory(held + kept),
            kept * self._entities,
            "linear in documents and facts",
            f"{1 / a_fact:,.0f} facts/s" if a_fact > 1e-6 else "at once",
        )
        return _Built(grown.result, grown.sample, stage)

    def _grown(self, work: Callable[[Corpus], T]) -> _Grown[T]:
        """Time the work on larger and larger samples, until it takes long enough or there is no larger one."""
        sample = self._samples[0]
        seconds, result = timed(partial(work, sample))
        points = [(len(sample.entities()), seconds)]
        for larger in self._samples[1:]:
            if len(larger.entities()) == points[-1][0] or (len(points) > 2 and seconds >= ENOUGH_S):
                break
            sample = larger
            seconds, result = timed(partial(work, sample))
            points.append((len(sample.entities()), seconds))
        return _Grown(line(points), sample, result)

    def _training(self, name: str, config: Any, store: Path) -> _Built:
        module, part = plugin(name), self._samples[0]
        few = len(part.entities())
        once = replace(config, epochs=1)
        seconds, built = timed(lambda: module.build(part, store, self._model, once))
        last = module.curve(store)[-1]
        # Every epoch is trained on all facts, and then asked the same number of questions.
        quiz_s = max(0.0, seconds - last.seconds) / 2
        a_epoch = last.seconds / few
        self._trained[name] = a_epoch * config.epochs
        kept = bytes_below(store)
        tokenizer: Any = getattr(self._model, "tokenizer", None)
        rows = traced(lambda: module.rows(part, once, tokenizer, random.Random(0)))
        stage = Stage(
            f"build {name}",
            (config.epochs * (a_epoch * self._entities + quiz_s) + quiz_s) * len(self._plan.seeds(name)),
            self._memory(rows / few),
            kept,
            f"linear in facts x {config.epochs} epochs",
            f"{last.tokens / max(last.seconds, 1e-9):,.0f} tokens/s, {last.tokens / few:,.0f} an entity and epoch",
        )
        return _Built(built, part, stage)

    def _asking(self, name: str, built: _Built, probes: list[Probe], store: Path) -> Stage:
        about = min(built.sample, self._samples[ABOUT], key=lambda sample: len(sample.facts))
        put = fitting(built.system, make_probes(about, self._plan))
        short = [probe for probe in put if not probe.turns][:ASKED]
        grader = Grader(about)
        for probe in short:
            # What grading learns of a relation is paid once, and not by every answer.
            grader.grade(ABSTENTION, probe)
        with JsonLines(store / "records.jsonl") as log:
            asked = Asked("plan", name, 0, callers=callers(self._model.info))
            seconds, _ = timed(lambda: ask_all(built.system, asked, short, grader, log, silent))
        an_answer = seconds / max(1, len(short))
        answers = sum(1 + len(probe.turns) for probe in fitting(built.system, probes)) * len(self._plan.seeds(name))
        return Stage(
            f"ask {name}",
            an_answer * answers,
            built.stage.memory_bytes,
            bytes_below(store / "records.jsonl") / max(1, len(short)) * answers,
            f"constant: {answers:,} answers",
            f"{1 / max(an_answer, 1e-9):,.1f} answers/s",
        )

    def _memory(self, an_entity: float) -> float:
        """The peak of this process now, less what its own corpus holds, and what a full-size corpus and stage would."""
        own = self._corpus_bytes * len(self._corpus.entities())
        return max(peak_bytes() - own, 0.0) + (self._corpus_bytes + an_entity) * self._entities


def _as_at_full_size(module: Any, config: Any, sample: Corpus, entities: int) -> Any:
    """The options with what a system chooses by the size of a corpus settled as the full one would settle it."""
    if not hasattr(module, "at_size"):
        return config
    times = entities / len(sample.entities())
    documents, facts = (round(len(rows) * times) for rows in (sample.documents, sample.facts))
    return module.at_size(config, documents, facts)


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
        return traced(lambda: corpora.load(Path(folder) / "part")) / max(1, len(corpus.entities()))
