"""Whether confidence tells right answers from wrong ones: errors against coverage, of all single questions.

The study's own calibration is a family of estimates; where a run has it, its threshold stands in the table.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinject import stats
from kinject.report import curves, wording
from kinject.report.compare import RIGHT
from kinject.report.parts import Cell, Section, Table, heading, rate_cell, score_cell
from kinject.report.results import Results
from kinject.types import Estimate, Outcome, Record

_CALIBRATED = "confidence"
_SHARES = (1.0, 0.8, 0.5)
# Below so many answers the share of errors jumps with each; and a curve needs no more points than a page has pixels.
_FEW, _POINTS = 20, 160
_LEAD = (
    "What if only the answers of which a system is surest are let through? A curve that falls to the left says that "
    "its confidence can be used so; a level one, that it says nothing. A curve ends at the share of questions that the "
    "system answers at all: unanswerable ones count as errors when they are answered, and abstentions are never wrong. "
    f"It begins at {_FEW} answers."
)
_NOTE = (
    "AURC is the mean share of errors over all coverages of the answers given: less is better. AUROC is the chance "
    "that a right answer is more confident than a wrong one: 0.5 says nothing. Both are of the confidence as each "
    "system gives it. A threshold has to be chosen on other questions than those on which it is judged."
)


@dataclass(frozen=True)
class Selective:
    """One system's attempted answers with a confidence, of `asked` questions in all."""

    system: str
    asked: int
    confidence: tuple[float, ...]
    right: tuple[bool, ...]
    cluster: tuple[str, ...]

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """(share of the questions answered, share of errors among these), a point where an answer comes in."""
        share = len(self.right) / self.asked
        return tuple((share * c, risk) for c, risk in stats.risk_coverage(self.confidence, self.right))

    @property
    def aurc(self) -> Estimate:
        # Resampling, so a generator of its own: the same run has the same interval.
        return stats.area_under_risk_coverage(self.confidence, self.right, self.cluster, np.random.default_rng(0))

    @property
    def auroc(self) -> Estimate:
        return stats.auroc(self.confidence, self.right, self.cluster)

    def errors(self, coverage: float) -> Estimate:
        """The share of errors among the surest answers, a share of all answers given."""
        right = stats.accuracy_at_coverage(self.confidence, self.right, self.cluster, coverage)
        return Estimate(1 - right.value, 1 - right.high, 1 - right.low, right.n)


def section(results: Results) -> Section | None:
    known = [one for name in results.systems if (one := selective(results, name)).right]
    if not known:
        return None
    areas = {one.system: one.aurc for one in known}
    drawn = [_curve(one, areas[one.system]) for one in known if len(one.right) >= _FEW]
    figure = curves.risk(drawn) if drawn else None
    threshold = any((one.system, _CALIBRATED, "coverage") in results.estimates for one in known)
    columns = [
        "system",
        "answered",
        *(f"errors, surest {wording.percent(share)}" for share in _SHARES),
        "AURC",
        "AUROC",
    ]
    columns[2] = "errors, all answers"
    rows = tuple(
        (
            heading(one.system),
            Cell(wording.percent(len(one.right) / one.asked), f"{len(one.right)} of {one.asked}"),
            *(rate_cell(one.errors(share)) for share in _SHARES),
            score_cell(areas[one.system]),
            score_cell(one.auroc),
            *(_at_threshold(results, one.system) if threshold else ()),
        )
        for one in known
    )
    if threshold:
        columns += ["kept by its threshold", "right among these"]
    table = Table("Errors among the answers given, as only the surest are let through.", tuple(columns), rows)
    return Section("risk", "How far confidence can be trusted", (_LEAD,), figure, (table,), (_NOTE,))


def selective(results: Results, system: str) -> Selective:
    asked = [record for record in results.of(system) if RIGHT.holds(record) is not None and _is_sure(record)]
    tried = [record for record in asked if record.verdicts[0].outcome is not Outcome.NOT_ATTEMPTED]
    return Selective(
        system=system,
        asked=len(asked),
        confidence=tuple(record.answers[0].confidence for record in tried),
        right=tuple(bool(RIGHT.holds(record)) for record in tried),
        cluster=tuple(record.probe.subject or record.probe.id for record in tried),
    )


def _is_sure(record: Record) -> bool:
    return record.answers[0].confidence_method != "unavailable"


def _curve(one: Selective, area: Estimate) -> curves.Coverage:
    return curves.Coverage(one.system, f"{wording.name(one.system)} {wording.score(area)}", _thinned(one))


def _thinned(one: Selective) -> tuple[tuple[float, float], ...]:
    points = one.points
    told = [point for point in points if point[0] * one.asked >= _FEW]
    step = math.ceil(len(told) / _POINTS)
    return tuple(told[::-1][::step][::-1])


def _at_threshold(results: Results, system: str) -> tuple[Cell, Cell]:
    """Of the half of the questions that the threshold was not chosen on."""
    kept, right = (results.estimate(system, _CALIBRATED, name) for name in ("coverage", "accuracy_at_threshold"))
    return rate_cell(kept), rate_cell(right)
