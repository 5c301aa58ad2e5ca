"""Tools from the signatures of functions: names, types and defaults are written once.

`RelationName` and `Step` in a signature stand for the relations of one graph, which become an enum of the schema.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from operator import getitem
from types import GenericAlias
from typing import Annotated, Any, Literal, NewType, ParamSpec, get_type_hints

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import ValidationError, WithJsonSchema, create_model
from pydantic.v1 import ValidationError as ValidationErrorV1

from kinject.systems.kg.aggregate import AggregateError
from kinject.types import Fact

INVERSE = "inverse of "

RelationName = NewType("RelationName", str)
Step = NewType("Step", str)  # a relation, or "inverse of " and a relation

# Langchain's content and artifact: the text for the model, and the facts that it shows or rests on.
ToolResult = tuple[str, tuple[Fact, ...]]
P = ParamSpec("P")


class Refusal(Exception):
    """A call without a result; the message is what the model reads."""


def tool(function: Callable[P, ToolResult], relations: Sequence[str]) -> BaseTool:
    """The function as a tool of its name, arguments and docstring; a Refusal is a result like any other."""
    kinds = _kinds(relations)
    hints = get_type_hints(function)
    arguments: dict[str, Any] = {
        name: (kinds.get(hints[name], hints[name]), ... if one.default is one.empty else one.default)
        for name, one in inspect.signature(function).parameters.items()
    }
    return StructuredTool.from_function(
        _refusals_are_results(function),
        args_schema=create_model(function.__name__, **arguments),
        response_format="content_and_artifact",
        # The grammar keeps to the schema; a model that is decoded without one may not.
        handle_validation_error=_what_does_not_fit,
    )


def _kinds(relations: Sequence[str]) -> dict[Any, Any]:
    one = _choice(relations)
    steps = _choice([*relations, *(f"{INVERSE}{name}" for name in relations)])
    return {RelationName: one, RelationName | None: one | None, list[Step]: GenericAlias(list, (steps,))}


def _choice(names: Sequence[str]) -> Any:
    # Where there is one, pydantic would write a constant, which mini's template does not list.
    listed = WithJsonSchema({"type": "string", "enum": list(names)})
    return Annotated[getitem(Literal, tuple(names)), listed]


def _refusals_are_results(function: Callable[P, ToolResult]) -> Callable[P, ToolResult]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> ToolResult:
        try:
            return function(*args, **kwargs)
        except (Refusal, AggregateError) as refusal:
            return str(refusal), ()

    return call


def _what_does_not_fit(error: ValidationError | ValidationErrorV1) -> str:
    first = error.errors()[0]
    return f"cannot use the argument {'.'.join(str(part) for part in first['loc'])}: {first['msg'].lower()}"
