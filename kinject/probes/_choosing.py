"""What probe families share when they choose what to ask. Knows no family by name."""

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TypeVar

from kinject.corpus import Corpus, questions
from kinject.grading import same_words
from kinject.types import Fact, Relation

T = TypeVar("T")
_OPEN_ENDINGS = (" of", " with", " by", " in", " to", " for", " from", " at")


@dataclass(frozen=True, slots=True)
class Askable:
    """A subject's values of one relation that hold now: the facts in the corpus's order."""

    subject: str
    relation: Relation
    facts: tuple[Fact, ...]

    @property
    def gold(self) -> tuple[str, ...]:
        """Every value and alias, once."""
        return tuple(dict.fromkeys(value for fact in self.facts for value in (fact.object, *fact.aliases)))

    @property
    def fact_ids(self) -> tuple[str, ...]:
        return tuple(fact.id for fact in self.facts)


def askable(corpus: Corpus) -> list[Askable]:
    """All that can be asked about now in a phrasing that is never trained on."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in corpus.current().facts:
        groups.setdefault((fact.subject, fact.relation), []).append(fact)
    asked = {relation.name for relation in corpus.relations if questions(relation, "test")}
    return [
        Askable(subject, corpus.relation(name), tuple(facts))
        for (subject, name), facts in groups.items()
        if name in asked
    ]


def unshared_names(name: str, rivals: Iterable[str], other_names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The name and its aliases, less those of a rival: a surname that two presidents share answers nothing."""
    others = set(rivals) - {name}
    shared = {same_words(one) for rival in others for one in (rival, *other_names.get(rival, ()))}
    return name, *(alias for alias in other_names.get(name, ()) if same_words(alias) not in shared)


def is_open(relation: Relation) -> bool:
    """Does its name wait for an object, as "compatible with" does? Nothing has such a one."""
    return relation.name.endswith(_OPEN_ENDINGS)


def spread(
    candidates: Sequence[T], n: int, rng: random.Random, stratum: Callable[[T], str], entity: Callable[[T], str]
) -> list[T]:
    """At most n candidates, the strata in turn and in each the entity that was chosen least so far."""
    queues: dict[str, list[tuple[int, int]]] = {}
    order = rng.sample(range(len(candidates)), len(candidates))
    for rank, index in enumerate(order):
        queues.setdefault(stratum(candidates[index]), []).append((0, rank))
    for queue in queues.values():
        heapify(queue)
    used: dict[str, int] = {}
    chosen: list[T] = []
    waiting = [queues[name] for name in sorted(queues)]
    while len(chosen) < n and waiting:
        for queue in waiting[: n - len(chosen)]:
            candidate = candidates[order[_least_used(queue, lambda rank: used.get(entity(candidates[order[rank]]), 0))]]
            used[entity(candidate)] = used.get(entity(candidate), 0) + 1
            chosen.append(candidate)
        waiting = [queue for queue in waiting if queue]
    return chosen


def probe_id(kind: str, number: int, question: str, variant: str = "") -> str:
    """The same for the same question at the same place; variants of one question differ in their ending."""
    digest = hashlib.sha256(question.encode()).hexdigest()[:8]
    return "-".join(filter(None, (kind, f"{number:04d}", digest, variant)))


def _least_used(queue: list[tuple[int, int]], uses: Callable[[int], int]) -> int:
    """Take the rank whose entity was used least; counts grow only, so an outdated one is put back."""
    while True:
        known, rank = heappop(queue)
        now = uses(rank)
        if now == known:
            return rank
        heappush(queue, (now, rank))
