"""Calls as JSON: of Hermes, Llama 3, Phi 4 and Mistral."""

import json
from collections.abc import Sequence

from kinject.lm.base import ToolCall
from kinject.lm.tool_formats._shared import (
    MOST_CALLS,
    Tag,
    Tools,
    bodies,
    calls_in,
    closed,
    to_json,
    values,
    written,
)

# Hermes: <tool_call>\n{"name": "f", "arguments": {...}}\n</tool_call>


def hermes_rules(tools: Tools, tag: Tag) -> str:
    head = json.dumps('\n{"name": ')
    return (
        'calls: call ("\\n" call)*\n'
        f'call: {tag("<tool_call>")} {head} body "}}\\n" {tag("</tool_call>")}\n{bodies(tools, "arguments")}'
    )


def hermes_text(calls: Sequence[ToolCall]) -> str:
    return "\n".join(f"<tool_call>\n{written(call)}\n</tool_call>" for call in calls)


# Llama 3: {"name": "f", "parameters": {...}}, one call and nothing else, with or without a tag before it

PYTHON_TAG = "<|python_tag|>"


def llama_rules(tools: Tools, tag: Tag) -> str:
    head = json.dumps('{"name": ')
    return f'calls: {tag(PYTHON_TAG)}? {head} body "}}"\n{bodies(tools, "parameters")}'


def llama_read(text: str) -> tuple[ToolCall, ...]:
    bare = text.strip().removeprefix(PYTHON_TAG)
    return tuple(call for value in values(bare) for call in calls_in(value))


def llama_text(calls: Sequence[ToolCall]) -> str:
    return "; ".join(written(call, "parameters") for call in calls)


# Mistral until 2024: [TOOL_CALLS] [{"name": "f", "arguments": {...}}, ...]; Phi 4 mini: the same between two tags


def list_rules(tools: Tools, tag: Tag, opening: str, closing: str = "") -> str:
    first, more = json.dumps('[{"name": '), json.dumps(', {"name": ')
    end = tag(closing) if closing else ""
    return f'calls: {tag(opening)} " "? {first} body "}}" ({more} body "}}")* "]" {end}\n{bodies(tools, "arguments")}'


def list_text(calls: Sequence[ToolCall], opening: str, closing: str = "") -> str:
    return f"{opening}[{', '.join(written(call) for call in calls)}]{closing}"


# Mistral since: [TOOL_CALLS]f[ARGS]{...}, once a call; some put [CALL_ID]123456789 before the arguments


def args_rules(tools: Tools, tag: Tag) -> str:
    own = [f"call_{n}: {json.dumps(name)} id {tag('[ARGS]')} %json {closed(s)}" for n, (name, s) in enumerate(tools)]
    names = " | ".join(f"call_{n}" for n in range(len(own)))
    identity = f"id: ({tag('[CALL_ID]')} /[a-zA-Z0-9]{{9}}/)?"
    return "\n".join(["calls: call+", f"call: {tag('[TOOL_CALLS]')} body", f"body: {names}", identity, *own, ""])


def args_read(text: str) -> tuple[ToolCall, ...]:
    found = []
    for piece in text.split("[TOOL_CALLS]")[1 : MOST_CALLS + 1]:
        head, _, arguments = piece.partition("[ARGS]")
        value = next(values(arguments), None)
        if isinstance(value, dict):
            found.append(ToolCall(head.partition("[CALL_ID]")[0].strip(), value))
    return tuple(found)


def args_text(calls: Sequence[ToolCall]) -> str:
    return "".join(f"[TOOL_CALLS]{call.name}[ARGS]{to_json(call.arguments)}" for call in calls)
