"""Chats to token ids and back, through the tokenizer's own chat template and nothing else.

Text that comes from users, documents or models never becomes a control token: it is broken up first, and the prompt is
looked through for tokens that the template did not put there. Clean text is not touched.
"""

import re
import threading
from collections.abc import Callable
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
        self._normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
        self._control, self._opening = self._control_tokens()
        self._lock = threading.Lock()

    def prompt(self, chat: Chat) -> tuple[int, ...]:
        """The chat up to where the assistant begins to speak. Raises ModelError if the template refuses it."""
        text = self.template.render(chat.messages, chat.tools, self.harmless)
        if self._opening.search(self._seen(repr(chat))):
            # Texts that a template joins, such as the choices of a tool, can spell a control token together.
            bare = self.template.render(chat.messages, chat.tools, self._bare)
            if self._controls(text) != self._controls(bare):
                text = bare
        return self._encode(text)

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
        return _throughout(value, self._harmless)

    def _harmless(self, text: str) -> str:
        broken = self._break(text)
        seen = self._seen(broken)
        # Full-width letters, for one, are no token until a normalizer has made plain ones of them.
        return self._break(seen) if self._control.search(seen) else broken

    def _break(self, text: str) -> str:
        while self._control.search(text):
            text = self._control.sub(_broken, text)
        return text

    def _bare(self, value: Any) -> Any:
        """Text in which nothing is left that a control token begins with."""
        return _throughout(value, lambda text: self._opening.sub(" ", self._harmless(text)))

    def _controls(self, text: str) -> list[str]:
        return self._control.findall(self._seen(text))

    def _seen(self, text: str) -> str:
        """A text as the tokenizer looks for its tokens in it."""
        return text if self._normalizer is None else str(self._normalizer.normalize_str(text))

    def _control_tokens(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The control tokens, and the characters that they begin with.

        They are the special tokens, every added token that looks like a tag, and the tag that begins a call. Runs of
        spaces are added tokens too, but harmless.
        """
        added = self._tokenizer.added_tokens_decoder.values()
        control = {token.content for token in added if token.special or _TAG.fullmatch(token.content)}
        control |= {*self._tokenizer.all_special_tokens, self.template.format.begins}
        control |= {self._seen(token) for token in control}
        longest_first = sorted((token for token in control if token.strip()), key=lambda token: (-len(token), token))
        opening = "".join({re.escape(token.strip()[0]) for token in longest_first})
        return re.compile("|".join(map(re.escape, longest_first))), re.compile(f"[{opening}]")

    def _encode(self, text: str) -> tuple[int, ...]:
        with self._lock:
            return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _message(parsed: Any) -> tuple[str, tuple[ToolCall, ...]]:
    functions = [call.get("function", call) for call in parsed.get("tool_calls") or ()]
    calls = tuple(ToolCall(str(f["name"]), dict(f.get("arguments") or {})) for f in functions)
    return str(parsed.get("content") or "").strip(), calls


def _throughout(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_throughout(key, change): _throughout(item, change) for key, item in value.items()}
    return [_throughout(item, change) for item in value] if isinstance(value, list | tuple) else value


def _broken(match: re.Match[str]) -> str:
    token = match[0]
    return f"{token[0]} {token[1:]}" if len(token) > 1 else ""
