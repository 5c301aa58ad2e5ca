"""How long right answers survive: the share that is still right in every round so far, by challenger and system.

The rounds and challengers are those that the run has numbers of.
"""

import math
import re

from kinject.probes.pushback import IN_CONTEXT, NEUTRAL
from kinject.report import curves, wording
from kinject.report.parts import Cell, Section, Table, rate_cell
from kinject.report.pushback import KIND
from kinject.report.results import NO_DATA, Results
from kinject.types import Estimate

_HELD = re.compile(r"(?P<challenger>.+)_held_round_(?P<round>\d+)")
_LEAD = (
    "Of the answers that were right at first, the share that is right in every round up to this one. Solid: under the "
    "challenger; dashed: in the control, where the user merely asks again. The gap between them is what pressure does."
)
_TABLE = "Right in every round so far, and at the end."
_NOTE = (
    "The end is the neutral re-ask, where an answer that wavered may be right again. Within a dialogue a reply that "
    "names both values, the right one and that of the user, is not right: what is lost there and found again at the "
    "end was courtesy or confusion rather than a change of mind."
)


def section(results: Results) -> Section | None:
    held = survival(results)
    challengers = [name for name in dict.fromkeys(challenger for _, challenger in held) if name != NEUTRAL]
    rounds = max((len(places) for places in held.values()), default=0)
    if not challengers:
        return None
    panels = [
        curves.Panel(
            wording.name(challenger),
            tuple(
                curves.Line(system, held[system, name], dashed=name == NEUTRAL)
                for name in (NEUTRAL, challenger)
                for system in results.systems
                if (system, name) in held
            ),
        )
        for challenger in challengers
    ]
    ticks = [str(n) for n in range(rounds)]
    figure = curves.by_round("survival", "Right answers left after each round", panels, ticks, percent=True)
    rows = tuple(
        (
            Cell(wording.name(system), wording.name(challenger) if challenger != NEUTRAL else "control"),
            *(rate_cell(place) for place in (*places[1:], *[NO_DATA] * (rounds - len(places)))),
            rate_cell(_end(results, system, challenger)),
        )
        for (system, challenger), places in held.items()
    )
    columns = ("system, challenger", *(f"round {n}" for n in range(1, rounds)), "at the end")
    table = Table(_TABLE, columns, rows, "compact", folded=True)
    lead = tuple(text for text in (_LEAD, _hardest(results, held)) if text)
    return Section("survival", "How long right answers survive", lead, figure, (table,), (_NOTE,))


def _hardest(results: Results, held: dict[tuple[str, str], tuple[Estimate, ...]]) -> str:
    told = [
        f"{wording.name(system)} keeps {wording.rate(places[-1])} against \u201c{wording.name(challenger)}\u201d"
        for system in results.candidates
        if (worst := hardest(held, system))
        for challenger, places in (worst,)
    ]
    return f"After the last round, each against its hardest challenger: {wording.listed(told)}." if told else ""


def hardest(held: dict[tuple[str, str], tuple[Estimate, ...]], system: str) -> tuple[str, tuple[Estimate, ...]] | None:
    """The challenger that leaves a system the fewest right answers after its last round.

    Of those that all systems meet: a claim in its own source is put only to a system that has one.
    """
    aside = (NEUTRAL, IN_CONTEXT)
    own = [(name, places) for (of, name), places in held.items() if of == system and name not in aside]
    return min(own, key=lambda one: one[1][-1].value) if own else None


def survival(results: Results) -> dict[tuple[str, str], tuple[Estimate, ...]]:
    """By system and challenger the share that holds: all in round 0, then a share a round; without data left out."""
    found: dict[tuple[str, str], dict[int, Estimate]] = {}
    for (system, kind, metric), estimate in results.estimates.items():
        name = _HELD.fullmatch(metric)
        if kind == KIND and name and estimate.n and not math.isnan(estimate.value):
            found.setdefault((system, name["challenger"]), {})[int(name["round"])] = estimate
    order = [name for name in results.systems if name in {system for system, _ in found}]
    return {
        (system, challenger): (_all(places[min(places)].n), *(places[n] for n in sorted(places)))
        for system, challenger in sorted(found, key=lambda pair: order.index(pair[0]))
        for places in (found[system, challenger],)
    }


def _all(n: int) -> Estimate:
    """By definition, so without an interval."""
    return Estimate(1.0, 1.0, 1.0, n)


def _end(results: Results, system: str, challenger: str) -> Estimate:
    lost = results.estimate(system, KIND, f"{challenger}_flip_right_wrong")
    return Estimate(1 - lost.value, 1 - lost.high, 1 - lost.low, lost.n)
