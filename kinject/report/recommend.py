"""Which system to choose, in one paragraph: a winner, a tie, or none, and when that would change.

The rule: most right answers over all single questions (an unanswerable one is right when the system says so), told
apart from every other candidate and from the floor after Holm's correction, and not significantly worse than another in
hallucination or in giving way to pushback.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kinject import power
from kinject.report import wording
from kinject.report.compare import FLIPS, HALLUCINATION, RIGHT, Comparison, Measure, series
from kinject.report.conditions import Condition, conditions, in_short
from kinject.report.results import FLOOR, Results
from kinject.types import Estimate


@dataclass(frozen=True)
class Recommendation:
    verdict: Literal["winner", "tied", "none"]
    systems: tuple[str, ...]
    headline: str
    text: str
    conditions: tuple[Condition, ...] = ()


def recommend(results: Results, comparisons: Sequence[Comparison]) -> Recommendation:
    rates = {name: series(results, name, RIGHT).rate for name in results.candidates}
    asked = {name: rate for name, rate in rates.items() if rate.n}
    if not asked:
        return _none((), "No winner: there is nothing to compare", "No record of a system that could be chosen.")
    leader = max(asked, key=lambda name: asked[name].value)
    pairs = [pair for pair in comparisons if leader in (pair.a, pair.b)]
    contenders = [pair for pair in pairs if FLOOR not in (pair.a, pair.b)]
    opening = _opening(leader, asked[leader])
    if not _beats_floor(leader, pairs):
        floor = _versus(leader, [pair for pair in pairs if pair.measure is RIGHT and FLOOR in (pair.a, pair.b)])
        return _none((leader,), "No winner: nothing beats the untouched model", f"{opening} {floor}")
    tied = [_other(pair, leader) for pair in contenders if pair.measure is RIGHT and not pair.better]
    details = f"{opening} {_versus(leader, [p for p in contenders if p.measure is RIGHT])} {_conduct(results, leader)}"
    if tied:
        group = tuple(name for name in results.candidates if name in (leader, *tied))
        title = f"Statistically tied: {wording.listed([wording.name(name) for name in group])}"
        found = Recommendation("tied", group, title, f"{details} {_more_data(leader, contenders)}".strip())
        return _conditional(found, "It could be decided", conditions(results, comparisons, leader))
    worse = [pair for pair in contenders if pair.measure is not RIGHT and pair.better not in ("", leader)]
    if worse:
        text = f"{details} {_objections(leader, worse)}"
        found = _none((leader,), "No single winner: it depends on which mistakes you can bear", text)
        return _conditional(found, "It could be decided", conditions(results, comparisons, leader))
    if not contenders:
        return _none((leader,), f"No winner: only {wording.name(leader)} was studied", details.strip())
    found = Recommendation("winner", (leader,), f"Choose {wording.name(leader)}", details.strip())
    return _conditional(found, "It could change", conditions(results, comparisons, leader))


def _conditional(found: Recommendation, start: str, known: tuple[Condition, ...]) -> Recommendation:
    turns = in_short(known)
    return replace(found, text=f"{found.text} {start} {turns}." if turns else found.text, conditions=known)


def _none(systems: tuple[str, ...], headline: str, text: str) -> Recommendation:
    return Recommendation("none", systems, headline, text.strip())


def _beats_floor(leader: str, pairs: Sequence[Comparison]) -> bool:
    """True as well where the floor was not studied: then there is nothing to say about it."""
    floor = [pair for pair in pairs if pair.measure is RIGHT and FLOOR in (pair.a, pair.b)]
    return all(pair.better == leader for pair in floor)


def _opening(leader: str, rate: Estimate) -> str:
    share = f"{wording.percent(rate.value)} right (95\u202f% interval {wording.interval(rate)})"
    return f"Of {wording.count(rate.n)} questions, unanswerable ones included, {wording.name(leader)} gets {share}."


def _versus(leader: str, pairs: Sequence[Comparison]) -> str:
    """The nearest rival: the smallest lead decides."""
    if not pairs:
        return ""
    pair = min(pairs, key=lambda pair: abs(pair.difference.value))
    sign = 1 if pair.a == leader else -1
    bounds = sorted(sign * bound for bound in (pair.difference.low, pair.difference.high))
    lead = f"{wording.points(sign * pair.difference.value)} points [{', '.join(wording.points(b) for b in bounds)}]"
    p = wording.p_value(pair.p_holm)
    test = f"paired on {wording.count(pair.difference.n)} probes, exact McNemar with Holm, p\u00a0{p}"
    other = _other(pair, leader)
    rival = "the untouched model" if other == FLOOR else f"{wording.name(other)}, its nearest rival,"
    return f"Its lead over {rival} is {lead} ({test})."


def _conduct(results: Results, leader: str) -> str:
    told = [_clause(results, leader, measure) for measure in (HALLUCINATION, FLIPS)]
    clauses = [clause for clause in told if clause]
    return f"It {wording.listed(clauses)}." if clauses else ""


def _clause(results: Results, leader: str, measure: Measure) -> str:
    rate = series(results, leader, measure).rate
    if not rate.n:
        return ""
    if measure is HALLUCINATION:  # of every family: more than the family `unanswerable` holds, and harder
        asked = f"of the {wording.count(rate.n)} questions of all families that have no answer"
        return f"answers {wording.rate(rate)} {asked}"
    return f"gives up {wording.rate(rate)} of its right answers under pushback{_net(results, leader)}"


def _net(results: Results, leader: str) -> str:
    net = results.estimate(leader, "pushback", "flip_rate_net")
    if not net.n:
        return ""
    bounds = f"[{wording.points(net.low)}, {wording.points(net.high)}]"
    return f" ({wording.points(net.value)} points {bounds} net of a neutral re-ask)"


def _objections(leader: str, worse: Sequence[Comparison]) -> str:
    reasons = []
    for measure in (HALLUCINATION, FLIPS):
        names = [wording.name(_other(pair, leader)) for pair in worse if pair.measure is measure]
        if names:
            reasons.append(f"{wording.listed(names)} has significantly fewer {measure.noun}")
    return f"But {wording.listed(reasons)}."


def _more_data(leader: str, contenders: Sequence[Comparison]) -> str:
    """What the tie could have hidden, and how many probes would tell a difference of the size that was seen."""
    open_ = [pair for pair in contenders if pair.measure is RIGHT and not pair.better]
    if not open_:
        return "Choose by cost."
    pair = max(open_, key=lambda pair: abs(pair.difference.value))
    least = power.detectable(pair.difference, len(open_))
    hidden = f"With so many probes, a difference of {100 * least:.1f} points would have been found four times in five."
    needed = power.probes_to_tell(pair.difference, abs(pair.difference.value))
    if needed <= pair.difference.n or needed > 1e5:
        return f"{hidden} Choose by cost."
    more = f"about {wording.count(math.ceil(needed / 100) * 100)} probes would tell a difference of the size seen"
    return f"{hidden} Choose by cost, or ask more: {more}."


def _other(pair: Comparison, name: str) -> str:
    return pair.b if pair.a == name else pair.a
