"""The graph as typed, read-only tools; each returns plain lines for the model and the facts behind them.

An unknown name, an ambiguous one, a day that cannot be read and an empty result are answers that the agent sees.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from langchain_core.tools import BaseTool

from kinject.systems.kg import aggregate as aggregation
from kinject.systems.kg import calculator
from kinject.systems.kg.aggregate import Extreme, Function
from kinject.systems.kg.calculator import CalculationError
from kinject.systems.kg.figures import Which, figure
from kinject.systems.kg.further import further
from kinject.systems.kg.graph import Graph, line
from kinject.systems.kg.reading import (
    MAX_CANDIDATES,
    MAX_LINES,
    day_of,
    echo,
    entity_named,
    fact_of,
    not_known,
    told,
    unknown,
    with_value,
)
from kinject.systems.kg.schema import Refusal, RelationName, ToolResult, tool
from kinject.types import Fact

__all__ = ["MAX_CANDIDATES", "MAX_LINES", "Offer", "is_refusal", "make_tools"]

Offer = Literal["basic", "all"]

_REFUSALS = ("no ", "nothing ", "several entities match ", "cannot ")


def make_tools(graph: Graph, offer: Offer = "basic") -> list[BaseTool]:
    """Tools over one graph: the seven that mini was taught, byte for byte, or those and what goes further.

    `relation` is an enum of the graph's relations in the JSON schema.
    """
    basic = [*_look_ups(graph), *_figures(graph)]
    if offer == "basic":
        return basic
    more = {one.name: one for one in further(graph)}
    return [more.pop(one.name, one) for one in basic] + list(more.values())


def is_refusal(result: str) -> bool:
    """Whether a result says that there is nothing, or that the call was not understood."""
    return " | " not in result and result.startswith(_REFUSALS)


def _look_ups(graph: Graph) -> list[BaseTool]:
    def get_fact(entity: str, relation: RelationName, on: str = "") -> ToolResult:
        """Value of a relation."""
        name, day = entity_named(graph, entity), day_of(on)
        return told(graph.facts(name, relation, day), not_known(relation, f"for {name}", on))

    def find_by_value(relation: RelationName, value: str, on: str = "") -> ToolResult:
        """Entities with a value."""
        day = day_of(on)
        facts = with_value(graph, relation, value, day) or _its_own(graph, relation, value, day)
        return told(facts, f"nothing has {relation} {echo(value)}")

    def find_entities(name: str) -> ToolResult:
        """Entities by name."""
        meant = graph.names.resolve(name)
        names = meant.candidates[:MAX_CANDIDATES] or ((meant.found,) if meant.found else ())
        return "; ".join(names) or unknown(name), ()

    def neighbours(entity: str) -> ToolResult:
        """All facts of an entity."""
        name = entity_named(graph, entity)
        return told(graph.around(name), f"nothing known about {name}")

    return [tool(one, tuple(graph.relations)) for one in (get_fact, find_by_value, find_entities, neighbours)]


def _figures(graph: Graph) -> list[BaseTool]:
    def aggregate(
        function: Function, relation: RelationName, where: RelationName | None = None, value: str = "", on: str = ""
    ) -> ToolResult:
        """Count, extreme, total or mean."""
        return figure(graph, function, Which(relation, where, value, on))

    def compare(function: Extreme, relation: RelationName, first: str, second: str, on: str = "") -> ToolResult:
        """Which of two entities has more or less."""
        names = [entity_named(graph, name) for name in (first, second)]
        one, two = (fact_of(graph, name, relation, on) for name in names)
        found = aggregation.compare(function, graph.relations[relation], one, two)
        return "\n".join((*map(line, found.facts), *(["equal"] if found.equal else []))), found.facts

    def calculate(expression: str) -> ToolResult:
        """Arithmetic."""
        try:
            return f"{echo(expression)} = {calculator.evaluate(expression)}", ()
        except CalculationError as error:
            raise Refusal(f"cannot calculate {echo(expression)}".rstrip() + f": {error}") from error

    return [tool(one, tuple(graph.relations)) for one in (aggregate, compare, calculate)]


def _its_own(graph: Graph, relation: str, name: str, day: date | None) -> Sequence[Fact]:
    """The facts of an entity that was given as a value: the question was which value it has.

    Where it points to others of its own sort both questions make sense, and that nothing was found stands.
    """
    meant = graph.names.resolve(name, partial=False)
    return graph.facts(meant.found, relation, day) if meant.found and not graph.goes_both_ways(relation) else ()
