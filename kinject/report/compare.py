"""Two systems on the same probes: the difference with its interval, exact McNemar, Holm over all pairs.

Every comparison is of candidates, and of each candidate with the floor. It says nothing about what to choose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

from kinject import stats
from kinject.probes.pushback import CORRECTION, NEUTRAL
from kinject.report.metrics import is_aside
from kinject.report.results import FLOOR, Results
from kinject.types import Estimate, Outcome, Record

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Measure:
    """A yes or no of a record: `holds` is None where the record has no say. `good`: more of it is better."""

    name: str
    noun: str
    good: bool
    holds: Callable[[Record], bool | None]


@dataclass(frozen=True)
class Comparison:
    """`difference` is the share of `a` minus that of `b`; `only_a`, `only_b`: probes that tell them apart."""

    measure: Measure
    a: str
    b: str
    difference: Estimate
    only_a: int
    only_b: int
    p: float
    p_holm: float

    @property
    def better(self) -> str:
        """The system that is better, or "" where they are statistically tied."""
        if self.p_holm >= SIGNIFICANT or self.difference.low <= 0 <= self.difference.high:
            return ""
        return self.a if (self.difference.value > 0) == self.measure.good else self.b


@dataclass(frozen=True)
class Series:
    """One system's values of one measure by probe: the mean over seeds, and the first seed's for exact tests."""

    mean: dict[str, float]
    first: dict[str, bool]
    cluster: dict[str, str]

    @property
    def rate(self) -> Estimate:
        keys = sorted(self.mean)
        return stats.clustered_rate([self.mean[k] for k in keys], [self.cluster[k] for k in keys])


def is_right(record: Record) -> bool:
    """Correct where there is something to know, an abstention where there is nothing."""
    wanted = Outcome.CORRECT if record.probe.gold else Outcome.NOT_ATTEMPTED
    return record.verdicts[0].outcome is wanted


def _right(record: Record) -> bool | None:
    aside = record.probe.turns or record.probe.claim or is_aside(record.probe.kind)
    return None if aside else is_right(record)


def _hallucinated(record: Record) -> bool | None:
    return None if record.probe.gold else _negated(_right(record))


def _negated(holds: bool | None) -> bool | None:
    return None if holds is None else not holds


def _flipped(record: Record) -> bool | None:
    challenged = record.probe.turns and record.probe.variant not in (NEUTRAL, CORRECTION) and not record.probe.claim
    if not challenged or record.verdicts[0].outcome is not Outcome.CORRECT:
        return None
    return record.verdicts[-1].outcome is not Outcome.CORRECT


RIGHT = Measure("right answers", "right answers", True, _right)
HALLUCINATION = Measure("hallucination", "answers to unanswerable questions", False, _hallucinated)
FLIPS = Measure("gave way", "right answers given up under pushback", False, _flipped)
MEASURES = (RIGHT, HALLUCINATION, FLIPS)


def _steady(record: Record) -> bool | None:
    if _flipped(record) is None:
        return None
    return all(verdict.outcome is Outcome.CORRECT for verdict in record.verdicts[1:-1])


# Of the dialogue itself: no verdict is taken on it, since a reply may name both values and mean the right one.
STEADY = Measure("steadiness", "right answers kept in every round", True, _steady)


def narrowed(measure: Measure, name: str, counts: Callable[[Record], bool]) -> Measure:
    """The same of some of the records."""
    return replace(measure, name=name, holds=lambda record: measure.holds(record) if counts(record) else None)


def of_kind(kind: str) -> Measure:
    return narrowed(RIGHT, kind, lambda record: record.probe.kind == kind)


RECALLED = of_kind("recall")
ANSWERABLE = narrowed(RIGHT, "answerable", lambda record: bool(record.probe.gold))


def series(results: Results, system: str, measure: Measure) -> Series:
    values: dict[str, list[bool]] = {}
    cluster: dict[str, str] = {}
    for record in sorted(results.of(system), key=lambda record: record.seed):
        holds = measure.holds(record)
        if holds is not None:
            values.setdefault(record.probe.id, []).append(holds)
            cluster[record.probe.id] = record.probe.subject or record.probe.id
    return Series({k: fmean(v) for k, v in values.items()}, {k: v[0] for k, v in values.items()}, cluster)


def by_seed(results: Results, system: str, measure: Measure) -> tuple[float, ...]:
    """The share of each training; none where the system was built only once."""
    values: dict[int, list[bool]] = {}
    for record in results.of(system):
        holds = measure.holds(record)
        if holds is not None:
            values.setdefault(record.seed, []).append(holds)
    return tuple(fmean(values[seed]) for seed in sorted(values)) if len(values) > 1 else ()


def compare(results: Results) -> tuple[Comparison, ...]:
    """Every pair on every measure that both have probes of; Holm within a measure."""
    return tuple(found for measure in MEASURES for found in _compare(results, measure))


def _compare(results: Results, measure: Measure) -> list[Comparison]:
    names = [name for name in results.systems if name in (FLOOR, *results.candidates)]
    known = {name: series(results, name, measure) for name in names}
    # The later system of the ladder comes first, so that differences read "kg - rag".
    found = [_pair(measure, (b, known[b]), (a, known[a])) for a, b in combinations(names, 2)]
    return _adjusted(found)


def against(results: Results, system: str, measures: Sequence[Measure]) -> list[Comparison]:
    """One candidate against each other on several measures, "it less the other"; Holm over all of these."""
    found = []
    for measure in measures:
        own = series(results, system, measure)
        others = [(name, series(results, name, measure)) for name in results.candidates if name != system]
        found += [_pair(measure, (system, own), other) for other in others]
    return _adjusted(found)


def _adjusted(pairs: Sequence[Comparison]) -> list[Comparison]:
    """Those with data, their p-values adjusted for all of them."""
    told = [pair for pair in pairs if pair.difference.n]
    return [replace(c, p_holm=p) for c, p in zip(told, stats.holm([pair.p for pair in told]), strict=True)]


def _pair(measure: Measure, first: tuple[str, Series], second: tuple[str, Series]) -> Comparison:
    (a, of_a), (b, of_b) = first, second
    keys = sorted(of_a.mean.keys() & of_b.mean.keys())
    clusters = [of_a.cluster[k] for k in keys]
    difference = stats.paired_difference([of_a.mean[k] for k in keys], [of_b.mean[k] for k in keys], clusters)
    only_a = sum(of_a.first[k] and not of_b.first[k] for k in keys)
    only_b = sum(of_b.first[k] and not of_a.first[k] for k in keys)
    p = stats.mcnemar(only_a, only_b)
    return Comparison(measure, a, b, difference, only_a, only_b, p, p)
