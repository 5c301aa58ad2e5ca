"""How families of models write tool calls: for each a grammar, a reader and a writer, told apart by their templates.

A grammar lets a model write text, or calls that its own template would write back in the same way. Readers also read
what was written without a grammar, in linear time: what is no call is passed over. Knows no tokenizer and no chat.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from kinject.lm.base import ToolCall
from kinject.lm.tool_formats import _json, _python, _xml
from kinject.lm.tool_formats._shared import Tag, Tools, calls_after

__all__ = ["FORMATS", "HERMES", "ToolFormat", "Tools", "find_format"]


@dataclass(frozen=True)
class ToolFormat:
    """`rules` gives lark's rules of `calls`. A text never holds `begins`, or it would read as a call.

    `markers` are what a chat template of the family holds and no other. Where a call may be `bare`, a text does not
    begin with a brace.
    """

    name: str
    markers: tuple[str, ...]
    begins: str
    rules: Callable[[Tools, Tag], str]
    read: Callable[[str], tuple[ToolCall, ...]]
    write: Callable[[Sequence[ToolCall]], str]
    bare: bool = False

    @property
    def text(self) -> str:
        """Lark's terminal of what is no call."""
        bare = r" & ~/\s*\{(?s:.*)/" if self.bare else ""
        return rf"/(?s:.*)/ & ~/(?s:.*{re.escape(self.begins)}.*)/" + bare

    def said(self, text: str) -> str:
        """What a completion says outside of its calls."""
        if self.bare and text.lstrip().startswith("{"):
            return ""
        return text.partition(self.begins)[0].strip()


def find_format(template: str) -> ToolFormat | None:
    """By what a chat template holds."""
    return next((one for one in FORMATS if any(marker in template for marker in one.markers)), None)


HERMES = ToolFormat(
    "hermes",
    ("<tool_call>",),
    "<tool_call>",
    _json.hermes_rules,
    partial(calls_after, opening="<tool_call>"),
    _json.hermes_text,
)
FORMATS = (
    # Before Hermes, whose tag it shares.
    ToolFormat("xml", ("<function=",), "<tool_call>", _xml.xml_rules, _xml.xml_read, _xml.xml_text),
    HERMES,
    ToolFormat(
        "lfm2",
        (_python.OPEN, "<|tool_list_start|>"),
        _python.OPEN,
        _python.python_rules,
        _python.python_read,
        _python.python_text,
    ),
    ToolFormat(
        "phi",
        ("<|tool_call|>", "<|/tool|>"),
        "<|tool_call|>",
        partial(_json.list_rules, opening="<|tool_call|>", closing="<|/tool_call|>"),
        partial(calls_after, opening="<|tool_call|>"),
        partial(_json.list_text, opening="<|tool_call|>", closing="<|/tool_call|>"),
    ),
    ToolFormat("mistral_args", ("[ARGS]",), "[TOOL_CALLS]", _json.args_rules, _json.args_read, _json.args_text),
    ToolFormat(
        "mistral",
        ("[TOOL_CALLS]",),
        "[TOOL_CALLS]",
        partial(_json.list_rules, opening="[TOOL_CALLS]"),
        partial(calls_after, opening="[TOOL_CALLS]"),
        partial(_json.list_text, opening="[TOOL_CALLS]"),
    ),
    ToolFormat(
        "llama",
        (_json.PYTHON_TAG, "ipython"),
        _json.PYTHON_TAG,
        _json.llama_rules,
        _json.llama_read,
        _json.llama_text,
        bare=True,
    ),
)
