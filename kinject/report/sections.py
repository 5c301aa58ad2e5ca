"""The findings of a run as sections: system against system, the ladder, honesty and every number."""

from collections.abc import Sequence
from dataclasses import replace

from kinject import plugins
from kinject.report import figures, metrics, wording
from kinject.report.compare import RECALLED, RIGHT, Comparison, by_seed
from kinject.report.metrics import Metric
from kinject.report.parts import Cell, Section, Table, heading, points_cell, rate_cell, score_cell
from kinject.report.results import CEILING, FLOOR, Results
from kinject.types import Estimate

# What answers cost has a section of its own.
_COST = "cost"


def comparing(comparisons: Sequence[Comparison]) -> Section | None:
    """Candidate against candidate on the same probes: the figure for right answers, the table for every measure."""
    shown = [pair for pair in comparisons if FLOOR not in (pair.a, pair.b)]
    if not shown:
        return None
    right = [(_label(pair), pair.difference) for pair in shown if pair.measure is RIGHT]
    figure = figures.differences(right, "Difference in right answers, on the same probes") if right else None
    rows = tuple(
        (
            Cell(_label(pair)),
            Cell(pair.measure.name),
            points_cell(pair.difference),
            Cell(f"{pair.only_a} : {pair.only_b}"),
            Cell(wording.p_value(pair.p_holm).removeprefix("=\u00a0")),
            Cell(f"{wording.name(pair.better)} is better" if pair.better else "statistically tied"),
        )
        for pair in shown
    )
    columns = ("pair", "measure", "difference in points", "told apart by", "p (Holm)", "verdict")
    caption = "The first system less the second; \u201ctold apart by\u201d counts the probes that only one of them has."
    return Section("comparison", "System against system", figure=figure, tables=(Table(caption, columns, rows),))


def _label(pair: Comparison) -> str:
    return f"{wording.name(pair.a)} \u2212 {wording.name(pair.b)}"


def ladder(results: Results) -> Section | None:
    recall = {name: _get(results, name, metrics.RECALL) for name in results.systems}
    rungs = [figures.Rung(name, share, by_seed(results, name, RECALLED)) for name, share in recall.items() if share.n]
    if not rungs:
        return None
    rows = tuple((heading(rung.system), rate_cell(rung.share)) for rung in rungs)
    table = Table("Recall by system.", ("system", "recall"), rows, "compact")
    figure = figures.shares("ladder", "Recall from floor to ceiling", rungs)
    lead = _rungs({rung.system: rung.share for rung in rungs})
    return Section("ladder", "From floor to ceiling", lead, figure, (table,))


def honesty(results: Results) -> Section | None:
    pairs = {
        name: (_get(results, name, metrics.HALLUCINATION), _get(results, name, metrics.OVER_REFUSAL))
        for name in results.systems
    }
    pairs = {name: pair for name, pair in pairs.items() if pair[0].n and pair[1].n}
    if not pairs:
        return None
    lead = (
        "Each unanswerable question stands beside an answerable look-alike, so that refusing everything wins nothing: "
        "a system should be near the lower left corner.",
    )
    rows = tuple((heading(name), rate_cell(h), rate_cell(r)) for name, (h, r) in pairs.items())
    table = Table("Hallucination and over-refusal.", ("system", "hallucination", "over-refusal"), rows, "compact")
    return Section("honesty", "Knowing what it does not know", lead, figures.honesty(pairs), (table,))


def everything(results: Results) -> Section | None:
    """One table a family: whatever its probes report, named here or not."""
    tables = tuple(_family(results, kind) for kind in results.families if kind != _COST)
    return Section("numbers", "Every number", tables=tables) if tables else None


def _family(results: Results, kind: str) -> Table:
    """Only the systems that have such numbers: retrieval is nothing that kg does."""
    own = [(system, metric) for system, family, metric in results.estimates if family == kind]
    systems = [name for name in results.systems if name in {system for system, _ in own}]
    meaning = _meanings(kind)
    rows = tuple(
        (
            Cell(wording.name(metric), meaning.get(metric, "")),
            *_any_cells([results.estimate(name, kind, metric) for name in systems], metric),
        )
        for metric in dict.fromkeys(metric for _, metric in own)
    )
    return Table(f"Family: {wording.name(kind)}.", ("metric", *map(wording.name, systems)), rows, folded=True)


def _meanings(kind: str) -> dict[str, str]:
    """The family's own words for its metrics; none for a family that this kinject does not have."""
    if kind not in plugins.names(metrics.PROBES):
        return {}
    meanings: dict[str, str] = getattr(plugins.load(metrics.PROBES, kind), "METRICS", {})
    return meanings


def _any_cells(estimates: Sequence[Estimate], metric: str) -> list[Cell]:
    """By metric, so that a row is all shares or all plain numbers."""
    if metrics.is_difference(metric):
        return [points_cell(estimate) for estimate in estimates]
    largest = max((estimate.value for estimate in estimates if estimate.n), default=0.0)
    if metrics.is_score(metric, largest):
        return [score_cell(estimate) for estimate in estimates]
    return [replace(rate_cell(estimate), bar=None) for estimate in estimates]


def _get(results: Results, system: str, metric: Metric) -> Estimate:
    return results.estimate(system, metric.kind, metric.name)


def _rungs(recall: dict[str, Estimate]) -> tuple[str, ...]:
    """What each step of the ladder says, for the steps that were studied."""
    text = []
    if FLOOR in recall:
        text.append(f"Untouched, the model gets {wording.rate(recall[FLOOR])}: nothing that it knew beforehand.")
        if recall[FLOOR].low > 0.05:
            text[-1] = f"Untouched, the model already gets {wording.rate(recall[FLOOR])}."
    if CEILING in recall:
        text.append(
            f"Handed the right passage it gets {wording.rate(recall[CEILING])}: what it misses there is misread."
        )
    if CEILING in recall and "rag" in recall:
        lost = recall[CEILING].value - recall["rag"].value
        text.append(f"Retrieval stands {wording.points(-lost)} points from there: the retriever's share of the errors.")
    return (" ".join(text),) if text else ()
