"""What has changed between two states of a corpus, the questions that tell, and the shares that they give.

Questions are in test phrasings only. An old value counts as stale whether or not the corpus still holds it as past.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kinject import stats
from kinject.corpus import Corpus
from kinject.grading import Grader
from kinject.probes import recall
from kinject.types import Estimate, Outcome, Probe, Record

CHANGED, UNCHANGED = "changed", "unchanged"
METRICS = {
    "stale": "share of questions about changed facts that are answered with a value that held before",
    "right": "share of them answered as it is now: with the new value, or by abstaining where a fact has ended",
    "other": "share of them answered otherwise, or not at all",
    "unchanged_right": "share of questions about facts that did not change that are answered rightly",
}

Pair = tuple[str, str]


def changed(before: Corpus, after: Corpus) -> tuple[Pair, ...]:
    """The (subject, relation) pairs whose values now are not those that they were."""
    old, new = _values(before), _values(after)
    return tuple(pair for pair in {**old, **new} if old.get(pair) != new.get(pair))


def probes(before: Corpus, after: Corpus, n: int, rng: random.Random) -> list[Probe]:
    """Up to n questions about changed facts and up to n about unchanged ones, each as of now."""
    pairs = set(changed(before, after))
    ended = {pair for pair in pairs - _values(after).keys() if pair[1] in _names(after)}
    asked = recall.make(_only(after, pairs), n, rng)
    # What has ended is asked for in the words of what it was, and nothing is the answer.
    gone = [replace(probe, gold=(), facts=()) for probe in recall.make(_only(before, ended), n, rng)]
    told = [*asked, *gone]
    told = told if len(told) <= n else rng.sample(told, n)
    same = recall.make(_only(after, _values(after).keys() - pairs), n, rng)
    return [
        replace(probe, id=f"{variant}-{number:04d}-{probe.id.rpartition('-')[2]}", variant=variant)
        for variant, made in ((CHANGED, told), (UNCHANGED, same))
        for number, probe in enumerate(made)
    ]


def grader(before: Corpus, after: Corpus) -> Grader:
    """Grades by what holds after, and knows every value that held before, even where `after` has forgotten it."""
    known = {(fact.subject, fact.relation, fact.object) for fact in after.facts}
    page = after.documents[0].id
    forgotten = tuple(
        replace(fact, id=f"before/{fact.id}", document_id=page)
        for fact in before.facts
        if (fact.subject, fact.relation, fact.object) not in known and fact.relation in _names(after)
    )
    return Grader(replace(after, facts=(*after.facts, *forgotten)))


def shares(records: Sequence[Record]) -> dict[str, Estimate]:
    """METRICS of one system at one time, by entity."""
    about = [record for record in records if record.probe.variant == CHANGED]
    kept = [record for record in records if record.probe.variant == UNCHANGED]
    kinds = {
        "stale": [record.verdicts[0].error == "stale" for record in about],
        "right": [is_right(record) for record in about],
    }
    kinds["other"] = [not (stale or right) for stale, right in zip(*kinds.values(), strict=True)]
    found = {name: stats.clustered_rate(list(map(float, holds)), _subjects(about)) for name, holds in kinds.items()}
    return found | {"unchanged_right": stats.clustered_rate([float(is_right(r)) for r in kept], _subjects(kept))}


def damage(before: Sequence[Record], after: Sequence[Record]) -> Estimate:
    """How much less is answered rightly of what did not change, on the same questions: above 0 the update did harm."""
    then: Mapping[str, Record] = {record.probe.id: record for record in before}
    kept = [record for record in after if record.probe.variant == UNCHANGED and record.probe.id in then]
    was = [float(is_right(then[record.probe.id])) for record in kept]
    return stats.paired_difference(was, [float(is_right(record)) for record in kept], _subjects(kept))


def is_right(record: Record) -> bool:
    wanted = Outcome.CORRECT if record.probe.gold else Outcome.NOT_ATTEMPTED
    return record.verdicts[0].outcome is wanted


def _values(corpus: Corpus) -> dict[Pair, frozenset[str]]:
    found: dict[Pair, set[str]] = {}
    for fact in corpus.current().facts:
        found.setdefault((fact.subject, fact.relation), set()).add(fact.object)
    return {pair: frozenset(values) for pair, values in found.items()}


def _only(corpus: Corpus, pairs: set[Pair]) -> Corpus:
    return replace(corpus, facts=tuple(f for f in corpus.facts if (f.subject, f.relation) in pairs))


def _names(corpus: Corpus) -> set[str]:
    return {relation.name for relation in corpus.relations}


def _subjects(records: Sequence[Record]) -> list[str]:
    return [record.probe.subject for record in records]
