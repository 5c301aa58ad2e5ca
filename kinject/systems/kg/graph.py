"""Facts as a temporal multigraph: nodes are entities and values, each edge is a fact with the range on which it holds.

It answers look-ups and renders facts as lines; it knows nothing of tools, agents or models.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import networkx as nx

from kinject.corpus import Corpus, format_day
from kinject.systems._names import NameIndex, Resolution, fold
from kinject.systems.kg.values import keys
from kinject.types import Fact


class Node(NamedTuple):
    kind: Literal["entity", "value"]
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """Facts that match a look-up, or, where a name was not understood, what it could mean."""

    facts: tuple[Fact, ...] = ()
    candidates: tuple[str, ...] = ()


class Graph:
    """A corpus as a networkx.MultiDiGraph (`network`) with indexes by name and by value.

    graph = Graph(corpus)
    graph.facts("Abraham Lincoln", "office", date(1861, 7, 1))

    A day of None means now: the corpus's day, or, without one, every fact that has no end.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.day = corpus.day
        self.relations = {relation.name: relation for relation in corpus.relations}
        self.network: nx.MultiDiGraph[Node] = nx.MultiDiGraph()
        self._facts: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        self._of_relation: dict[str, list[Fact]] = defaultdict(list)
        self._with_key: dict[tuple[str, str], dict[str, Fact]] = defaultdict(dict)
        self._values: dict[str, NameIndex] = {}
        self._both_ways = _both_ways(corpus)
        names = dict.fromkeys(corpus.entities())
        aliases: list[tuple[str, str]] = []
        for fact in corpus.facts:
            points = self.relations[fact.relation].kind == "entity"
            if points:
                names[fact.object] = None
                aliases += [(alias, fact.object) for alias in fact.aliases]
            self._add(fact, Node("entity" if points else "value", fact.object))
        self.names = NameIndex(names, aliases)

    def _add(self, fact: Fact, target: Node) -> None:
        self.network.add_edge(Node("entity", fact.subject), target, key=fact.id, fact=fact)
        self._facts[fact.subject, fact.relation].append(fact)
        self._of_relation[fact.relation].append(fact)
        for text in (fact.object, *fact.aliases):
            for key in keys(text, self.relations[fact.relation]):
                self._with_key[fact.relation, key][fact.id] = fact

    def holds(self, fact: Fact, day: date | None) -> bool:
        on = day or self.day
        return fact.valid_to is None if on is None else fact.holds_on(on)

    def facts(self, entity: str, relation: str, day: date | None = None) -> tuple[Fact, ...]:
        """The facts of an entity, by its exact name, that hold on a day."""
        return tuple(f for f in self._facts.get((entity, relation), ()) if self.holds(f, day))

    def of_relation(self, relation: str, day: date | None = None) -> tuple[Fact, ...]:
        """The facts of a relation that hold on a day, in the order of the corpus."""
        return tuple(f for f in self._of_relation.get(relation, ()) if self.holds(f, day))

    def with_value(self, relation: str, value: str, day: date | None = None) -> Found:
        """The facts that give a relation this value on a day; the value may be an entity's name or misspelt.

        No value, or one that only repeats the relation ("president" of "president of"), is any value.
        """
        if f" {fold(value)} " in f"  {fold(relation)} ":
            facts = self._of_relation.get(relation, [])
        else:
            facts = self._equal(relation, value)
        if not facts:
            meant = self._resolve_value(relation, value)
            facts = self._equal(relation, meant.found) if meant.found else []
            if meant.candidates:
                return Found(candidates=meant.candidates)
        return Found(tuple(f for f in facts if self.holds(f, day)))

    def goes_both_ways(self, relation: str) -> bool:
        """Whether what has such facts and what they point to are of one sort, as pupils and mentors are."""
        return relation in self._both_ways

    def around(self, entity: str) -> tuple[Fact, ...]:
        """Every fact from and to an entity: those that hold now first, then past ones, the latest first."""
        node = Node("entity", entity)
        if node not in self.network:
            return ()
        edges = [*self.network.out_edges(node, data="fact"), *self.network.in_edges(node, data="fact")]
        unique = {fact.id: fact for _, _, fact in edges}.values()
        now = [fact for fact in unique if self.holds(fact, None)]
        past = [fact for fact in unique if not self.holds(fact, None)]
        return (*now, *sorted(past, key=lambda fact: fact.valid_to or date.max, reverse=True))

    def _equal(self, relation: str, value: str) -> list[Fact]:
        matches = [self._with_key.get((relation, key), {}) for key in sorted(keys(value, self.relations[relation]))]
        return list({fact.id: fact for match in matches for fact in match.values()}.values())

    def _resolve_value(self, relation: str, value: str) -> Resolution:
        if self.relations[relation].kind == "entity":
            return self.names.resolve(value)
        if relation not in self._values:
            self._values[relation] = NameIndex(f.object for f in self._of_relation.get(relation, ()))
        return self._values[relation].resolve(value, partial=False)


def _both_ways(corpus: Corpus) -> set[str]:
    """Relations of which a subject and an object have facts of a common relation: they are of one sort."""
    had: dict[str, set[str]] = defaultdict(set)
    for fact in corpus.facts:
        had[fold(fact.subject)].add(fact.relation)
    of_subjects: dict[str, set[str]] = defaultdict(set)
    of_objects: dict[str, set[str]] = defaultdict(set)
    for fact in corpus.facts:
        of_subjects[fact.relation] |= had[fold(fact.subject)]
        of_objects[fact.relation] |= had.get(fold(fact.object), set())
    return {relation for relation, found in of_objects.items() if found & of_subjects[relation]}


def lines(facts: Iterable[Fact]) -> tuple[str, ...]:
    """One line a fact, each once: "Vantor 300 | price | 89 EUR | 3 May 2024 to now"."""
    return tuple(dict.fromkeys(line(fact) for fact in facts))


def line(fact: Fact) -> str:
    start = format_day(fact.valid_from) if fact.valid_from else "unknown"
    end = format_day(fact.valid_to) if fact.valid_to else "now"
    dated = fact.valid_from or fact.valid_to
    return f"{fact.subject} | {fact.relation} | {fact.object}" + (f" | {start} to {end}" if dated else "")
