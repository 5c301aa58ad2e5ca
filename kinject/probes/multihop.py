"""Multi-hop: what holds of an entity that is not named, but described by one or two facts that lead to it.

The question is the last relation's own test phrasing. Every hop has one answer now, no entity comes twice, and the
gold answer stands on no page of the entity that is named.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from kinject.corpus import Corpus, questions
from kinject.probes import _scoring
from kinject.probes._choosing import Askable, askable, is_open, probe_id, spread
from kinject.types import Estimate, Probe, Record

HOPS = ("2", "3")
METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {f"accuracy_{hops}": f"share of right answers to questions of {hops} hops" for hops in HOPS}
)
PHRASES = (
    "{subject}'s {relation}",
    "the {relation} that our records give for {subject}",
    "the {relation} you would find for {subject}",
    "the {relation} that we have noted for {subject}",
    "the {relation} belonging to {subject}",
    "the {relation} that one would name for {subject}",
)
# For a relation whose name ends openly, as "compatible with" does.
OPEN_PHRASES = (
    "the one that our records show {subject} to be {relation}",
    "the one that we know {subject} to be {relation}",
    "the very one that {subject} is {relation}",
    "whichever one {subject} is {relation}",
    "the entry that {subject} is {relation}",
    "the one that, as we know, {subject} is {relation}",
)
_MOST_STARTS = 5_000  # of a large corpus only so many entities are asked about

Ways = Mapping[str, Sequence[Askable]]


@dataclass(frozen=True, slots=True)
class _Chain:
    hops: tuple[Askable, ...]

    @property
    def variant(self) -> str:
        return str(len(self.hops))


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, as many of two hops as of three where the corpus has both; none without facts to follow."""
    chains = list(_chains(corpus, rng))
    of_length = ([chain for chain in chains if chain.variant == hops] for hops in HOPS)
    chosen = [spread(own, n, rng, lambda one: one.hops[-1].relation.name, _start) for own in of_length]
    in_turn = islice((chain for pair in zip_longest(*chosen) for chain in pair if chain), n)
    return [_probe(chain, number, rng) for number, chain in enumerate(in_turn)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    by_hops = {
        f"accuracy_{hops}": _scoring.share([r for r in records if r.probe.variant == hops], _scoring.is_right)
        for hops in HOPS
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | by_hops


def _chains(corpus: Corpus, rng: random.Random) -> Iterator[_Chain]:
    ways: dict[str, list[Askable]] = {}
    for one in askable(corpus):
        # Several values at once are several ends, and a list is no entity.
        if len(one.facts) == 1 and one.relation.kind != "list":
            ways.setdefault(one.subject, []).append(one)
    starts = list(ways)
    for start in rng.sample(starts, min(len(starts), _MOST_STARTS)):
        for first in ways[start]:
            for second in _next((first,), ways):
                yield _Chain((first, second))
                # "The one that the one that ... is compatible with is compatible with" is no English.
                for third in _next((first, second), ways) if not is_open(second.relation) else ():
                    yield _Chain((first, second, third))


def _next(hops: tuple[Askable, ...], ways: Ways) -> Iterator[Askable]:
    """What may be asked of the entity that the hops lead to: nothing that leads back to one of them."""
    passed = {hop.subject for hop in hops}
    reached = hops[-1].facts[0].object
    if reached in passed:
        return
    for one in ways.get(reached, ()):
        if one.facts[0].object not in passed:
            yield one


def _probe(chain: _Chain, number: int, rng: random.Random) -> Probe:
    phrase = _start(chain)
    for hop in chain.hops[:-1]:
        frames = OPEN_PHRASES if is_open(hop.relation) else PHRASES
        # A description has no genitive: "the one that Ann is known to be like's mentor".
        fitting = [one for one in frames if phrase == _start(chain) or one.endswith("{subject}")]
        phrase = rng.choice(fitting).format(subject=phrase, relation=hop.relation.name)
    last = chain.hops[-1]
    asked = rng.choice(questions(last.relation, "test")).format(subject=phrase)
    question = asked[0].upper() + asked[1:]
    return Probe(
        id=probe_id("multihop", number, question),
        kind="multihop",
        question=question,
        gold=last.gold,
        facts=tuple(id for hop in chain.hops for id in hop.fact_ids),
        relation=last.relation.name,
        subject=_start(chain),
        variant=chain.variant,
    )


def _start(chain: _Chain) -> str:
    return chain.hops[0].subject
