"""The graph as typed, read-only tools; each returns plain lines for the model and the facts behind them.

An unknown name, an ambiguous one, a day that cannot be read and an empty result are answers that the agent sees.
"""

import functools
from collections.abc import Callable, Sequence
from datetime import date
from operator import getitem
from typing import Annotated, Any, Literal, ParamSpec

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import ValidationError, WithJsonSchema, create_model
from pydantic.v1 import ValidationError as ValidationErrorV1

from kinject.corpus import parse_day
from kinject.errors import CorpusError
from kinject.systems.kg import aggregate as aggregation
from kinject.systems.kg import calculator
from kinject.systems.kg.aggregate import AggregateError, Extreme, Function
from kinject.systems.kg.calculator import CalculationError
from kinject.systems.kg.graph import Graph, line, lines
from kinject.types import Fact

MAX_LINES = 12
MAX_CANDIDATES = 5
_MAX_ECHOED_CHARS = 80
_REFUSALS = ("no ", "nothing ", "several entities match ", "cannot ")

# Langchain's content and artifact: the text for the model, and the facts that it shows.
ToolResult = tuple[str, tuple[Fact, ...]]
P = ParamSpec("P")


class _Refusal(Exception):
    """A call without a result; the message is what the model reads."""


def make_tools(graph: Graph) -> list[BaseTool]:
    """The seven tools over one graph; `relation` is an enum of the graph's relations in the JSON schema."""
    names = tuple(graph.relations)
    # Where there is one, pydantic would write a constant, which mini's template does not list.
    listed = WithJsonSchema({"type": "string", "enum": list(names)})
    relation_name: Any = Annotated[getitem(Literal, names), listed]
    return [*_look_ups(graph, relation_name), *_figures(graph, relation_name)]


def is_refusal(result: str) -> bool:
    """Whether a result says that there is nothing, or that the call was not understood."""
    return " | " not in result and result.startswith(_REFUSALS)


def _look_ups(graph: Graph, relation_name: Any) -> list[BaseTool]:
    @_refusals_are_results
    def get_fact(entity: str, relation: str, on: str = "") -> ToolResult:
        """Value of a relation."""
        name, day = _entity(graph, entity), _day(on)
        return _lines(graph.facts(name, relation, day), _not_known(relation, f"for {name}", on))

    @_refusals_are_results
    def find_by_value(relation: str, value: str, on: str = "") -> ToolResult:
        """Entities with a value."""
        day = _day(on)
        facts = _with_value(graph, relation, value, day) or _its_own(graph, relation, value, day)
        return _lines(facts, f"nothing has {relation} {_echo(value)}")

    @_refusals_are_results
    def find_entities(name: str) -> ToolResult:
        """Entities by name."""
        meant = graph.names.resolve(name)
        names = meant.candidates[:MAX_CANDIDATES] or ((meant.found,) if meant.found else ())
        return "; ".join(names) or _unknown(name), ()

    @_refusals_are_results
    def neighbours(entity: str) -> ToolResult:
        """All facts of an entity."""
        name = _entity(graph, entity)
        return _lines(graph.around(name), f"nothing known about {name}")

    text, when = (str, ...), (str, "")
    return [
        _tool(get_fact, {"entity": text, "relation": (relation_name, ...), "on": when}),
        _tool(find_by_value, {"relation": (relation_name, ...), "value": text, "on": when}),
        _tool(find_entities, {"name": text}),
        _tool(neighbours, {"entity": text}),
    ]


def _figures(graph: Graph, relation_name: Any) -> list[BaseTool]:
    @_refusals_are_results
    def aggregate(
        function: Function, relation: str, where: str | None = None, value: str = "", on: str = ""
    ) -> ToolResult:
        """Count, extreme, total or mean."""
        day, which = _day(on), ""
        facts = graph.of_relation(relation, day)
        if where or value.strip():
            with_value = where or relation
            matching = _matching(graph, with_value, value, day)
            having = {fact.subject for fact in matching}
            facts = matching if with_value == relation else tuple(fact for fact in facts if fact.subject in having)
            which = f"where {with_value} is {_echo(value) or 'known'}"
        if not facts:
            raise _Refusal(_not_known(relation, which, on))
        found = aggregation.aggregate(function, graph.relations[relation], facts)
        text = found.line or _lines(found.facts, "")[0]
        without = f"\nleft out: {found.left_out} without a number" if found.left_out else ""
        return text + without, found.facts[:MAX_LINES]

    @_refusals_are_results
    def compare(function: Extreme, relation: str, first: str, second: str, on: str = "") -> ToolResult:
        """Which of two entities has more or less."""
        names = [_entity(graph, name) for name in (first, second)]
        one, two = (_fact(graph, name, relation, on) for name in names)
        found = aggregation.compare(function, graph.relations[relation], one, two)
        return "\n".join((*map(line, found.facts), *(["equal"] if found.equal else []))), found.facts

    @_refusals_are_results
    def calculate(expression: str) -> ToolResult:
        """Arithmetic."""
        try:
            return f"{_echo(expression)} = {calculator.evaluate(expression)}", ()
        except CalculationError as error:
            raise _Refusal(f"cannot calculate {_echo(expression)}".rstrip() + f": {error}") from error

    text, optional, kind = (str, ...), (str, ""), (relation_name, ...)
    having = {"where": (relation_name | None, None), "value": optional, "on": optional}
    return [
        _tool(aggregate, {"function": (Function, ...), "relation": kind, **having}),
        _tool(compare, {"function": (Extreme, ...), "relation": kind, "first": text, "second": text, "on": optional}),
        _tool(calculate, {"expression": text}),
    ]


def _tool(function: Callable[..., ToolResult], arguments: dict[str, Any]) -> BaseTool:
    return StructuredTool.from_function(
        function,
        args_schema=create_model(function.__name__, **arguments),
        response_format="content_and_artifact",
        # The grammar keeps to the schema; a model that is decoded without one may not.
        handle_validation_error=_what_does_not_fit,
    )


def _refusals_are_results(function: Callable[P, ToolResult]) -> Callable[P, ToolResult]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> ToolResult:
        try:
            return function(*args, **kwargs)
        except (_Refusal, AggregateError) as refusal:
            return str(refusal), ()

    return call


def _entity(graph: Graph, name: str) -> str:
    meant = graph.names.resolve(name)
    if not meant.found:
        raise _Refusal(_several(name, meant.candidates) if meant.candidates else _unknown(name))
    return meant.found


def _fact(graph: Graph, name: str, relation: str, on: str) -> Fact:
    """The fact of an entity on a day; what has several at once, as lists have, is no number anyway."""
    facts = graph.facts(name, relation, _day(on))
    if not facts:
        raise _Refusal(_not_known(relation, f"for {name}", on))
    return facts[0]


def _with_value(graph: Graph, relation: str, value: str, day: date | None) -> Sequence[Fact]:
    found = graph.with_value(relation, value, day)
    if found.candidates:
        raise _Refusal(_several(value, found.candidates))
    return found.facts


def _matching(graph: Graph, relation: str, value: str, day: date | None) -> tuple[Fact, ...]:
    """The facts with the value; no value is any."""
    found = tuple(_with_value(graph, relation, value, day))
    if not found:
        raise _Refusal(f"nothing has {relation} {_echo(value)}".rstrip())
    return found


def _its_own(graph: Graph, relation: str, name: str, day: date | None) -> Sequence[Fact]:
    """The facts of an entity that was given as a value: the question was which value it has.

    Where it points to others of its own sort both questions make sense, and that nothing was found stands.
    """
    meant = graph.names.resolve(name, partial=False)
    return graph.facts(meant.found, relation, day) if meant.found and not graph.goes_both_ways(relation) else ()


def _what_does_not_fit(error: ValidationError | ValidationErrorV1) -> str:
    first = error.errors()[0]
    return f"cannot use the argument {'.'.join(str(part) for part in first['loc'])}: {first['msg'].lower()}"


def _day(on: str) -> date | None:
    if not on.strip():
        return None
    try:
        return parse_day(on)
    except CorpusError as error:
        raise _Refusal(f"cannot read the date {_echo(on)}") from error


def _lines(facts: Sequence[Fact], otherwise: str) -> ToolResult:
    shown = lines(facts)
    more = (f"and {len(shown) - MAX_LINES} more",) if len(shown) > MAX_LINES else ()
    return "\n".join((*shown[:MAX_LINES], *more)) or otherwise, tuple(facts[:MAX_LINES])


def _not_known(relation: str, of: str, on: str) -> str:
    return " ".join(part for part in (f"no {relation} known", of, f"on {_echo(on)}" if on.strip() else "") if part)


def _several(name: str, candidates: Sequence[str]) -> str:
    return f"several entities match {_echo(name)}: {'; '.join(candidates[:MAX_CANDIDATES])}"


def _unknown(name: str) -> str:
    return f"no entity named {_echo(name)}"


def _echo(text: str) -> str:
    """What the model wrote, on one line, of bounded length and without the bar that marks a result."""
    return " ".join(text.replace("|", " ").split())[:_MAX_ECHOED_CHARS]
