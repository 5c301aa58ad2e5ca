"""Calls as Python: of LFM2."""

import ast
import json
from collections.abc import Iterator, Sequence
from typing import Any

from kinject.lm.base import ToolCall
from kinject.lm.tool_formats._shared import MOST_CALLS, STYLE, Tag, Tools, to_json

# LFM2: <|tool_call_start|>[f(a="x", b=1), ...]<|tool_call_end|>

_CONSTANTS = {"true": True, "false": False, "null": None}
OPEN, CLOSE = "<|tool_call_start|>", "<|tool_call_end|>"


def python_rules(tools: Tools, tag: Tag) -> str:
    names = " | ".join(f"call_{n}" for n in range(len(tools)))
    calls = f'calls: {tag(OPEN)} "[" body (", " body)* "]" {tag(CLOSE)}\nbody: {names}\n'
    return calls + "".join(_python_call(n, name, json.loads(schema)) for n, (name, schema) in enumerate(tools))


def _python_call(number: int, name: str, schema: dict[str, Any]) -> str:
    """Keyword arguments in the schema's order: `first` rules have none before them, `more` rules a comma."""
    lines = [f'call_{number}: {json.dumps(name + "(")} first_{number}_0 ")"']
    properties, required = schema.get("properties", {}), schema.get("required", ())
    for n, (key, own) in enumerate(properties.items()):
        value = own | {"$defs": schema.get("$defs", {}), "x-guidance": STYLE}
        lines += [f"arg_{number}_{n}: {json.dumps(key + '=')} %json {json.dumps(value)}"]
        skip = ["", ""] if key in required else [f" | first_{number}_{n + 1}", f" | more_{number}_{n + 1}"]
        lines += [f"first_{number}_{n}: arg_{number}_{n} more_{number}_{n + 1}{skip[0]}"]
        lines += [f'more_{number}_{n}: ", " arg_{number}_{n} more_{number}_{n + 1}{skip[1]}']
    return "\n".join([*lines, *(f'{rule}_{number}_{len(properties)}: ""' for rule in ("first", "more")), ""])


def python_read(text: str) -> tuple[ToolCall, ...]:
    found: list[ToolCall] = []
    for piece in text.split(OPEN)[1:]:
        source = piece.partition(CLOSE)[0].strip()
        try:
            tree = ast.parse(source if source.startswith("[") else f"[{source}]", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.elts if isinstance(tree, ast.List) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
                found += _python_arguments(node.func.id, node.keywords)
    return tuple(found[:MOST_CALLS])


def _python_arguments(name: str, keywords: Sequence[ast.keyword]) -> Iterator[ToolCall]:
    arguments: dict[str, Any] = {}
    for keyword in keywords:
        if keyword.arg is None:
            return
        value = keyword.value
        if isinstance(value, ast.Name) and value.id in _CONSTANTS:
            arguments[keyword.arg] = _CONSTANTS[value.id]
            continue
        try:
            arguments[keyword.arg] = ast.literal_eval(value)
        except (ValueError, TypeError, RecursionError, MemoryError):
            return
    yield ToolCall(name, arguments)


def python_text(calls: Sequence[ToolCall]) -> str:
    return f"{OPEN}[{', '.join(map(_python_written, calls))}]{CLOSE}"


def _python_written(call: ToolCall) -> str:
    plain = (f"{key}={to_json(v) if isinstance(v, str) else repr(v)}" for key, v in call.arguments.items())
    return f"{call.name}({', '.join(plain)})"
