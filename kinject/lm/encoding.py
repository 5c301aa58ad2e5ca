"""Chats to token ids and back, through the tokenizer's own chat template and nothing else.

Text that comes from users, documents or models never becomes a control token: it is broken up first.
"""

import re
import threading
from typing import Any

import jinja2
from transformers import PreTrainedTokenizerBase

from kinject.errors import ModelError
from kinject.lm.base import Chat, Message, ToolSpec

_TAG = re.compile(r"<.+>|\[.+\]", re.DOTALL)


class ChatEncoder:
    """Safe to use from many threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, name: str) -> None:
        if not tokenizer.chat_template:
            raise ModelError(f"{name} has no chat template; choose an instruction-tuned model or add a template")
        self._tokenizer, self._name = tokenizer, name
        self._control = _control_tokens(tokenizer)
        self._lock = threading.Lock()

    def prompt(self, chat: Chat) -> tuple[int, ...]:
        """The chat up to where the assistant begins to speak. Raises ModelError if the template refuses it."""
        messages = [self._message(message) for message in chat.messages]
        tools = [self._tool(tool) for tool in chat.tools] or None
        options: dict[str, Any] = {"tools": tools, "add_generation_prompt": True, "enable_thinking": False}
        try:
            text = self._tokenizer.apply_chat_template(messages, tokenize=False, **options)
        except jinja2.TemplateError as error:
            raise ModelError(f"the chat template of {self._name} refused the messages: {error}") from error
        return self._encode(str(text))

    def answer(self, text: str) -> tuple[int, ...]:
        """What the assistant says next, without the token that ends it."""
        return self._encode(self.harmless(text))

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

    def _message(self, message: Message) -> dict[str, Any]:
        written: dict[str, Any] = {"role": message.role, "content": self.harmless(message.content)}
        if message.tool_calls:
            calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
            written["tool_calls"] = [{"type": "function", "function": self.harmless(call)} for call in calls]
        return written

    def _tool(self, tool: ToolSpec) -> dict[str, Any]:
        function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        return {"type": "function", "function": self.harmless(function)}


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
