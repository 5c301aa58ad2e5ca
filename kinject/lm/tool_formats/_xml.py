"""Calls as tags: of Qwen 3.5 and the Qwen coders."""

import json
from collections.abc import Sequence
from typing import Any

from kinject.lm.base import ToolCall
from kinject.lm.tool_formats._shared import MOST_CALLS, STYLE, Tag, Tools, decoded, to_json

# Qwen 3.5 and Qwen coders: <tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call>


def xml_rules(tools: Tools, tag: Tag) -> str:
    names = " | ".join(f"call_{n}" for n in range(len(tools)))
    head = f'calls: call ("\\n" call)*\ncall: {tag("<tool_call>")} "\\n" body "\\n" {tag("</tool_call>")}'
    lines = [head, f"body: {names}", r"VALUE: /[^<\n]*/"]
    for n, (name, schema) in enumerate(tools):
        loaded = json.loads(schema)
        required, given = loaded.get("required", ()), ""
        for m, (key, own) in enumerate(loaded.get("properties", {}).items()):
            before, after = json.dumps(f"<parameter={key}>\n"), json.dumps("\n</parameter>\n")
            lines += [f"arg_{n}_{m}: {before} {_xml_value(own, loaded)} {after}"]
            given += f" arg_{n}_{m}" if key in required else f" arg_{n}_{m}?"
        lines += [f'call_{n}: {json.dumps(f"<function={name}>" + chr(10))}{given} "</function>"']
    return "\n".join([*lines, ""])


def _xml_value(own: dict[str, Any], schema: dict[str, Any]) -> str:
    """A text stands there as it is, all else as JSON."""
    kinds = {one.get("type") for one in (own, *own.get("anyOf", ()))}
    choices = [c for one in (own, *own.get("anyOf", ())) for c in one.get("enum", ()) if isinstance(c, str)]
    if choices:
        return f"({' | '.join(map(json.dumps, choices))})"
    if "string" in kinds:
        return "VALUE"
    return f"%json {json.dumps(own | {'$defs': schema.get('$defs', {}), 'x-guidance': STYLE})}"


def xml_read(text: str) -> tuple[ToolCall, ...]:
    found = []
    for piece in text.split("<function=")[1 : MOST_CALLS + 1]:
        name, closed, body = piece.partition("</function>")[0].partition(">")
        arguments = {}
        for part in body.split("<parameter=")[1:]:
            key, _, value = part.partition("</parameter>")[0].partition(">")
            arguments[key.strip()] = _xml_read_value(value.strip())
        if closed:
            found.append(ToolCall(name.strip(), arguments))
    return tuple(found)


def _xml_read_value(value: str) -> Any:
    # A figure stays a text: what takes a number reads one from a text, and not the other way round.
    read = decoded(value, 0)[0] if value[:1] in ("{", "[") else None
    return value if read is None else read


def xml_text(calls: Sequence[ToolCall]) -> str:
    return "\n".join(
        f"<tool_call>\n<function={call.name}>\n"
        + "".join(f"<parameter={key}>\n{_plain(value)}\n</parameter>\n" for key, value in call.arguments.items())
        + "</function>\n</tool_call>"
        for call in calls
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
