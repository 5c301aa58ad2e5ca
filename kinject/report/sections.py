"""The findings of a run as sections: the ladder, learning, honesty, pushback and every number."""

import math
from collections.abc import Sequence
from dataclasses import replace

from kinject import plugins
from kinject.report import figures, metrics, wording
from kinject.report.compare import RIGHT, Comparison
from kinject.report.metrics import Metric
from kinject.report.parts import Cell, Section, Table, heading, points_cell, rate_cell, score_cell
from kinject.report.results import CEILING, FLOOR, Point, Results
from kinject.types import Estimate

REACHED = 0.9
_PROBES = "kinject.probes"
# What answers cost has a section of its own.
_COST = "cost"


def overview(results: Results) -> Section:
    shown = [metric for metric in metrics.OVERVIEW if _known(results, metric)]
    best = {metric: _best(results, metric) for metric in shown}
    rows = tuple(
        (
            heading(name),
            *(rate_cell(_get(results, name, metric), best=name in best[metric]) for metric in shown),
        )
        for name in results.systems
    )
    caption = (
        "Every system on every family. Below each share its 95\u202f% interval and n; the best candidate is set bold."
    )
    less = wording.listed([metric.title for metric in shown if metric.good < 0] or ["nothing"])
    table = Table(caption, ("system", *(metric.title for metric in shown)), rows)
    return Section("overview", "At a glance", tables=(table,), notes=(f"Less is better for {less}.",))


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
    rungs = [(name, _get(results, name, metrics.RECALL)) for name in results.systems]
    rungs = [(name, recall) for name, recall in rungs if recall.n]
    if not rungs:
        return None
    rows = tuple((heading(name), rate_cell(recall)) for name, recall in rungs)
    table = Table("Recall by system.", ("system", "recall"), rows, "compact")
    return Section("ladder", "From floor to ceiling", _rungs(dict(rungs)), figures.ladder(rungs), (table,))


def learning(results: Results) -> Section | None:
    points = results.curve
    if not points or not any(point.recall.n for point in points):
        return None
    reached = epoch_reached(points)
    first, last = points[0], points[-1]
    lead = (
        f"Recall goes from {wording.rate(first.recall)} after epoch {first.epoch:g} to {wording.rate(last.recall)} "
        f"after epoch {last.epoch:g}, in {wording.seconds(last.seconds)}. "
    )
    if not math.isnan(reached):
        lead += f"It first reaches 90\u202f% of its final value at epoch {reached:g}."
    rows = tuple(
        (
            Cell(f"{p.epoch:g}"),
            rate_cell(p.recall),
            Cell(_loss(p)),
            Cell(wording.seconds(p.seconds)),
        )
        for p in points
    )
    table = Table("Recall by epoch of training.", ("epoch", "recall", "loss", "time so far"), rows, "compact")
    return Section("learning", "How sft learns", (lead,), figures.curve(points, reached), (table,))


def _loss(point: Point) -> str:
    """Nothing where nothing has been trained yet."""
    return "" if math.isnan(point.loss) else f"{point.loss:.3f}"


def epoch_reached(points: Sequence[Point]) -> float:
    """The first epoch at which recall has 90 % of its final value; NaN where it ends at nothing."""
    end = points[-1].recall.value
    if math.isnan(end) or end <= 0:
        return math.nan
    return next(point.epoch for point in points if point.recall.value >= REACHED * end)


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
    return Table(f"Family: {wording.name(kind)}.", ("metric", *map(wording.name, systems)), rows)


def _meanings(kind: str) -> dict[str, str]:
    """The family's own words for its metrics; none for a family that this kinject does not have."""
    if kind not in plugins.names(_PROBES):
        return {}
    meanings: dict[str, str] = getattr(plugins.load(_PROBES, kind), "METRICS", {})
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


def _known(results: Results, metric: Metric) -> bool:
    return any((name, metric.kind, metric.name) in results.estimates for name in results.systems)


def _best(results: Results, metric: Metric) -> set[str]:
    """The candidates with the best value; none where there is nothing to choose between."""
    values = {name: _get(results, name, metric).value * metric.good for name in results.candidates}
    told = {name: value for name, value in values.items() if not math.isnan(value)}
    return {name for name, value in told.items() if value == max(told.values())} if len(told) > 1 else set()


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
