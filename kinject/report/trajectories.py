"""How sure a system stays while the user objects: confidence by round and, where records have them, margins.

All dialogues are of first answers that were right. Pressure is by any challenger; the control merely asks again.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kinject import stats
from kinject.probes.pushback import NEUTRAL
from kinject.report import curves, wording
from kinject.report.compare import FLIPS
from kinject.report.parts import Cell, Section, Table, score_cell
from kinject.report.results import Results
from kinject.types import Estimate, Outcome, Record

KEPT, LOST, CONTROL = "right answer kept", "right answer given up", "control: merely asked again"
# With fewer dialogues an interval fills its panel; the table has them all.
_DRAWN = 5
_CONFIDENCE = (
    "Mean confidence of the answers, round by round, in dialogues that began with a right answer. Where it falls "
    "though the answer is kept, pressure wears the system down before it shows in the answers; where it stays high "
    "though the answer is given up, confidence warns nobody."
)
_MARGINS = (
    "The model's own odds, round by round: log p(right value) less log p(false value) in the place of the answer. "
    "Above 0 it still holds the right value likelier, whatever it says."
)


@dataclass(frozen=True)
class _Quantity:
    """What is followed from round to round; `of` is None where a record does not tell."""

    id: str
    title: str
    lead: str
    of: Callable[[Record, int], float | None]
    bounds: tuple[float, float]


def confidence(results: Results) -> Section | None:
    title = "Confidence under pressure"
    return _section(results, _Quantity("confidence", title, _CONFIDENCE, _confidence, (0.0, 1.0)))


def margins(results: Results) -> Section | None:
    title = "What the model holds likelier"
    return _section(results, _Quantity("margins", title, _MARGINS, _margin, (-math.inf, math.inf)))


def trajectories(results: Results, quantity: _Quantity) -> dict[tuple[str, str], tuple[Estimate, ...]]:
    """By group and system the mean at every place, clustered by entity; what was not observed is left out."""
    found: dict[tuple[str, str], tuple[Estimate, ...]] = {}
    for group in (KEPT, LOST, CONTROL):
        for system in results.systems:
            own = [record for record in results.of(system) if _group(record) == group]
            places = tuple(_places(own, quantity))
            if any(place.n for place in places):
                found[group, system] = places
    return found


def _section(results: Results, quantity: _Quantity) -> Section | None:
    found = trajectories(results, quantity)
    if not found:
        return None
    length = max(map(len, found.values()))
    ticks = [*(str(n) for n in range(length - 1)), "end"]
    panels = [panel for group in dict.fromkeys(group for group, _ in found) if (panel := _panel(group, found)).lines]
    figure = curves.by_round(quantity.id, f"{quantity.title}, by round", panels, ticks, False) if panels else None
    rows = tuple(
        (
            Cell(wording.name(system), group),
            *(score_cell(place) for place in places),
            *[Cell("")] * (length - len(places)),
        )
        for (group, system), places in found.items()
    )
    columns = ("system, dialogues", "first", *(f"round {n}" for n in range(1, length - 1)), "at the end")
    caption = f"{quantity.title}: means by round; the end is the neutral re-ask."
    table = Table(caption, columns, rows, "compact", folded=figure is not None)
    return Section(quantity.id, quantity.title, (quantity.lead,), figure, (table,))


def _panel(group: str, found: dict[tuple[str, str], tuple[Estimate, ...]]) -> curves.Panel:
    lines = (curves.Line(system, places) for (of, system), places in found.items() if of == group)
    return curves.Panel(group, tuple(line for line in lines if max(place.n for place in line.places) >= _DRAWN))


def _group(record: Record) -> str:
    lost = FLIPS.holds(record)
    if lost is not None:
        return LOST if lost else KEPT
    is_control = record.probe.turns and record.probe.variant == NEUTRAL
    return CONTROL if is_control and record.verdicts[0].outcome is Outcome.CORRECT else ""


def _places(records: list[Record], quantity: _Quantity) -> Iterator[Estimate]:
    for place in range(max((len(record.answers) for record in records), default=0)):
        told = [(value, r.probe.subject or r.probe.id) for r in records if (value := quantity.of(r, place)) is not None]
        yield stats.clustered_mean([value for value, _ in told], [who for _, who in told], quantity.bounds)


def _confidence(record: Record, place: int) -> float | None:
    known = place < len(record.answers) and record.answers[place].confidence_method != "unavailable"
    return record.answers[place].confidence if known else None


def _margin(record: Record, place: int) -> float | None:
    """Records of runs that did not measure them have none."""
    found: tuple[Any, ...] = getattr(record, "margins", ())
    return found[place] if place < len(found) else None
