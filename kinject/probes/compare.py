"""Compare: which of two entities has more or less of something, or came earlier or later.

Both have one value now and the values differ. Asks for the entity, not for a value.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus
from kinject.grading.vocabulary import spellings
from kinject.probes import _scoring
from kinject.probes._choosing import askable, probe_id, spread
from kinject.probes._measuring import Measured, Scale, scales
from kinject.types import Estimate, Fact, Probe, Record

VARIANTS = ("more", "less", "later", "earlier")
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {f"accuracy_{variant}": f'share of right answers to questions for "{variant}"' for variant in VARIANTS}
)
FRAMES: Mapping[str, tuple[str, ...]] = {
    "more": (
        "Set {one} beside {other}: which one shows the greater {relation}?",
        "Would you find the greater {relation} at {one} or at {other}?",
        "By {relation}, which ranks above the other, {one} or {other}?",
        "Take {one} and {other}; which of these surpasses the other in {relation}?",
        "Does the larger {relation} belong to {one} or to {other}?",
        "Where is the {relation} higher, at {one} or at {other}?",
    ),
    "less": (
        "Set {one} beside {other}: which one shows the lower {relation}?",
        "Would you find the lower {relation} at {one} or at {other}?",
        "By {relation}, which ranks below the other, {one} or {other}?",
        "Take {one} and {other}; which of these falls short of the other in {relation}?",
        "Does the smaller {relation} belong to {one} or to {other}?",
        "Where is the {relation} lower, at {one} or at {other}?",
    ),
    "later": (
        "Set {one} beside {other}: which one shows the later {relation}?",
        "Would you find the later {relation} at {one} or at {other}?",
        "By {relation}, which comes after the other, {one} or {other}?",
        "Take {one} and {other}; which of these has the more recent {relation}?",
        "Does the later {relation} belong to {one} or to {other}?",
        "Where does the {relation} fall later, at {one} or at {other}?",
    ),
    "earlier": (
        "Set {one} beside {other}: which one shows the earlier {relation}?",
        "Would you find the earlier {relation} at {one} or at {other}?",
        "By {relation}, which comes before the other, {one} or {other}?",
        "Take {one} and {other}; which of these has the less recent {relation}?",
        "Does the earlier {relation} belong to {one} or to {other}?",
        "Where does the {relation} fall earlier, at {one} or at {other}?",
    ),
}
_TRIES = 8


@dataclass(frozen=True, slots=True)
class _Pair:
    """`first` and `second` as they are named; `right` is one of them."""

    scale: Scale
    first: Measured
    second: Measured
    variant: str

    @property
    def right(self) -> Measured:
        choose = max if self.variant in ("more", "later") else min
        return choose(self.first, self.second, key=lambda one: one.number)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The right one's first: it is the value that the answer has to have."""
        return tuple(sorted((self.first.fact, self.second.fact), key=lambda fact: fact != self.right.fact))


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, evenly over relations and ways to ask; none for a corpus without numbers and days."""
    pairs = [pair for scale in scales(corpus, askable(corpus)) for pair in _pairs(scale, n, rng)]
    chosen = spread(
        pairs, n, rng, lambda one: f"{one.variant} {one.scale.relation.name}", lambda one: one.right.fact.subject
    )
    other_names = spellings(corpus)
    return [_probe(pair, number, other_names, rng) for number, pair in enumerate(chosen)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    by_variant = {
        f"accuracy_{name}": _scoring.share([r for r in records if r.probe.variant == name], _scoring.is_right)
        for name in VARIANTS
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | by_variant


def _pairs(scale: Scale, n: int, rng: random.Random) -> Iterator[_Pair]:
    """Each entity with another one at random, n times at the most, in turn for more and for less."""
    variants = VARIANTS[2:] if scale.relation.kind == "date" else VARIANTS[:2]
    for number, one in enumerate(rng.sample(scale.measured, min(n, len(scale.measured)))):
        others = rng.sample(scale.measured, min(_TRIES, len(scale.measured)))
        other = next((other for other in others if other.number != one.number), None)
        if other:
            yield _Pair(scale, one, other, variants[number % 2])


def _probe(pair: _Pair, number: int, other_names: Mapping[str, tuple[str, ...]], rng: random.Random) -> Probe:
    named = {"one": pair.first.fact.subject, "other": pair.second.fact.subject}
    question = rng.choice(FRAMES[pair.variant]).format(relation=pair.scale.relation.name, **named)
    right = pair.right.fact.subject
    return Probe(
        id=probe_id("compare", number, question),
        kind="compare",
        question=question,
        gold=(right, *other_names.get(right, ())),
        facts=tuple(fact.id for fact in pair.facts),
        relation=pair.scale.relation.name,
        subject=right,
        variant=pair.variant,
    )
