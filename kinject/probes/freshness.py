"""Freshness: what holds now is asked for, where something else is documented to have held before.

Forward asks for the value of a subject that had another one; inverse for the subject, where another had the value
("Who is the president?"). Each is paired with the same question about what never changed, where there is such a thing.
What happens to a system when facts change after it was built is measured by `kinject update`.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Literal

from kinject.corpus import Corpus, questions
from kinject.grading.vocabulary import Vocabulary, spellings
from kinject.probes import _scoring
from kinject.probes._choosing import probe_id, spread, unshared_names
from kinject.types import Estimate, Fact, Probe, Record, Relation

Direction = Literal["forward", "inverse"]
FORWARD: Direction = "forward"
INVERSE: Direction = "inverse"
UNCHANGED = "unchanged"
METRICS = {
    "accuracy": "share of right answers to questions about what holds now and was otherwise before",
    "accuracy_forward": "the same of questions that ask for a value",
    "accuracy_inverse": "the same of questions that ask who has a value",
    "stale": "share of the answers to them that held before and do no longer",
    "attempt_rate": "share of them answered, rightly or not, instead of abstaining",
    "accuracy_unchanged": "share of right answers to the same questions about what never changed",
    "drop": "accuracy where nothing ever changed less accuracy where something did, paired",
}


@dataclass(frozen=True, slots=True)
class _History:
    """The facts that answer a question now, and those that did before: none where nothing changed."""

    relation: Relation
    direction: Direction
    now: tuple[Fact, ...]
    before: tuple[Fact, ...]

    @property
    def sort(self) -> tuple[str, Direction]:
        return self.relation.name, self.direction


def make(corpus: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """At most n probes, mostly in pairs; a corpus without superseded values gives none."""
    known = list(_histories(corpus))
    changed = [
        _spread([one for one in known if one.before and one.direction == way], rng) for way in (FORWARD, INVERSE)
    ]
    same: dict[tuple[str, Direction], list[_History]] = defaultdict(list)
    for one in _spread([one for one in known if not one.before], rng):
        same[one.sort].append(one)
    other_names, probes = spellings(corpus), list[Probe]()
    for one in filter(None, chain.from_iterable(zip_longest(*changed))):
        room = n - len(probes)
        if room < 1:
            break
        template = rng.choice(_templates(one.relation, one.direction))
        twin = same[one.sort].pop() if room > 1 and same[one.sort] else None
        probes += _pair(len(probes), one, twin, template, other_names)
    return probes


def summarize(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system's records."""
    changed = [record for record in records if record.probe.variant != UNCHANGED]
    same = [record for record in records if record.probe.variant == UNCHANGED]
    ways = {way: [record for record in changed if record.probe.variant == way] for way in (FORWARD, INVERSE)}
    return {
        "accuracy": _scoring.share(changed, _scoring.is_right),
        **{f"accuracy_{way}": _scoring.share(own, _scoring.is_right) for way, own in ways.items()},
        "stale": _scoring.errors(changed)["stale"],
        "attempt_rate": _scoring.share(changed, _scoring.is_attempted),
        "accuracy_unchanged": _scoring.share(same, _scoring.is_right),
        "drop": _scoring.drop(same, changed),
    }


def _histories(corpus: Corpus) -> Iterator[_History]:
    """All that can be asked about relations of which some value has ended."""
    current = {fact.id for fact in corpus.current().facts}
    ended = {fact.id for fact in corpus.facts if fact.valid_to and (corpus.day is None or fact.valid_to <= corpus.day)}
    dated = {fact.relation for fact in corpus.facts if fact.id in ended}
    for relation in (relation for relation in corpus.relations if relation.name in dated):
        vocabulary = Vocabulary(corpus, relation)
        of_subject: dict[str, dict[Fact, str]] = defaultdict(dict)
        of_value: dict[str, dict[Fact, str]] = defaultdict(dict)
        for fact in (fact for fact in corpus.facts if fact.relation == relation.name):
            value = " / ".join(vocabulary.keys(fact.object))
            of_subject[fact.subject][fact] = value
            of_value[value][fact] = fact.subject
        sides = ((FORWARD, of_subject), (INVERSE, of_value))
        for direction, groups in sides:
            for answers in groups.values() if _templates(relation, direction) else ():
                now = tuple(fact for fact in answers if fact.id in current)
                held = {answers[fact] for fact in now}
                others = [fact for fact, answer in answers.items() if answer not in held]
                before = tuple(fact for fact in others if fact.id in ended)
                # Several who share a value now have no one name, and what is only to come makes nothing stale.
                if now and (direction == FORWARD or len(held) == 1) and (before or not others):
                    yield _History(relation, direction, now, before)


def _templates(relation: Relation, direction: Direction) -> tuple[str, ...]:
    return questions(relation, "test" if direction == FORWARD else "inverse")


def _spread(histories: Sequence[_History], rng: random.Random) -> list[_History]:
    return spread(histories, len(histories), rng, lambda one: one.relation.name, lambda one: one.now[0].subject)


def _pair(
    number: int, one: _History, twin: _History | None, template: str, other_names: dict[str, tuple[str, ...]]
) -> list[Probe]:
    asked = _probe(one, number, template, one.direction, other_names)
    if twin is None:
        return [asked]
    same = _probe(twin, number + 1, template, UNCHANGED, other_names)
    return [replace(asked, pair=same.id), replace(same, pair=asked.id)]


def _probe(one: _History, number: int, template: str, variant: str, other_names: dict[str, tuple[str, ...]]) -> Probe:
    first = one.now[0]
    if one.direction == FORWARD:
        gold = tuple(value for fact in one.now for value in (fact.object, *fact.aliases))
    else:
        gold = unshared_names(first.subject, [fact.subject for fact in one.before], other_names)
    question = template.format(subject=first.subject, object=first.object)
    return Probe(
        id=probe_id("freshness", number, question),
        kind="freshness",
        question=question,
        gold=tuple(dict.fromkeys(gold)),
        facts=tuple(fact.id for fact in one.now),
        relation=one.relation.name,
        subject=first.subject,
        variant=variant,
    )
