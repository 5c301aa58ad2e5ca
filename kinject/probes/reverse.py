"""Reverse: from a value to an entity that has it now, as in "Which product is made of brushed titanium?".

Asks only for values that few entities share; to name any of these is right. Asks about no past day.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kinject.corpus import Corpus, questions
from kinject.grading.vocabulary import Vocabulary
from kinject.probes import _scoring
from kinject.probes._choosing import is_open, probe_id, spread
from kinject.probes._entities import EntityNames
from kinject.probes._phrasing import Unseen, asked, filled
from kinject.types import Estimate, Fact, Probe, Record, Relation

METRICS = (
    _scoring.ACCURACY_METRICS
    | _scoring.CALIBRATION_METRICS
    | {
        "accuracy_unique": "share of right answers where one entity alone has the value",
        "accuracy_shared": "the same where two or three share it, any of whom is right",
    }
)
# For a relation without questions from value to entity.
FRAMES = (
    "Which entry lists {object} as its {relation}?",
    "For which entry do the records give {object} under {relation}?",
    "{object} is on record as the {relation} of which entry?",
    "Name an entry whose {relation} is recorded as {object}.",
    "Look for {object} under {relation}: which entry has it?",
    "Which entry stands in the records with {object} as its {relation}?",
)
# For one whose name ends openly, as "compatible with" does.
OPEN_FRAMES = (
    "Which entry is on record as {relation} {object}?",
    "Name an entry that is known to be {relation} {object}.",
    "Look for whatever is {relation} {object}: which entry is it?",
    "There is an entry that is {relation} {object}; which one?",
    "Among all the entries, which is {relation} {object}?",
    "Tell me of any entry that is {relation} {object}.",
)
# For one of the values that a relation lists together.
LIST_FRAMES = (
    "Which entry has {object} among its {relation}?",
    "Name an entry that counts {object} among its {relation}.",
    "For which entry do the records give {object} among the {relation}?",
    "Look for {object} among all {relation}: which entry has it?",
    "There is an entry with {object} among its {relation}; which one?",
    "{object} is found among the {relation} of which entry?",
)
_MOST_HOLDERS = 3


@dataclass(frozen=True, slots=True)
class _Value:
    """A value as it is asked for, the facts of those that have it, and the wordings that ask for these."""

    text: str
    facts: tuple[Fact, ...]
    templates: tuple[str, ...]

    @property
    def holders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fact.subject for fact in self.facts))


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, evenly over relations; none for a corpus in which every value has many holders."""
    names = EntityNames(corpus)
    chosen = spread(list(_values(corpus)), n, rng, lambda one: one.facts[0].relation, lambda one: one.holders[0])
    return [_probe(one, rng.choice(one.templates), names, number) for number, one in enumerate(chosen)]


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    shared = {False: "accuracy_unique", True: "accuracy_shared"}
    by_holders = {
        name: _scoring.share([r for r in records if (len(r.probe.facts) > 1) == many], _scoring.is_right)
        for many, name in shared.items()
    }
    return _scoring.accuracy(records) | _scoring.calibration(records) | by_holders


def _values(corpus: Corpus) -> Iterator[_Value]:
    """Values that hold now, equal ones in whatever notation together, of few entities and of no two meanings."""
    facts: dict[str, list[Fact]] = {relation.name: [] for relation in corpus.relations}
    for fact in corpus.current().facts:
        facts[fact.relation].append(fact)
    unseen = Unseen(corpus)
    for relation in corpus.relations:
        vocabulary = Vocabulary(corpus, relation)
        groups: dict[str, list[tuple[str, Fact]]] = {}
        for fact in facts[relation.name]:
            for item in vocabulary.items(fact.object):
                groups.setdefault(vocabulary.keys(item)[0], []).append((item, fact))
        templates = unseen.of(_templates(relation, len(facts[relation.name]) < sum(map(len, groups.values()))))
        for key, found in groups.items():
            value = _Value(found[0][0], tuple(dict.fromkeys(fact for _, fact in found)), templates)
            ambiguous = vocabulary.values_of(key) != {key} or any(f.subject == f.object for f in value.facts)
            if templates and not ambiguous and len(value.holders) <= _MOST_HOLDERS:
                yield value


def _templates(relation: Relation, in_lists: bool) -> tuple[str, ...]:
    """`in_lists`: its facts name several values at once, of which one is asked for."""
    if in_lists:
        return filled(LIST_FRAMES, relation)
    return questions(relation, "inverse") or filled(OPEN_FRAMES if is_open(relation) else FRAMES, relation)


def _probe(one: _Value, template: str, names: EntityNames, number: int) -> Probe:
    question = asked(template, one.text)
    return Probe(
        id=probe_id("reverse", number, question),
        kind="reverse",
        question=question,
        gold=names.gold(one.holders),
        facts=tuple(fact.id for fact in one.facts),
        relation=one.facts[0].relation,
        subject=one.holders[0],
        variant="inverse",
    )
