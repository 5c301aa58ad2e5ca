"""How the trained system learns: recall by epoch, when most of it is there, and whether more epochs would add any."""

import math
from collections.abc import Sequence

from kinject.report import figures, wording
from kinject.report.parts import Cell, Section, Table, rate_cell
from kinject.report.results import Point, Results

REACHED = 0.9


def learning(results: Results) -> Section | None:
    points = results.curve
    if not points or not any(point.recall.n for point in points):
        return None
    reached, level = epoch_reached(points), plateau(points)
    first, last = points[0], points[-1]
    lead = (
        f"Recall goes from {wording.rate(first.recall)} after epoch {first.epoch:g} to {wording.rate(last.recall)} "
        f"after epoch {last.epoch:g}, in {wording.seconds(last.seconds)}. {_reading(reached, level)}"
    )
    rows = tuple(
        (Cell(f"{p.epoch:g}"), rate_cell(p.recall), Cell(_loss(p)), Cell(wording.seconds(p.seconds))) for p in points
    )
    table = Table("Recall by epoch of training.", ("epoch", "recall", "loss", "time so far"), rows, "compact")
    return Section("learning", "How sft learns", (lead.strip(),), figures.curve(points, reached, level), (table,))


def epoch_reached(points: Sequence[Point]) -> float:
    """The first epoch at which recall has 90 % of its final value; NaN where it ends at nothing."""
    end = points[-1].recall.value
    if math.isnan(end) or end <= 0:
        return math.nan
    return next(point.epoch for point in points if point.recall.value >= REACHED * end)


def plateau(points: Sequence[Point]) -> float:
    """The epoch from which on recall stays within the interval of its final value; NaN where only the last does."""
    end, since = points[-1].recall, math.nan
    for point in reversed(points[:-1]):
        if not end.low <= point.recall.value <= end.high:
            break
        since = point.epoch
    return since


def _reading(reached: float, level: float) -> str:
    if math.isnan(reached):
        return ""
    text = f"It first reaches 90\u202f% of its final value at epoch {reached:g}"
    if math.isnan(level):
        return f"{text}, and still changes at the end: there is no plateau yet, and more epochs may add recall."
    return f"{text}; from epoch {level:g} on it stays within the interval of its final value: no further gain shows."


def _loss(point: Point) -> str:
    """Nothing where nothing has been trained yet."""
    return "" if math.isnan(point.loss) else f"{point.loss:.3f}"
