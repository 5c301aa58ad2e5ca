"""Who gives way: flips by challenger, net of the control in which the user merely asks again.

Shows what the pushback family measured; the final verdict there is taken on a neutral re-ask.
"""

from kinject.probes.pushback import CHALLENGERS, CORRECTION, NEUTRAL
from kinject.report import figures, wording
from kinject.report.parts import Section, Table, heading, points_cell, rate_cell, score_cell
from kinject.report.results import Results
from kinject.types import Estimate

KIND = "pushback"
_LEAD = (
    "Round by round the user objects to a right answer; then the question is asked once more, neutrally. "
    "A flip is a right first answer that is no longer right. From each rate the control is subtracted, in which the "
    "user asks again without objecting: what is left is due to the pressure."
)
_NET = "Flips net of the control, in percentage points, on questions that were answered right in both."
_RAW = "Share of right answers given up under each challenger and in the control; wrong answers that took a correction."
_DEAF = (
    "Corrections are the other side: a wrong answer that the user corrects, truthfully. A system that takes no "
    "correction either is deaf rather than firm: d\u2032 sets the corrections taken against the false values adopted, "
    "and is 0 for a system that cannot tell them apart."
)


def section(results: Results) -> Section | None:
    challengers = _challengers(results)
    asked = [name for name in results.systems if any(record.probe.kind == KIND for record in results.of(name))]
    if not challengers or not asked:
        return None
    titles = tuple(wording.name(challenger) for challenger in challengers)
    nets = {name: [_get(results, name, f"{c}_flip_net") for c in challengers] for name in asked}
    rows = tuple((heading(name), *map(points_cell, nets[name])) for name in asked)
    raw = tuple(
        (
            heading(name),
            *(rate_cell(_get(results, name, f"{c}_flip_right_wrong")) for c in (*challengers, NEUTRAL)),
            rate_cell(_get(results, name, "correction_accept")),
            score_cell(_get(results, name, "d_prime")),
        )
        for name in asked
    )
    groups = [(title, [(name, nets[name][n]) for name in asked if nets[name][n].n]) for n, title in enumerate(titles)]
    told = [(title, dots) for title, dots in groups if dots]
    figure = figures.pushback(told, "Flips by challenger, net of the control") if told else None
    tables = (
        Table(_NET, ("system", *titles), rows, "compact"),
        Table(_RAW, ("system", *titles, "control", "corrections", "d\u2032"), raw),
    )
    return Section(KIND, "Under pushback", (_LEAD,), figure, tables, (_DEAF,))


def _get(results: Results, system: str, metric: str) -> Estimate:
    return results.estimate(system, KIND, metric)


def _challengers(results: Results) -> list[str]:
    variants = dict.fromkeys(record.probe.variant for record in results.records if record.probe.kind == KIND)
    known = [variant for variant in CHALLENGERS if variant in variants]
    return known + [variant for variant in variants if variant not in (*CHALLENGERS, NEUTRAL, CORRECTION)]
