"""Chats to token ids and back, through the tokenizer's own chat template and nothing else.

Text that comes from users, documents or models never becomes a control token: it is broken up first.
"""

import re
import threading
from typing import Any

from transformers import PreTrainedTokenizerBase

from kinject.lm.base import Chat, ToolCall
from kinject.lm.template import ChatTemplate

_TAG = re.compile(r"<.+>|\[.+\]", re.DOTALL)


class ChatEncoder:
    """Safe to use from many threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, name: str) -> None:
        """Raises ModelError for a tokenizer without a chat template."""
        self.template = ChatTemplate(tokenizer, name)
        self._tokenizer = tokenizer
        self._control = _control_tokens(tokenizer)
        self._lock = threading.Lock()

    def prompt(self, chat: Chat) -> tuple[int, ...]:
        """The chat up to where the assistant begins to speak. Raises ModelError if the template refuses it."""
        return self._encode(self.template.render(chat.messages, chat.tools, self.harmless))

    def answer(self, text: str) -> tuple[int, ...]:
        """What the assistant says next, without the token that ends it."""
        return self._encode(self.harmless(text))

    def raw(self, text: str) -> tuple[int, ...]:
        """A text as whoever evaluates the model wrote it: its control tokens are meant."""
        return self._encode(text)

    def reply(self, ids: tuple[int, ...]) -> tuple[str, tuple[ToolCall, ...]]:
        """What the assistant said, and its calls, where it was offered tools.

        A tokenizer that tells transformers how to read its model's responses is read so, all others by their format.
        """
        text, form = self.text(ids, keep_special=True), self.template.format
        if getattr(self._tokenizer, "response_template", None) is not None:
            try:
                return _message(self._tokenizer.parse_response(text, prefix=""))
            except (ValueError, KeyError, TypeError, AttributeError):  # no response as that template wants it
                pass
        return form.said(text), form.read(text)

    def text(self, ids: tuple[int, ...], keep_special: bool = False) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=not keep_special)).strip()

    def harmless(self, value: Any) -> Any:
        """The same text, list or dict, in which the spelling of each control token is broken by a space."""
        if isinstance(value, str):
            while self._control is not None and self._control.search(value):
                value = self._control.sub(_broken, value)
            return value
        if isinstance(value, dict):
            return {self.harmless(key): self.harmless(item) for key, item in value.items()}
        return [self.harmless(item) for item in value] if isinstance(value, list | tuple) else value

    def _encode(self, text: str) -> tuple[int, ...]:
        with self._lock:
            return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _message(parsed: Any) -> tuple[str, tuple[ToolCall, ...]]:
    functions = [call.get("function", call) for call in parsed.get("tool_calls") or ()]
    calls = tuple(ToolCall(str(f["name"]), dict(f.get("arguments") or {})) for f in functions)
    return str(parsed.get("content") or "").strip(), calls


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """Special tokens and every added token that looks like a tag; runs of spaces are added tokens too, but harmless."""
    added = tokenizer.added_tokens_decoder.values()
    control = {token.content for token in added if token.special or _TAG.fullmatch(token.content)}
    control |= set(tokenizer.all_special_tokens)
    longest_first = sorted((token for token in control if token.strip()), key=lambda token: (-len(token), token))
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _broken(match: re.Match[str]) -> str:
    token = match[0]
    return f"{token[0]} {token[1:]}" if len(token) > 1 else ""
