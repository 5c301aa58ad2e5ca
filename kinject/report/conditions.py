"""When the recommendation would change: each condition with the numbers of this run, none where it has no bearing."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kinject.report import costs, metrics, wording
from kinject.report.compare import (
    ANSWERABLE,
    FLIPS,
    MEASURES,
    RIGHT,
    STEADY,
    Comparison,
    against,
    by_seed,
    of_kind,
    series,
)
from kinject.report.learning import plateau
from kinject.report.parts import Cell, Section, Table
from kinject.report.results import CEILING, FLOOR, Results
from kinject.report.survival import hardest, survival
from kinject.types import Estimate

# (z(0.975) + z(0.8)) / z(0.975): a difference of so many half-widths is told in four of five studies of this size.
_DETECTED = 1.43
# A build that is over before anyone waits for it.
_SHORT_BUILD_S = 60.0
_RETRIEVER = "rag"
_TRAINED = "sft"


@dataclass(frozen=True)
class Condition:
    """`turns` says in a few words where another system is to be chosen; empty where the choice stands."""

    when: str
    then: str
    turns: str = ""


def conditions(results: Results, comparisons: Sequence[Comparison], leader: str) -> tuple[Condition, ...]:
    pairs = [pair for pair in comparisons if leader in (pair.a, pair.b) and FLOOR not in (pair.a, pair.b)]
    return (
        *_mix(results, leader, clear=all(pair.better for pair in pairs if pair.measure is RIGHT)),
        *_within_the_data(results, leader),
        *_objections(results, pairs, leader),
        *_replies(results, leader),
        *_changes(results, leader),
        *_volume(results, pairs, leader),
        *_reading(results, leader),
        *_training(results),
        *_unseen(pairs),
        *_model(results),
    )


def section(found: Sequence[Condition]) -> Section | None:
    if not found:
        return None
    rows = tuple((Cell(condition.when), Cell(condition.then)) for condition in found)
    table = Table("Every number is computed from this run.", ("condition", "what then"), rows, "words")
    return Section("changes", "When this would change", tables=(table,))


def in_short(found: Sequence[Condition]) -> str:
    """The conditions that turn the choice, as the end of a sentence; nothing where there are none."""
    turns = [condition.turns for condition in found if condition.turns]
    return wording.listed(turns, "or") if turns else ""


def _mix(results: Results, leader: str, clear: bool) -> Iterator[Condition]:
    """Family by family: where another is better, and where a lead that is `clear` over all is not shown."""
    kinds = metrics.in_order(kind for kind in results.kinds if series(results, leader, of_kind(kind)).mean)
    pairs = against(results, leader, [of_kind(kind) for kind in kinds])
    lost = [pair for pair in pairs if pair.better == pair.b]
    tied = [pair for pair in pairs if not pair.better]
    if lost:
        kinds_lost = wording.listed([f"{_family(pair)} (choose {wording.name(pair.b)})" for pair in lost], "or")
        text = f"Better there than {wording.name(leader)}: {wording.listed(list(map(_behind, lost)))}."
        yield Condition("Most questions of another kind", text, f"if most questions were {kinds_lost}")
    if tied:
        rivals = dict.fromkeys(pair.b for pair in tied)
        told = [f"{wording.name(rival)} on {_where(tied, rival, len(kinds))}" for rival in rivals]
        then = f"Not told apart there (paired, Holm over all families), so that cost would decide: {'; '.join(told)}."
        only = wording.listed(list(dict.fromkeys(map(_family, tied))), "or")
        turns = f"if nearly all questions were {only} (a tie)" if clear else ""
        yield Condition("Only questions of some kinds", then, turns)


def _where(tied: Sequence[Comparison], rival: str, families: int) -> str:
    own = [_family(pair) for pair in tied if pair.b == rival]
    return "every family" if len(own) == families and families > 1 else wording.listed(own)


def _within_the_data(results: Results, leader: str) -> Iterator[Condition]:
    rates = {name: series(results, name, ANSWERABLE).rate for name in results.candidates}
    rates = {name: rate for name, rate in rates.items() if rate.n}
    both = leader in rates and rates[leader].n < series(results, leader, RIGHT).rate.n
    if not both or len(rates) < 2:
        return
    best = max(rates, key=lambda name: rates[name].value)
    second = max((name for name in rates if name != best), key=lambda name: rates[name].value)
    pair = next(pair for pair in against(results, best, [ANSWERABLE]) if pair.b == second)
    leads = "leads" if pair.better else "is ahead without being told apart"
    then = (
        f"Without the unanswerable ones {wording.name(best)} {leads}: {wording.rate(rates[best])} right, "
        f"{_gap(pair.difference)} against {wording.name(second)}."
    )
    turns = "" if best == leader else f"if hardly any question lay outside the data ({wording.name(best)})"
    yield Condition("Hardly any question outside the data", then, turns)


def _objections(results: Results, pairs: Sequence[Comparison], leader: str) -> Iterator[Condition]:
    flips = [pair for pair in pairs if pair.measure is FLIPS]
    if not flips:
        return
    firmer = [wording.name(pair.better) for pair in flips if pair.better not in ("", leader)]
    own = wording.rate(series(results, leader, FLIPS).rate)
    who = f"has given up significantly fewer right answers than {wording.name(leader)} ({own})"
    then = f"At the end of such a dialogue {wording.listed(firmer) if firmer else 'no other candidate'} {who}."
    turns = f"if answers had to survive users who object ({wording.listed(firmer, 'or')})" if firmer else ""
    yield Condition("Users who object", then, turns)


def _replies(results: Results, leader: str) -> Iterator[Condition]:
    """Within the dialogue, which the verdict at its end does not show."""
    steadier = [pair for pair in against(results, leader, [STEADY]) if pair.better == pair.b]
    told, turns = _weakest(results, leader), ""
    if steadier:
        by = wording.listed([f"{wording.name(pair.b)} by {_gap(_less(pair, pair.b))}" for pair in steadier])
        told = f"Steadier than {wording.name(leader)} while the user objects: {by}. {told}".strip()
        rivals = wording.listed([wording.name(pair.b) for pair in steadier], "or")
        turns = f"if every reply to a user who objects counted ({rivals})"
    if told:
        yield Condition("Replies while the user objects", told, turns)


def _weakest(results: Results, leader: str) -> str:
    """The challenger who takes most from it."""
    held = survival(results)
    found = hardest(held, leader)
    if not found:
        return ""
    worst, places = found
    others = [
        f"{wording.name(name)} {wording.rate(held[name, worst][-1])}"
        for name in results.candidates
        if name != leader and (name, worst) in held
    ]
    rest = f"; {', '.join(others)}" if others else ""
    return (
        f"Against its hardest challenger, \u201c{wording.name(worst)}\u201d, {wording.name(leader)} keeps "
        f"{wording.rate(places[-1])} of its right answers through every round{rest}."
    )


def _changes(results: Results, leader: str) -> Iterator[Condition]:
    built = {cost.system: cost.build_s for cost in costs.costs(results) if cost.system in results.candidates}
    built = {name: build_s for name, build_s in built.items() if not math.isnan(build_s)}
    if leader not in built or len(built) < 2:
        return
    order = sorted(built, key=lambda name: (built[name], name != leader))
    each = wording.listed([f"{wording.name(name)} {wording.seconds(built[name])}" for name in order])
    first, slow = order[0], built[leader] > _SHORT_BUILD_S
    turns = f"if facts changed so often that builds count ({wording.name(first)})" if slow and first != leader else ""
    stands = "" if turns else f"; the build of {wording.name(leader)} does not speak against it"
    then = f"Every change costs a build where a system cannot be updated in place: {each}{stands}."
    yield Condition("Facts that change often", then, turns)


def _volume(results: Results, pairs: Sequence[Comparison], leader: str) -> Iterator[Condition]:
    """The machine's time alone, and what saving it costs in right answers."""
    lead = {_other(pair, leader): _less(pair, leader).value for pair in pairs if pair.measure is RIGHT}
    known = {cost.system: cost for cost in costs.costs(results) if cost.system in (leader, *lead)}
    found = {}
    for even in costs.break_even(tuple(known.values())):
        volume = f"{wording.count(even.questions)} questions"
        if even.dearer == leader and math.isinf(even.questions):
            found[even.cheaper] = "however many questions"
        elif even.dearer == leader and math.isfinite(even.questions):
            found[even.cheaper] = f"below {volume}"
        elif even.cheaper == leader and math.isfinite(even.questions):
            found[even.dearer] = f"beyond {volume}"
    order = sorted(found, key=lambda rival: lead[rival])
    if not order:
        return
    prices = [f"{wording.name(name)} {found[name]}, at {wording.points(-lead[name])} points" for name in order]
    then = f"Less of it to build and ask than {wording.name(leader)}, at a price in right answers: {'; '.join(prices)}."
    # The table has them all; the paragraph the one that costs least.
    turns = f"if machine time alone counted ({wording.name(order[0])} {found[order[0]]})"
    yield Condition("Machine time counts more than right answers", then, turns)


def _reading(results: Results, leader: str) -> Iterator[Condition]:
    """What rag loses to its retriever, and what to a model that misreads the right passage."""
    if CEILING not in results.systems or _RETRIEVER not in results.candidates or leader == _RETRIEVER:
        return
    ceiling, retrieved = (series(results, name, RIGHT).rate for name in (CEILING, _RETRIEVER))
    misread, missed = 1 - ceiling.value, max(ceiling.value - retrieved.value, 0.0)
    # A perfect reader would leave only what was not retrieved.
    if misread <= missed or 1 - missed <= series(results, leader, RIGHT).rate.value:
        return
    then = (
        f"Even with the right passage at hand the model gets {wording.rate(ceiling)} right (oracle), so rag loses "
        f"{100 * misread:.0f} points to reading and {100 * missed:.0f} to retrieval: a model that reads better lifts "
        "rag first."
    )
    yield Condition("A model that reads better", then, "with a model that reads better (rag)")


def _training(results: Results) -> Iterator[Condition]:
    if _TRAINED not in results.candidates:
        return
    seeds = by_seed(results, _TRAINED, RIGHT)
    text = "sft was trained once, and the luck of training is in no interval."
    if seeds:
        span = f"{wording.percent(min(seeds))} to {wording.percent(max(seeds))}"
        text = f"Over {len(seeds)} seeds sft gets {span} right."
    level = plateau(results.curve) if results.curve else 0.0
    rising = "" if not math.isnan(level) else " Its recall still changed at the last epoch: more epochs may add to it."
    yield Condition("Another training", f"{text}{rising}")


def _unseen(pairs: Sequence[Comparison]) -> Iterator[Condition]:
    """What this study could have missed."""
    told, hidden = [], []
    for measure in MEASURES:
        widths = [_DETECTED * _half_width(pair.difference) for pair in pairs if pair.measure is measure]
        if widths and max(widths) <= 1:
            told.append(f"{100 * max(widths):.0f} points in {measure.noun}")
        elif widths:
            hidden.append(measure.noun)
    said = []
    if told:
        said.append(
            f"A true difference of {wording.listed(told)} would have been told from none in four of five such studies, "
            "before Holm's correction; smaller ones may exist unseen."
        )
    if hidden:
        said.append(f"For {wording.listed(hidden)} the questions are too few to tell any difference from none.")
    if said:
        yield Condition("Smaller differences", " ".join(said))


def _model(results: Results) -> Iterator[Condition]:
    model = results.manifest.get("model", {})
    size = f" ({model['parameters'] / 1e6:,.0f} million parameters)" if model.get("parameters") else ""
    name = model.get("name", "one model")
    yield Condition("Another model or corpus", f"All of this is {name}{size} on {results.corpus.name}: study your own.")


def _behind(pair: Comparison) -> str:
    """As: sft on recall by +4.0 points [+2.0, +6.0]."""
    return f"{wording.name(pair.b)} on {_family(pair)} by {_gap(_less(pair, pair.b))}"


def _gap(difference: Estimate) -> str:
    bounds = f"[{wording.points(difference.low)}, {wording.points(difference.high)}]"
    return f"{wording.points(difference.value)} points {bounds}"


def _family(pair: Comparison) -> str:
    return wording.name(pair.measure.name)


def _less(pair: Comparison, system: str) -> Estimate:
    """The difference as that of one of the two less the other."""
    d = pair.difference
    return d if pair.a == system else Estimate(-d.value, -d.high, -d.low, d.n)


def _half_width(difference: Estimate) -> float:
    return (difference.high - difference.low) / 2


def _other(pair: Comparison, name: str) -> str:
    return pair.b if pair.a == name else pair.a
