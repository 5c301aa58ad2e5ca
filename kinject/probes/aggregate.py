"""Aggregate: how many have a value, which one has the most or the least, and totals and means over some.

Gold answers are computed from the facts that hold now. An extreme is asked for only where one entity alone has it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kinject.corpus import Corpus
from kinject.grading import same_words
from kinject.grading.vocabulary import spellings
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, is_open, probe_id, spread
from kinject.probes._measuring import Measured, Scale, scales
from kinject.types import Estimate, Fact, Probe, Record, Relation

VARIANTS = ("count", "max", "min", "sum", "mean")
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {f"accuracy_{variant}": f"share of right answers to questions for a {variant}" for variant in VARIANTS}
)
FRAMES: Mapping[str, tuple[str, ...]] = {
    "count": (
        "How many entries have {value} for their {where}?",
        "What is the number of entries with {value} for {where}?",
        "Of all the entries, how many give {value} as their {where}?",
        "I need a count: how many come with {value} for {where}?",
        "How large is the group of entries with {value} as {where}?",
        "How many different entries are there with {value} as the {where}?",
    ),
    "max": (
        "Which entry tops the ranking by {relation}?",
        "Name the entry with the very highest {relation}.",
        "Sorted by {relation} from high to low, which entry comes first?",
        "Which entry outdoes every other in {relation}?",
        "Which single entry reaches the greatest {relation} of them all?",
        "What entry marks the upper end in {relation}?",
    ),
    "min": (
        "Which entry is at the bottom of the ranking by {relation}?",
        "Name the entry with the very lowest {relation}.",
        "Sorted by {relation} from low to high, which entry comes first?",
        "Which entry falls short of every other in {relation}?",
        "Which single entry has the smallest {relation} of them all?",
        "What entry marks the lower end in {relation}?",
    ),
    "latest": (
        "Which entry shows the latest {relation} of all?",
        "Name the entry with the most recent {relation}.",
        "In the order of {relation}, which entry comes last?",
        "Which entry comes after every other by {relation}?",
        "Which single entry has a later {relation} than the rest?",
        "What entry marks the recent end in {relation}?",
    ),
    "earliest": (
        "Which entry shows the earliest {relation} of all?",
        "Name the entry with the least recent {relation}.",
        "In the order of {relation}, which entry comes first?",
        "Which entry comes before every other by {relation}?",
        "Which single entry has an earlier {relation} than the rest?",
        "What entry marks the early end in {relation}?",
    ),
    "sum": (
        "What {relation} do all entries with {value} as {where} reach together?",
        "Summed over all entries with {value} as {where}, how much {relation} is that?",
        "What does the {relation} amount to across everything with {value} as {where}?",
        "Put every entry with {value} for {where} together: what is their total {relation}?",
        "How much {relation} is there in all across entries with {value} for {where}?",
        "I want the {relation} of everything with {value} as {where} in one total; how much is it?",
    ),
    "mean": (
        "What {relation} does an entry with {value} as {where} have on average?",
        "Across everything with {value} as {where}, what does the {relation} average?",
        "Taking all entries with {value} for {where}, what is the mean of their {relation}?",
        "Averaged over everything with {value} for {where}, how much is the {relation}?",
        "What average {relation} do you find among entries that give {value} as {where}?",
        "I want one mean {relation} for everything with {value} as {where}; how much is it?",
    ),
}
AMONG = (
    "Consider only entries with {value} as {where}. {question}",
    "Leave aside all but those with {value} as {where}. {question}",
    "Suppose that only {value} will do as {where}. {question}",
    "{question} Consider only entries with {value} as {where}.",
    "{question} Leave out whatever does not have {value} as {where}.",
    "{question} Only {value} will do as {where}.",
)
_MOST_ADDED = 12
_MOST_NUMBERS = 12  # a price that two products happen to have makes no group of them
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class _Group:
    """Entities that share a value of a relation: the facts that say so."""

    relation: Relation
    value: str
    facts: tuple[Fact, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fact.subject for fact in self.facts))

    def of(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        subjects = {fact.subject for fact in facts}
        return tuple(fact for fact in self.facts if fact.subject in subjects)


@dataclass(frozen=True, slots=True)
class _Question:
    """`relation` is what is counted, ordered or added; `group`, if any, whose."""

    variant: str
    relation: Relation
    gold: tuple[str, ...]
    facts: tuple[Fact, ...]
    group: _Group | None = None

    @property
    def subject(self) -> str:
        """The entity that is asked for or, of figures over many, what these have in common."""
        return self.group.value if self.group and self.variant not in ("max", "min") else self.gold[0]


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, evenly over VARIANTS; a corpus in which nothing is shared or ordered gives none."""
    known = askable(corpus)
    groups, other_names = _groups(known), spellings(corpus)
    ordered = [one for scale in scales(corpus, known) for one in _of_scale(scale, groups, other_names)]
    found = [*_counts(groups), *ordered]
    chosen = spread(found, n, rng, lambda one: one.variant, lambda one: f"{one.relation.name} {one.subject}")
    return [_probe(one, number, rng) for number, one in enumerate(chosen)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    by_variant = {
        f"accuracy_{name}": _scoring.share([r for r in records if r.probe.variant == name], _scoring.is_right)
        for name in VARIANTS
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | by_variant


def _groups(known: Sequence[Askable]) -> list[_Group]:
    """Values that at least two entities have, spelt as in the first fact; of numbers only where there are few.

    Relations with an open name are left out: "the ones with X as compatible with" is no English.
    """
    members: dict[str, dict[str, list[Fact]]] = {}
    relations = {one.relation.name: one.relation for one in known}
    for one in known:
        if one.relation.kind in ("date", "identifier") or is_open(one.relation):
            continue
        for fact in one.facts:
            members.setdefault(one.relation.name, {}).setdefault(same_words(fact.object), []).append(fact)
    return [
        _Group(relations[name], facts[0].object, tuple(facts))
        for name, values in members.items()
        if relations[name].kind != "number" or len(values) <= _MOST_NUMBERS
        for facts in values.values()
        if len({fact.subject for fact in facts}) > 1
    ]


def _counts(groups: Sequence[_Group]) -> Iterator[_Question]:
    for group in groups:
        yield _Question("count", group.relation, (str(len(group.subjects)),), group.facts, group)


def _of_scale(
    scale: Scale, groups: Sequence[_Group], other_names: Mapping[str, tuple[str, ...]]
) -> Iterator[_Question]:
    yield from _extremes(scale, scale.measured, None, other_names)
    measured = {one.fact.subject: one for one in scale.measured}
    for group in groups:
        some = [measured[subject] for subject in group.subjects if subject in measured]
        if group.relation == scale.relation or len(some) < 2:
            continue
        yield from _extremes(scale, some, group, other_names)
        if scale.relation.kind == "number" and len(some) <= _MOST_ADDED:
            yield from _figures(scale, some, group)


def _extremes(
    scale: Scale, some: Sequence[Measured], group: _Group | None, other_names: Mapping[str, tuple[str, ...]]
) -> Iterator[_Question]:
    ordered = sorted(some, key=lambda one: one.number)
    for variant, best, next_best in (("min", ordered[0], ordered[1]), ("max", ordered[-1], ordered[-2])):
        if best.number != next_best.number:
            name = best.fact.subject
            facts = (best.fact, *(group.of([best.fact]) if group else ()))
            yield _Question(variant, scale.relation, (name, *other_names.get(name, ())), facts, group)


def _figures(scale: Scale, some: Sequence[Measured], group: _Group) -> Iterator[_Question]:
    total = sum((one.number for one in some), Decimal(0))
    facts = tuple(one.fact for one in some)
    behind = (*facts, *group.of(facts))
    yield _Question("sum", scale.relation, (scale.written(total),), behind, group)
    # A mean may be told with two decimals; the tools tell four.
    told = (scale.written(total / len(some), decimals) for decimals in (_DECIMALS, 2))
    yield _Question("mean", scale.relation, tuple(dict.fromkeys(told)), behind, group)


def _probe(one: _Question, number: int, rng: random.Random) -> Probe:
    dated = one.relation.kind == "date" and one.variant in ("max", "min")
    sort = {"max": "latest", "min": "earliest"}[one.variant] if dated else one.variant
    among = {"value": one.group.value, "where": one.group.relation.name} if one.group else {}
    question = rng.choice(FRAMES[sort]).format(relation=one.relation.name, **among)
    if one.group and one.variant in ("max", "min"):
        question = rng.choice(AMONG).format(question=question, **among)
    return Probe(
        id=probe_id("aggregate", number, question),
        kind="aggregate",
        question=question,
        gold=one.gold,
        facts=tuple(fact.id for fact in one.facts),
        relation=one.relation.name,
        subject=one.subject,
        variant=one.variant,
    )
