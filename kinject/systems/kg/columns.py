"""The same look-ups as `Network` for millions of facts: sorted columns of hashes and places, some 50 bytes a fact.

The facts themselves stay where they are, in the corpus. It knows nothing of days, spellings or tools.
"""

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kinject.systems.kg.values import keys_of
from kinject.types import Fact, Relation


class Columns:
    """Facts come in the order of the corpus, whichever way they are found.

    A name or value is found by its 64-bit hash. Names are compared besides; that two values of a million share a
    hash has a chance of one in tens of millions.
    """

    def __init__(self, facts: Sequence[Fact], relations: Mapping[str, Relation]) -> None:
        self._facts = facts
        self._entities = frozenset(name for name, relation in relations.items() if relation.kind == "entity")
        self._by_subject = _Column((fact.subject, n) for n, fact in enumerate(facts))
        self._by_relation = _Column((fact.relation, n) for n, fact in enumerate(facts))
        self._by_object = _Column((fact.object, n) for n, fact in enumerate(facts) if fact.relation in self._entities)
        self._by_key = _Column(
            ((fact.relation, key), n) for n, fact in enumerate(facts) for key in keys_of(fact, relations[fact.relation])
        )

    def of_subject(self, entity: str, relation: str) -> Sequence[Fact]:
        return [fact for fact in self._from(entity) if fact.relation == relation]

    def of_relation(self, relation: str) -> Sequence[Fact]:
        return [fact for fact in self._at(self._by_relation, relation) if fact.relation == relation]

    def with_key(self, relation: str, key: str) -> Sequence[Fact]:
        return list(self._at(self._by_key, (relation, key)))

    def touching(self, entity: str) -> Sequence[Fact]:
        """The facts from an entity, by what they point to, and then those that point to it, by where they come from."""
        there = _grouped(self._from(entity), lambda fact: (fact.relation in self._entities, fact.object))
        back = _grouped(
            (fact for fact in self._at(self._by_object, entity) if fact.object == entity), lambda fact: fact.subject
        )
        return list({fact.id: fact for fact in (*there, *back)}.values())

    def _from(self, entity: str) -> Iterator[Fact]:
        return (fact for fact in self._at(self._by_subject, entity) if fact.subject == entity)

    def _at(self, column: "_Column", key: Hashable) -> Iterator[Fact]:
        return (self._facts[place] for place in column.places(key))


class _Column:
    """Places by the hash of what stands there: twelve bytes an entry."""

    def __init__(self, entries: Iterable[tuple[Hashable, int]]) -> None:
        hashes, places = array("q"), array("i")
        for key, place in entries:
            hashes.append(hash(key))
            places.append(place)
        unsorted: NDArray[np.int64] = np.frombuffer(hashes, np.int64)
        # Stable, so that equal hashes keep the order of the facts.
        order = np.argsort(unsorted, kind="stable")
        self._hashes = unsorted[order]
        self._places: NDArray[np.int32] = np.frombuffer(places, np.int32)[order]

    def places(self, key: Hashable) -> list[int]:
        wanted = hash(key)
        first, last = (int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right"))
        found: list[int] = self._places[first:last].tolist()
        return found


def _grouped(facts: Iterable[Fact], by: Callable[[Fact], Hashable]) -> list[Fact]:
    """Facts of one group beside each other, the groups in the order of their first."""
    groups: dict[Hashable, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(by(fact), []).append(fact)
    return [fact for group in groups.values() for fact in group]
