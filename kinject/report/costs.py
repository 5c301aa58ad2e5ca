"""What each system costs: to build once, to keep, to ask; and when a dearer build pays for itself."""

import math
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from statistics import fmean

import numpy as np

from kinject.errors import StoreError
from kinject.report import wording
from kinject.report.parts import Cell, Section, Table, heading
from kinject.report.results import Results
from kinject.store import read_manifest
from kinject.store.artifact import MANIFEST
from kinject.study.asking import CALLERS
from kinject.types import Answer

_PAIR = ("dearer to build", "against", "questions")
_LOAD = (
    "In the study up to {callers} questions share the model. The wait is what each of them waited under that load; "
    "the machine's time is that divided by {callers}, the share which each bears, and is what a build is set against. "
    "Asked one at a time, an answer costs the machine more, so that a dearer build pays off sooner. "
    "\u201cNever\u201d: the dearer build is no faster to ask."
)


@dataclass(frozen=True)
class Cost:
    """NaN where it was not recorded. Seconds an answer are as waited in the study, under its own load."""

    system: str
    build_s: float
    size_bytes: float
    answers: int
    prompt_tokens: float
    completion_tokens: float
    model_calls: float
    p50_s: float
    p95_s: float
    mean_s: float
    callers: int

    @property
    def machine_s(self) -> float:
        """What one answer took of the machine's time, which all callers of a study shared."""
        return self.mean_s / self.callers


@dataclass(frozen=True)
class BreakEven:
    """After `questions` answers the dearer build has paid for itself; infinite where it never does."""

    dearer: str
    cheaper: str
    questions: float


def section(results: Results) -> Section | None:
    if not results.records:
        return None
    known = costs(results)
    rows = tuple(
        (
            heading(cost.system),
            Cell(wording.seconds(cost.build_s)),
            Cell(wording.size(cost.size_bytes)),
            Cell(wording.seconds(cost.p50_s), f"p95 {wording.seconds(cost.p95_s)}"),
            Cell(wording.seconds(cost.machine_s)),
            Cell(wording.count(cost.prompt_tokens), f"+ {wording.count(cost.completion_tokens)} generated"),
            Cell("no data" if math.isnan(cost.model_calls) else f"{cost.model_calls:.1f}"),
            Cell(wording.count(cost.answers)),
        )
        for cost in known
    )
    columns = ("system", "build", "on disk", "wait, p50", "machine's time", "tokens read", "model calls", "n answers")
    tables = [
        Table(
            "What each system costs to build once, and an answer: the machine's time, tokens and calls are means.",
            columns,
            rows,
        )
    ]
    pairs = break_even(tuple(cost for cost in known if cost.system in results.candidates))
    if pairs:
        tables.append(
            Table(
                "Questions after which a dearer build has paid for itself in the machine's time.",
                _PAIR,
                _pair_rows(pairs),
                "compact",
            )
        )
    return Section("costs", "What it costs", tables=tuple(tables), notes=(_LOAD.format(callers=_callers(results)),))


def _pair_rows(pairs: tuple[BreakEven, ...]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (
            heading(pair.dearer),
            heading(pair.cheaper),
            Cell("never" if math.isinf(pair.questions) else wording.count(pair.questions)),
        )
        for pair in pairs
    )


def costs(results: Results) -> tuple[Cost, ...]:
    built = results.manifest.get("build_seconds", {})
    return tuple(_cost(results, name, float(built.get(name, math.nan))) for name in results.systems)


def break_even(costs: tuple[Cost, ...]) -> tuple[BreakEven, ...]:
    """For each pair where one costs more to build: n with build_a + n * answer_a = build_b + n * answer_b.

    Seconds are the machine's, of builds and of answers.
    """
    found = []
    for dearer, cheaper in permutations(costs, 2):
        if dearer.build_s > cheaper.build_s:
            saved_s = cheaper.machine_s - dearer.machine_s
            questions = (dearer.build_s - cheaper.build_s) / saved_s if saved_s > 0 else math.inf
            found.append(BreakEven(dearer.system, cheaper.system, math.nan if math.isnan(saved_s) else questions))
    return tuple(found)


def size_bytes(store: Path) -> float:
    """What a system answers from, as its artifacts were sealed; NaN where it keeps none, or a manifest is damaged.

    Without checkpoints and further seeds. The files themselves may be gone: weights are often left out of a copy.
    """
    artifacts = [path.parent for path in store.rglob(MANIFEST) if not _is_extra(path.relative_to(store))]
    try:
        manifests = [read_manifest(artifact) for artifact in artifacts]
    except StoreError:
        return math.nan
    sizes = [entry.bytes for manifest in manifests for entry in manifest.files.values()]
    return float(sum(sizes)) if sizes else math.nan


def _cost(results: Results, system: str, build_s: float) -> Cost:
    answers = [answer for record in results.of(system) for answer in record.answers]
    took_s = [answer.usage.seconds for answer in answers]
    p50_s, p95_s = np.percentile(took_s, [50, 95]) if took_s else (math.nan, math.nan)
    return Cost(
        system=system,
        build_s=build_s,
        size_bytes=size_bytes(results.folder / "systems" / system),
        answers=len(answers),
        prompt_tokens=_mean(answers, "prompt_tokens"),
        completion_tokens=_mean(answers, "completion_tokens"),
        model_calls=_mean(answers, "model_calls"),
        p50_s=float(p50_s),
        p95_s=float(p95_s),
        mean_s=_mean(answers, "seconds"),
        callers=_callers(results),
    )


def _callers(results: Results) -> int:
    return int(results.manifest.get("callers", CALLERS))  # older runs do not say so


def _is_extra(path: Path) -> bool:
    return path.parts[0] == "checkpoints" or path.parts[0].startswith("seed-")


def _mean(answers: list[Answer], field: str) -> float:
    return fmean(getattr(answer.usage, field) for answer in answers) if answers else math.nan
