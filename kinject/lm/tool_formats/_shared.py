"""What the formats of tool calls share: their pieces of a grammar, and JSON read as far as it goes."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kinject.lm.base import ToolCall

Tools = Sequence[tuple[str, str]]  # name and schema, as JSON
Tag = Callable[[str], str]  # a text in lark's words: one control token, where the tokenizer has it as one

MOST_CALLS = 256  # in one completion; more is a model that babbles
# The style of json.dumps, in which models are taught to write calls.
STYLE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s;]*")


def bodies(tools: Tools, key: str) -> str:
    # Each tool has its own %json, so that "#/$defs/..." in its schema still points to its own root.
    heads = [json.dumps(f'{json.dumps(name)}, "{key}": ') for name, _ in tools]
    calls = [f"call_{n}: {heads[n]} %json {closed(schema)}" for n, (_, schema) in enumerate(tools)]
    return "\n".join([f"body: {' | '.join(f'call_{n}' for n in range(len(tools)))}", *calls, ""])


def closed(schema: str) -> str:
    closed = {"type": "object", "properties": {}, "additionalProperties": False} | json.loads(schema)
    return json.dumps(closed | {"x-guidance": STYLE})


def calls_after(text: str, opening: str) -> tuple[ToolCall, ...]:
    """The calls in the JSON that follows each `opening`.

    After a failure the search goes on where the JSON broke off, and not from its beginning: that takes linear time.
    """
    found: list[ToolCall] = []
    begin = 0
    for _ in range(MOST_CALLS):
        begin = text.find(opening, begin)
        if begin < 0:
            break
        value, begin = decoded(text, begin + len(opening))
        found += calls_in(value)
    return tuple(found[:MOST_CALLS])


def values(text: str) -> Iterator[Any]:
    """The JSON values that the text consists of, up to where it is none."""
    end = 0
    for _ in range(MOST_CALLS):
        value, end = decoded(text, end)
        if value is None:
            return
        yield value


def decoded(text: str, begin: int) -> tuple[Any, int]:
    """The JSON value there, or None, and where it ends or breaks off."""
    begin = _SPACE.match(text, begin).end()  # type: ignore[union-attr]
    try:
        return _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        return None, max(begin, error.pos)
    except (RecursionError, ValueError):  # nested too deep, or a number of more digits than int() takes
        return None, begin


def calls_in(value: Any) -> Iterator[ToolCall]:
    for one in value if isinstance(value, list) else (value,):
        match one:
            case {"name": str(name), "arguments": dict(arguments)} | {"name": str(name), "parameters": dict(arguments)}:
                yield ToolCall(name, arguments)


def written(call: ToolCall, key: str = "arguments") -> str:
    return f'{{"name": {to_json(call.name)}, "{key}": {to_json(call.arguments)}}}'


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
