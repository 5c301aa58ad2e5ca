"""At a glance: right answers of every system with its seeds, and the heat map of families and systems."""

import math

from kinject import plugins
from kinject.report import figures, metrics, wording
from kinject.report.compare import RIGHT, by_seed, series
from kinject.report.metrics import Metric
from kinject.report.parts import Cell, Section, Table, heat_cell, rate_cell
from kinject.report.results import Results

_SYSTEMS = "kinject.systems"
_ALL = (
    "Right answers over all single questions of the study, each question counted once; an unanswerable one is right "
    "when the system says that it does not know. The recommendation rests on this number."
)
_HEAT = (
    "Main number of every family. Below each share its 95\u202f% interval and n; the stronger the tint, the better; "
    "the best candidate is set bold, told apart or not."
)


def overview(results: Results) -> Section:
    rungs = [
        figures.Rung(name, rate, by_seed(results, name, RIGHT))
        for name in results.systems
        for rate in (series(results, name, RIGHT).rate,)
        if rate.n
    ]
    tables = (_right(rungs), _heat(results)) if rungs else (_heat(results),)
    figure = figures.shares("overview", "Right answers over all questions", rungs) if rungs else None
    return Section("overview", "At a glance", (_ALL,) if rungs else (), figure, tables)


def _right(rungs: list[figures.Rung]) -> Table:
    trained = any(rung.seeds for rung in rungs)
    rows = tuple(
        (
            Cell(wording.name(rung.system), plugins.summary(_SYSTEMS, rung.system)),
            rate_cell(rung.share),
            *((Cell(", ".join(map(wording.percent, rung.seeds)) or "one build"),) if trained else ()),
        )
        for rung in rungs
    )
    columns = ("system", "right answers", *(("by seed",) if trained else ()))
    return Table("Right answers over all single questions.", columns, rows, "compact")


def _heat(results: Results) -> Table:
    rows = tuple(_row(results, metric) for metric in main_numbers(results))
    return Table(_HEAT, ("family", *map(wording.name, results.systems)), rows, "heat")


def main_numbers(results: Results) -> list[Metric]:
    """Of every probe family that was asked, in the order of a reader's interest."""
    known: dict[str, dict[str, None]] = {}
    for _, kind, metric in results.estimates:
        known.setdefault(kind, {})[metric] = None
    asked = [kind for kind in known if kind in results.kinds or kind in plugins.names(metrics.PROBES)]
    return [metric for kind in metrics.in_order(asked) for metric in metrics.of_family(kind, list(known[kind]))]


def _row(results: Results, metric: Metric) -> tuple[Cell, ...]:
    best = _best(results, metric)
    less = ", less is better" if metric.good < 0 else ""
    estimates = {name: results.estimate(name, metric.kind, metric.name) for name in results.systems}
    cells = (heat_cell(estimate, metric.good, name in best) for name, estimate in estimates.items())
    return (Cell(wording.name(metric.kind), f"{metric.title}{less}"), *cells)


def _best(results: Results, metric: Metric) -> set[str]:
    """The candidates with the best value; none where there is nothing to choose between."""
    values = {name: results.estimate(name, metric.kind, metric.name).value for name in results.candidates}
    told = {name: metric.good * value for name, value in values.items() if not math.isnan(value)}
    return {name for name, value in told.items() if value == max(told.values())} if len(told) > 1 else set()
