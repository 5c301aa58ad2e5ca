"""The look-ups of a graph with one fact more, which somebody wrote: it comes last wherever it is found.

Builds nothing and changes nothing of the graph.
"""

from collections.abc import Sequence
from typing import Protocol

from kinject.systems.kg.values import keys_of
from kinject.types import CLAIM_ID, Claim, Fact, Relation


class LookUps(Protocol):
    """Facts by what they are about, in the order of the corpus."""

    def of_subject(self, entity: str, relation: str) -> Sequence[Fact]: ...

    def of_relation(self, relation: str) -> Sequence[Fact]: ...

    def with_key(self, relation: str, key: str) -> Sequence[Fact]: ...

    def touching(self, entity: str) -> Sequence[Fact]: ...


class ClaimedFacts:
    def __init__(self, others: LookUps, claimed: Fact, relation: Relation) -> None:
        self._others, self._claimed = others, claimed
        self._keys = keys_of(claimed, relation)
        self._ends = {claimed.subject, *((claimed.object,) if relation.kind == "entity" else ())}

    def of_subject(self, entity: str, relation: str) -> Sequence[Fact]:
        found = self._others.of_subject(entity, relation)
        return self._with(found, (entity, relation) == (self._claimed.subject, self._claimed.relation))

    def of_relation(self, relation: str) -> Sequence[Fact]:
        return self._with(self._others.of_relation(relation), relation == self._claimed.relation)

    def with_key(self, relation: str, key: str) -> Sequence[Fact]:
        found = self._others.with_key(relation, key)
        return self._with(found, relation == self._claimed.relation and key in self._keys)

    def touching(self, entity: str) -> Sequence[Fact]:
        return self._with(self._others.touching(entity), entity in self._ends)

    def _with(self, found: Sequence[Fact], fits: bool) -> Sequence[Fact]:
        return (*found, self._claimed) if fits else found


def fact_of(claim: Claim) -> Fact:
    """It holds on every day, and its source is the claim."""
    return Fact(CLAIM_ID, claim.subject, claim.relation, claim.object, CLAIM_ID)
