"""What mini was not taught: facts of a range of days, paths, the first n, groups.

An `aggregate` of its own takes the place of the plain one.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import networkx as nx
from langchain_core.tools import BaseTool

from kinject.systems.kg.aggregate import Function
from kinject.systems.kg.figures import Which, by_group, figure, highest
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.reading import day_of, echo, entity_named, not_known, told, with_value
from kinject.systems.kg.schema import INVERSE, Refusal, RelationName, Step, ToolResult, tool
from kinject.types import Fact

MAX_HOPS = 3
MAX_ENDS = 100  # entities from which a path is followed on


def further(graph: Graph) -> list[BaseTool]:
    def aggregate(
        function: Function,
        relation: RelationName,
        where: RelationName | None = None,
        value: str = "",
        on: str = "",
        top: int = 0,
        by: RelationName | None = None,
    ) -> ToolResult:
        """Count, extreme, total or mean; of each group that shares a value of `by`; the `top` first only."""
        which = Which(relation, where, value, on)
        if top < 0:
            raise Refusal(f"cannot tell the first {top}")
        if by:
            return by_group(graph, function, which, by, top)
        if top and (function == "max" or function == "min"):
            return highest(graph, function, which, top)
        return figure(graph, function, which)

    def facts_between(entity: str, relation: RelationName, start: str, end: str) -> ToolResult:
        """Values of a relation at any time from the day start until before the day end; a year is a whole one."""
        name, (first, after) = entity_named(graph, entity), _range(start, end)
        facts = [fact for fact in graph.history(name, relation) if _overlaps(fact, first, after)]
        return told(facts, f"no {relation} known for {name} from {echo(start)} to {echo(end)}")

    def path(entity: str, relations: list[Step]) -> ToolResult:
        """Follow relations one after the other from an entity."""
        return told(_walk(graph, entity_named(graph, entity), relations), "")

    def paths(first: str, second: str) -> ToolResult:
        """The shortest way from one entity to another over at most three facts."""
        one, two = (entity_named(graph, name) for name in (first, second))
        return told(_between(graph, one, two), f"nothing connects {one} and {two} within {MAX_HOPS} facts")

    return [tool(one, tuple(graph.relations)) for one in (aggregate, facts_between, path, paths)]


def _walk(graph: Graph, entity: str, steps: Sequence[str]) -> list[Fact]:
    if not steps:
        raise Refusal("cannot follow no relation")
    ends, walked = [entity], list[Fact]()
    for step in steps:
        facts = [fact for end in ends[:MAX_ENDS] for fact in _follow(graph, end, step)]
        if not facts:
            raise Refusal(not_known(step, f"for {'; '.join(ends[:3])}", ""))
        walked += facts
        ends = list(dict.fromkeys(f.subject if step.startswith(INVERSE) else f.object for f in facts))
    return walked


def _range(start: str, end: str) -> tuple[date, date]:
    first, after = day_of(start), day_of(end)
    if first is None or after is None:
        raise Refusal("cannot read a range without a start and an end")
    if _is_year(start):
        first = date(first.year, 1, 1)
    if _is_year(end):
        after = date(after.year, 12, 31) + timedelta(1) if after.year < date.max.year else date.max
    if first >= after:
        raise Refusal(f"cannot use a range from {echo(start)} to {echo(end)}: it is empty")
    return first, after


def _is_year(text: str) -> bool:
    return text.strip().isdecimal()


def _overlaps(fact: Fact, first: date, after: date) -> bool:
    return (fact.valid_from is None or fact.valid_from < after) and (fact.valid_to is None or first < fact.valid_to)


def _follow(graph: Graph, end: str, step: str) -> list[Fact]:
    """Facts of an entity, whatever way it is written; or those that have it as their value."""
    if step.startswith(INVERSE):
        return list(with_value(graph, step.removeprefix(INVERSE), end, None))
    name = graph.names.resolve(end, partial=False).found
    return list(graph.facts(name, step)) if name else []


def _between(graph: Graph, one: str, two: str) -> list[Fact]:
    """The facts of a shortest path; the first of several facts between the same two."""
    view = graph.neighbourhood(one, MAX_HOPS).to_undirected(as_view=True)
    if two not in view or one == two:
        return []
    nodes = nx.shortest_path(view, one, two)
    between = [view.get_edge_data(here, there) for here, there in pairwise(nodes)]
    return [next(iter(edges.values()))["fact"] for edges in between]
