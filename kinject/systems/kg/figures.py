"""Which facts a figure is taken over, and the figure as a result: shared by the aggregates of both offers of tools."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kinject.systems.kg import aggregate as aggregation
from kinject.systems.kg.aggregate import Extreme, Function
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.reading import MAX_LINES, day_of, echo, matching, not_known, told
from kinject.systems.kg.schema import Refusal, ToolResult
from kinject.types import Fact


@dataclass(frozen=True, slots=True)
class Which:
    """Facts of a relation on a day: all of them, or those of what has a value of `where`, or of the relation itself."""

    relation: str
    where: str | None = None
    value: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """`filters` are the facts by which the others were chosen."""

    facts: tuple[Fact, ...]
    filters: tuple[Fact, ...] = ()

    def behind(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Some of the facts, and then those of the filter's on which they rest."""
        subjects = {fact.subject for fact in facts}
        return (*facts, *(fact for fact in self.filters if fact.subject in subjects))


def figure(graph: Graph, function: Function, which: Which) -> ToolResult:
    chosen = _choose(graph, which)
    found = aggregation.aggregate(function, graph.relations[which.relation], chosen.facts)
    text = found.line or told(found.facts, "")[0]
    return text + _without(found.left_out), chosen.behind(found.facts)


def highest(graph: Graph, function: Extreme, which: Which, most: int) -> ToolResult:
    """The facts with the `most` highest or lowest values, in that order."""
    chosen = _choose(graph, which)
    found = aggregation.top(function, graph.relations[which.relation], chosen.facts, most)
    return told(found.facts, "")[0] + _without(found.left_out), chosen.behind(found.facts)


def by_group(graph: Graph, function: Function, which: Which, by: str, most: int) -> ToolResult:
    """A figure for every value of the relation `by`, the highest first, or the lowest where the lowest is asked for."""
    chosen, day = _choose(graph, which), day_of(which.on)
    members: dict[str, list[Fact]] = {}
    bases = _by_subject(graph, by, day)
    for fact in chosen.facts:
        for base in bases.get(fact.subject, ()):
            members.setdefault(base.object, []).append(fact)
    if not members:
        raise Refusal(not_known(by, f"for what has a {which.relation}", which.on))
    groups = aggregation.by_group(function, graph.relations[which.relation], members)[: most or None]
    shown = [f"{function} | {which.relation} | {by} {one.name} | {one.figure}" for one in groups[:MAX_LINES]]
    more = [f"and {len(groups) - MAX_LINES} more"] if len(groups) > MAX_LINES else []
    names = {one.name for one in groups}
    facts = list({fact.id: fact for one in groups for fact in one.facts}.values())
    grouping = [base for fact in facts for base in bases.get(fact.subject, ()) if base.object in names]
    return "\n".join((*shown, *more)), (*chosen.behind(facts), *grouping)


def _choose(graph: Graph, which: Which) -> _Chosen:
    day, known = day_of(which.on), ""
    if which.where or which.value.strip():
        with_value = which.where or which.relation
        chosen = _having(graph, which.relation, matching(graph, with_value, which.value, day), day)
        known = f"where {with_value} is {echo(which.value) or 'known'}"
    else:
        chosen = _Chosen(graph.of_relation(which.relation, day))
    if not chosen.facts:
        raise Refusal(not_known(which.relation, known, which.on))
    return chosen


def _having(graph: Graph, relation: str, filters: tuple[Fact, ...], day: date | None) -> _Chosen:
    """The facts of a relation whose subjects have those of the filter; or these, where they are of the relation."""
    if filters[0].relation == relation:
        return _Chosen(filters)
    subjects = {fact.subject for fact in filters}
    return _Chosen(tuple(fact for fact in graph.of_relation(relation, day) if fact.subject in subjects), filters)


def _by_subject(graph: Graph, relation: str, day: date | None) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in graph.of_relation(relation, day):
        found.setdefault(fact.subject, []).append(fact)
    return found


def _without(left_out: int) -> str:
    return f"\nleft out: {left_out} without a number" if left_out else ""
