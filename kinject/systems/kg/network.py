"""Every fact as an edge of one networkx graph, with dictionaries for look-ups: over a kilobyte a fact.

It knows nothing of days, spellings or tools.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import networkx as nx

from kinject.systems.kg.values import keys_of
from kinject.types import Fact, Relation


class Node(NamedTuple):
    kind: Literal["entity", "value"]
    name: str


class Network:
    """Facts come in the order of the corpus, whichever way they are found."""

    def __init__(self, facts: Sequence[Fact], relations: Mapping[str, Relation]) -> None:
        self.network: nx.MultiDiGraph[Node] = nx.MultiDiGraph()
        self._facts: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        self._of_relation: dict[str, list[Fact]] = defaultdict(list)
        self._with_key: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for fact in facts:
            relation = relations[fact.relation]
            target = Node("entity" if relation.kind == "entity" else "value", fact.object)
            self.network.add_edge(Node("entity", fact.subject), target, key=fact.id, fact=fact)
            self._facts[fact.subject, fact.relation].append(fact)
            self._of_relation[fact.relation].append(fact)
            for key in keys_of(fact, relation):
                self._with_key[fact.relation, key].append(fact)

    def of_subject(self, entity: str, relation: str) -> Sequence[Fact]:
        return self._facts.get((entity, relation), ())

    def of_relation(self, relation: str) -> Sequence[Fact]:
        return self._of_relation.get(relation, ())

    def with_key(self, relation: str, key: str) -> Sequence[Fact]:
        return self._with_key.get((relation, key), ())

    def touching(self, entity: str) -> Sequence[Fact]:
        """The facts from an entity, by what they point to, and then those that point to it, by where they come from."""
        node = Node("entity", entity)
        if node not in self.network:
            return ()
        edges = [*self.network.out_edges(node, data="fact"), *self.network.in_edges(node, data="fact")]
        return list({fact.id: fact for _, _, fact in edges}.values())
