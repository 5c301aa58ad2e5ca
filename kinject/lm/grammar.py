"""Hermes tool calls: a grammar that lets a model write nothing but text or valid calls, and a reader of calls.

    <tool_call>
    {"name": "get_fact", "arguments": {"entity": "Borealis 3", "relation": "price"}}
    </tool_call>

Knows token ids and logits of one row; does not know batches, chats or models.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import llguidance.hf
import numpy as np
import torch
from llguidance import LLMatcher

from kinject.errors import ModelError
from kinject.lm.base import ToolCall, ToolSpec

OPEN, CLOSE = "<tool_call>", "</tool_call>"

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"\s*")
_MOST_CALLS = 256  # in one completion; more is a model that babbles
# The style of json.dumps, in which models are taught to write calls.
_STYLE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
# A text never holds the tag, else it would read as a call that no schema has seen.
_TEXT = r"/(?s:.*)/ & ~/(?s:.*<tool_call>.*)/"


class Constraint:
    """What one row may still write. `unconstrained` turns False once the model's first choice was overruled."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self.unconstrained = True

    def choose(self, first: int, logits: torch.Tensor) -> int:
        """Take `first`, the likeliest token of `logits` (vocabulary,), or else the likeliest that may follow."""
        token = first
        if not self._matcher.validate_tokens([first]):
            self.unconstrained = False
            allowed = self._allowed(logits.shape[-1]).to(logits.device)
            token = int(logits.masked_fill(~allowed, float("-inf")).argmax())
        if not self._matcher.consume_token(token):
            raise ModelError(f"the grammar of the tools stopped: {self._matcher.get_error()}")
        return token

    def _allowed(self, vocabulary: int) -> torch.Tensor:
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        allowed = np.zeros(vocabulary, dtype=bool)
        allowed[: bits.size] = bits[:vocabulary]
        if not allowed.any():
            raise ModelError(f"the grammar of the tools allows no token: {self._matcher.get_error()}")
        return torch.from_numpy(allowed)


class ToolGrammar:
    """Compiles the tools of a chat to a Constraint, each set of tools once."""

    def __init__(self, tokenizer: Any, vocabulary: int, stop_ids: Sequence[int]) -> None:
        size = max(vocabulary, len(tokenizer))
        self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=list(stop_ids))
        special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._open, self._close = (tag if tag in special else json.dumps(tag) for tag in (OPEN, CLOSE))
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def constraint(self, tools: Sequence[ToolSpec]) -> Constraint:
        """Raises ModelError naming the tool whose schema cannot be turned into a grammar."""
        matcher = self._compiled(tuple((tool.name, json.dumps(tool.parameters)) for tool in tools))
        return Constraint(matcher.deep_copy())

    def _compile(self, tools: tuple[tuple[str, str], ...]) -> LLMatcher:
        for tool in tools:
            error = LLMatcher.validate_grammar(self._lark((tool,)), self._tokens)
            if error:
                line = " ".join(error.split())
                raise ModelError(f"tool {tool[0]!r} has a schema that cannot be a grammar: {line}")
        return LLMatcher(self._tokens, self._lark(tools))

    def _lark(self, tools: Sequence[tuple[str, str]]) -> str:
        # Each tool has its own %json, so that "#/$defs/..." in its schema still points to its own root.
        heads = [json.dumps(f'{json.dumps(name)}, "arguments": ') for name, _ in tools]
        calls = [f"{head} %json {_arguments(schema)}" for head, (_, schema) in zip(heads, tools, strict=True)]
        rules = "\n".join(f"call_{n}: {call}" for n, call in enumerate(calls))
        names = " | ".join(f"call_{n}" for n in range(len(calls)))
        head = json.dumps('\n{"name": ')
        return LLMatcher.grammar_from_lark(
            f"start: TEXT | calls\nTEXT: {_TEXT}\n"
            f'calls: call ("\\n" call)*\n'
            f'call: {self._open} {head} body "}}\\n" {self._close}\n'
            f"body: {names}\n{rules}\n"
        )


def parse_tool_calls(text: str) -> tuple[ToolCall, ...]:
    """The calls in a text, also of a model that wrote without a grammar; what is not a call is passed over.

    Takes linear time: after a failure the search goes on where the JSON broke off, and not for ever.
    """
    calls: list[ToolCall] = []
    begin = 0
    for _ in range(_MOST_CALLS):
        begin = text.find(OPEN, begin)
        if begin < 0:
            break
        begin = _SPACE.match(text, begin + len(OPEN)).end()  # type: ignore[union-attr]
        try:
            value, begin = _DECODER.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            begin = max(begin, error.pos)
            continue
        except (RecursionError, ValueError):  # nested too deep, or a number of more digits than int() takes
            continue
        match value:
            case {"name": str(name), "arguments": dict(arguments)}:
                calls.append(ToolCall(name, arguments))
    return tuple(calls)


def text_before_calls(text: str) -> str:
    """What a completion says outside of its calls."""
    return text.partition(OPEN)[0].strip()


def _arguments(schema: str) -> str:
    parameters = json.loads(schema)
    closed = {"type": "object", "properties": {}, "additionalProperties": False} | parameters
    return json.dumps(closed | {"x-guidance": _STYLE})
