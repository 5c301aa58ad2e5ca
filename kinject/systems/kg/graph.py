"""Facts as a temporal multigraph: nodes are entities and values, each edge is a fact with the range on which it holds.

It answers look-ups and renders facts as lines; it knows nothing of tools, agents or models.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import networkx as nx

from kinject.corpus import Corpus, format_day
from kinject.systems._names import NameIndex, Resolution, fold
from kinject.systems.kg.claimed import ClaimedFacts, LookUps, fact_of
from kinject.systems.kg.columns import Columns
from kinject.systems.kg.network import Network
from kinject.systems.kg.values import keys
from kinject.types import Claim, Fact

COMPACT_ABOVE = 200_000


@dataclass(frozen=True, slots=True)
class Found:
    """Facts that match a look-up, or, where a name was not understood, what it could mean."""

    facts: tuple[Fact, ...] = ()
    candidates: tuple[str, ...] = ()


class Graph:
    """A corpus's facts by name, by value, by relation and by what they connect.

    graph = Graph(corpus)
    graph.facts("Abraham Lincoln", "office", date(1861, 7, 1))

    A day of None means now: the corpus's day, or, without one, every fact that has no end. With more than
    `compact_above` facts no networkx graph is kept: `neighbourhood` makes one of what is around some entities.
    """

    def __init__(self, corpus: Corpus, compact_above: int = COMPACT_ABOVE) -> None:
        self.day = corpus.day
        self.relations = {relation.name: relation for relation in corpus.relations}
        self.compact = len(corpus.facts) > compact_above
        self._index: LookUps = (Columns if self.compact else Network)(corpus.facts, self.relations)
        self._values: dict[str, NameIndex] = {}
        self._both_ways = _both_ways(corpus)
        pointing = [fact for fact in corpus.facts if self.relations[fact.relation].kind == "entity"]
        names = dict.fromkeys((*(fact.subject for fact in corpus.facts), *(fact.object for fact in pointing)))
        self.names = NameIndex(names, ((alias, fact.object) for fact in pointing for alias in fact.aliases))

    def with_claim(self, claim: Claim) -> "Graph":
        """The same graph that also holds the claim as an edge; an entity that has no other facts is no name here."""
        claimed = Graph.__new__(Graph)
        claimed.__dict__.update(self.__dict__)
        claimed._index = ClaimedFacts(self._index, fact_of(claim), self.relations[claim.relation])
        claimed._values = {name: values for name, values in self._values.items() if name != claim.relation}
        return claimed

    def holds(self, fact: Fact, day: date | None) -> bool:
        on = day or self.day
        return fact.valid_to is None if on is None else fact.holds_on(on)

    def facts(self, entity: str, relation: str, day: date | None = None) -> tuple[Fact, ...]:
        """The facts of an entity, by its exact name, that hold on a day."""
        return tuple(f for f in self._index.of_subject(entity, relation) if self.holds(f, day))

    def history(self, entity: str, relation: str) -> tuple[Fact, ...]:
        """The facts of an entity, by its exact name, whenever they held."""
        return tuple(self._index.of_subject(entity, relation))

    def of_relation(self, relation: str, day: date | None = None) -> tuple[Fact, ...]:
        """The facts of a relation that hold on a day, in the order of the corpus."""
        return tuple(f for f in self._index.of_relation(relation) if self.holds(f, day))

    def with_value(self, relation: str, value: str, day: date | None = None) -> Found:
        """The facts that give a relation this value on a day; the value may be an entity's name or misspelt.

        No value, or one that only repeats the relation ("president" of "president of"), is any value.
        """
        if f" {fold(value)} " in f"  {fold(relation)} ":
            facts = self._index.of_relation(relation)
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
        touching = self._index.touching(entity)
        now = [fact for fact in touching if self.holds(fact, None)]
        past = [fact for fact in touching if not self.holds(fact, None)]
        return (*now, *sorted(past, key=lambda fact: fact.valid_to or date.max, reverse=True))

    def neighbourhood(self, entity: str, hops: int, most_facts: int = 20_000) -> "nx.MultiDiGraph[str]":
        """The entities that so many facts lead to, either way, on which now holds; an edge's `fact` is its fact.

        It ends early, with what is nearest, at `most_facts`.
        """
        view: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        view.add_node(entity)
        edge: Sequence[str] = [entity]
        for _ in range(hops):
            reached: dict[str, None] = {}
            for name in edge:
                for fact in self._links(name):
                    reached |= {end: None for end in (fact.subject, fact.object) if end not in view}
                    view.add_edge(fact.subject, fact.object, key=fact.id, fact=fact)
                if view.number_of_edges() >= most_facts:
                    return view
            edge = list(reached)
        return view

    def _links(self, entity: str) -> Iterable[Fact]:
        points = (f for f in self._index.touching(entity) if self.relations[f.relation].kind == "entity")
        return (fact for fact in points if self.holds(fact, None))

    def _equal(self, relation: str, value: str) -> list[Fact]:
        matches = [self._index.with_key(relation, key) for key in sorted(keys(value, self.relations[relation]))]
        return list({fact.id: fact for match in matches for fact in match}.values())

    def _resolve_value(self, relation: str, value: str) -> Resolution:
        if self.relations[relation].kind == "entity":
            return self.names.resolve(value)
        if relation not in self._values:
            self._values[relation] = NameIndex(f.object for f in self._index.of_relation(relation))
        return self._values[relation].resolve(value, partial=False)


def _both_ways(corpus: Corpus) -> set[str]:
    """Relations of which a subject and an object have facts of a common relation: they are of one sort."""
    had: dict[str, set[str]] = defaultdict(set)
    folded = {name: fold(name) for name in {name for fact in corpus.facts for name in (fact.subject, fact.object)}}
    for fact in corpus.facts:
        had[folded[fact.subject]].add(fact.relation)
    of_subjects: dict[str, set[str]] = defaultdict(set)
    of_objects: dict[str, set[str]] = defaultdict(set)
    for fact in corpus.facts:
        of_subjects[fact.relation] |= had[folded[fact.subject]]
        of_objects[fact.relation] |= had.get(folded[fact.object], set())
    return {relation for relation, found in of_objects.items() if found & of_subjects[relation]}


def lines(facts: Iterable[Fact]) -> tuple[str, ...]:
    """One line a fact, each once: "Vantor 300 | price | 89 EUR | 3 May 2024 to now"."""
    return tuple(dict.fromkeys(line(fact) for fact in facts))


def line(fact: Fact) -> str:
    start = format_day(fact.valid_from) if fact.valid_from else "unknown"
    end = format_day(fact.valid_to) if fact.valid_to else "now"
    dated = fact.valid_from or fact.valid_to
    return f"{fact.subject} | {fact.relation} | {fact.object}" + (f" | {start} to {end}" if dated else "")
