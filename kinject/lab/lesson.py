"""One lesson: a chat with marks, and which of its messages are to be learnt.

Every tool has the name, arguments and description of the kg system's, so that an agent asks mini nothing in a form
that it was not taught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kinject.lab import marks
from kinject.lm.base import Message, ToolCall, ToolSpec
from kinject.lm.prompts import value_of


@dataclass(frozen=True, slots=True)
class Level:
    """How hard a lesson may be: the most entities of a world and the most attributes of an entity, or just so many."""

    entities: int
    attributes: int
    exact: bool = False
    plain: bool = False  # bare statements without filling, so that more of the tokens are facts
    questions: int = 1  # the most that are asked of the same pages: binding is learnt from many answers a page


@dataclass(frozen=True, slots=True)
class Lesson:
    """A chat and, per message, whether it is to be learnt. `gold` is what the final answer has to end with."""

    ability: str
    marked: tuple[Message, ...]
    learn: tuple[bool, ...]
    marked_relations: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)  # mark of a fact -> name of the attribute that it states

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(
            Message(m.role, marks.plain(m.content), tuple(_plain_call(call) for call in m.tool_calls))
            for m in self.marked
        )

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        return tools([marks.plain(name) for name in self.marked_relations]) if self.marked_relations else ()

    @property
    def marked_tools(self) -> tuple[ToolSpec, ...]:
        return tools(self.marked_relations) if self.marked_relations else ()

    @property
    def gold(self) -> str:
        return value_of(self.messages[-1].content)


def _plain_call(call: ToolCall) -> ToolCall:
    return ToolCall(call.name, {name: marks.plain(value) for name, value in call.arguments.items()})


def tools(relations: Sequence[str]) -> tuple[ToolSpec, ...]:
    """The kg system's tools over these relations, as JSON schemas."""
    text: dict[str, Any] = {"type": "string"}
    relation = {"type": "string", "enum": list(relations)}
    maybe_relation = {"anyOf": [relation, {"type": "null"}]}
    statistic = {"type": "string", "enum": ["count", "max", "min", "sum", "mean"]}
    direction = {"type": "string", "enum": ["max", "min"]}

    def spec(name: str, description: str, required: dict[str, Any], **optional: Any) -> ToolSpec:
        schema = {"type": "object", "properties": required | optional, "required": list(required)}
        return ToolSpec(name, description, schema)

    return (
        spec("get_fact", "Value of a relation.", {"entity": text, "relation": relation}, on=text),
        spec("find_by_value", "Entities with a value.", {"relation": relation, "value": text}, on=text),
        spec("find_entities", "Entities by name.", {"name": text}),
        spec("neighbours", "All facts of an entity.", {"entity": text}),
        spec(
            "aggregate",
            "Count, extreme, total or mean.",
            {"function": statistic, "relation": relation},
            where=maybe_relation,
            value=text,
            on=text,
        ),
        spec(
            "compare",
            "Which of two entities has more or less.",
            {"function": direction, "relation": relation, "first": text, "second": text},
            on=text,
        ),
        spec("calculate", "Arithmetic.", {"expression": text}),
    )
