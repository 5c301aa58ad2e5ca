"""A grammar of tool calls that lets a model write nothing but text or valid calls, in the format of its family.

Knows token ids and logits of one row; does not know batches, chats or models.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import llguidance.hf
import numpy as np
import torch
from llguidance import LLMatcher

from kinject.errors import ModelError
from kinject.lm.base import ToolSpec
from kinject.lm.tool_formats import HERMES, ToolFormat, Tools


class Constraint:
    """What one row may still write. `unconstrained` turns False once the model's first choice was overruled."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self.unconstrained = True

    def copy(self) -> "Constraint":
        """The same from its beginning on, where nothing was chosen yet."""
        return Constraint(self._matcher.deep_copy())

    def choose(self, first: int, logits: torch.Tensor) -> int:
        """Take `first`, the likeliest token of `logits` (vocabulary,), or else the likeliest that may follow."""
        token = first
        if not self._matcher.validate_tokens([first]):
            allowed = self._allowed(logits.shape[-1]).to(logits.device)
            # A matcher to which nothing can be added validates no stop token, and yet allows it.
            if not allowed[first]:
                self.unconstrained = False
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

    def __init__(
        self, tokenizer: Any, vocabulary: int, stop_ids: Sequence[int], tool_format: ToolFormat = HERMES
    ) -> None:
        size = max(vocabulary, len(tokenizer))
        self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=list(stop_ids))
        # Also those that the tokenizer does not call special, such as <tool_call> of Qwen3: no text stands for them.
        added = tokenizer.added_tokens_decoder.items()
        self._special = {token.content: number for number, token in added if self._tokens.is_special_token(number)}
        self._format = tool_format
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

    def _lark(self, tools: Tools) -> str:
        rules = self._format.rules(tools, self._tag)
        return LLMatcher.grammar_from_lark(f"start: TEXT | calls\nTEXT: {self._format.text}\n{rules}")

    def _tag(self, text: str) -> str:
        return f"<[{self._special[text]}]>" if text in self._special else json.dumps(text)
