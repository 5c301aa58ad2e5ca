"""Lessons as token ids with a loss weight a token.

The text is what mini's chat template renders (a test holds the two equal); it is written here again because rendering
millions of lessons through Jinja would cost more than learning from them.
"""

import json
from dataclasses import dataclass

from tokenizers import Tokenizer

from kinject.lab.lessons import Lesson
from kinject.lm.base import Message, ToolSpec


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and per token whether it is learnt as the assistant's own and whether it is of the final answer."""

    ids: list[int]
    learnt: list[bool]
    final: list[bool]
    ability: str


def signature(tool: ToolSpec) -> str:
    arguments = []
    for name, schema in tool.parameters["properties"].items():
        optional = "" if name in tool.parameters.get("required", []) else "?"
        choices = f": {'|'.join(schema['enum'])}" if schema.get("enum") else ""
        arguments.append(f"{name}{optional}{choices}")
    return f"{tool.name}({', '.join(arguments)})"


def content(message: Message) -> str:
    """A message's text with its calls, up to and including its end token."""
    calls = []
    for call in message.tool_calls:
        name, arguments = json.dumps(call.name), json.dumps(call.arguments, ensure_ascii=False)
        calls.append(f'<tool_call>\n{{"name": {name}, "arguments": {arguments}}}\n</tool_call>')
    return message.content + "\n".join(calls) + "<|im_end|>"


def render(lesson: Lesson) -> list[tuple[str, bool, bool]]:
    """Pieces of text: (text, learnt, of the final answer)."""
    pieces: list[tuple[str, bool, bool]] = []
    for i, (message, learn) in enumerate(zip(lesson.messages, lesson.learn, strict=True)):
        text = content(message)
        if i == 0 and lesson.tools:
            text = "\n".join([message.content, *map(signature, lesson.tools)]) + "<|im_end|>"
        pieces += [
            (f"<|im_start|>{message.role}\n", False, False),
            (text, learn, i == len(lesson.messages) - 1),
            ("\n", False, False),
        ]
    return pieces


def encode(tokenizer: Tokenizer, batch: list[Lesson]) -> list[Encoded]:
    rendered = [render(lesson) for lesson in batch]
    # The pieces meet at special tokens and newlines, so cutting there gives the ids of the whole text.
    flat = tokenizer.encode_batch_fast([text for pieces in rendered for text, _, _ in pieces], add_special_tokens=False)
    found, at = [], 0
    for lesson, pieces in zip(batch, rendered, strict=True):
        ids: list[int] = []
        learnt: list[bool] = []
        final: list[bool] = []
        for _, learn, last in pieces:
            new = flat[at].ids
            at += 1
            ids += new
            learnt += [learn] * len(new)
            final += [last] * len(new)
        found.append(Encoded(ids, learnt, final, lesson.ability))
    return found
