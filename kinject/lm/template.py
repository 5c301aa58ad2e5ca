"""What a chat template takes, found by trying it once, and chats put so that it takes them.

Some templates know no tools, no system message, no calls or no results; what one does not know is written into the
messages that it does. Knows messages as transformers wants them; does not know tokens.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jinja2
from transformers import PreTrainedTokenizerBase

from kinject.errors import ModelError
from kinject.lm.base import Message, ToolCall, ToolSpec
from kinject.lm.tool_formats import HERMES, ToolFormat, find_format

Rendered = dict[str, Any]  # a message or a tool as chat templates take it
Clean = Callable[[Any], Any]

_MARK, _TOOL, _VALUE, _RESULT = "Marked words.", "marked_tool", "marked value", "marked result"
# What day it is would change the prompt overnight, and with it every answer.
_ONE_DAY = "{%- macro strftime_now(format) -%}1 January 2025{%- endmacro -%}"
_PROBE_TOOL = ToolSpec(_TOOL, "A tool.", {"type": "object", "properties": {"key": {"type": "string"}}})


Way = Literal["tools", "xml_tools", "message", "text"]


@dataclass(frozen=True, slots=True)
class Manners:
    """`tools` is the option of the template that takes them, "message" for the system message, "text" for none.

    `calls` and `results` say whether the template writes an assistant's calls, and has a role for their results.
    """

    system: bool = True
    tools: Way = "tools"
    calls: bool = True
    results: bool = True


class ChatTemplate:
    """The template of a tokenizer. `format` is how its family writes calls."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, name: str) -> None:
        if not tokenizer.chat_template:
            raise ModelError(f"{name} has no chat template; choose an instruction-tuned model or add a template")
        self._tokenizer, self._name = tokenizer, name
        found = find_format(str(tokenizer.get_chat_template(tools=[_tool(_PROBE_TOOL, _same)])))
        self.format: ToolFormat = found or HERMES  # the most usual one
        self.manners = self._find_manners()
        # Where transformers is told how to read a format that we do not know, ours must not be forced on the model.
        told = getattr(tokenizer, "response_template", None) is not None
        self.has_grammar = found is not None or self.manners.tools == "text" or not told

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), clean: Clean | None = None) -> str:
        """The chat up to where the assistant begins to speak, every text put through `clean`.

        Raises ModelError where the template refuses it.
        """
        try:
            return self._render(self.manners, messages, tools, clean or _same)
        except (jinja2.TemplateError, TypeError) as error:
            raise ModelError(f"the chat template of {self._name} refused the messages: {error}") from error

    def _render(self, manners: Manners, messages: Sequence[Message], tools: Sequence[ToolSpec], clean: Clean) -> str:
        written = _messages(messages, manners, self.format, clean)
        offered = [_tool(tool, clean) for tool in tools]
        options: Rendered = {"tools": None}
        if offered and manners.tools in ("tools", "xml_tools"):
            options |= {manners.tools: offered}
        elif offered:
            written = _with_tools(written, offered, manners, self.format)
        if not manners.system:
            written = _without_system(written)
        template = str(self._tokenizer.get_chat_template(tools=offered or None))
        if "strftime_now" in template:
            template = _ONE_DAY + template
        options |= {"add_generation_prompt": True, "enable_thinking": False, "chat_template": template}
        return str(self._tokenizer.apply_chat_template(written, tokenize=False, **options))

    def _find_manners(self) -> Manners:
        user = Message("user", "A question.")
        opening: tuple[Message, ...] = (Message("system", _MARK), user)
        system = self._shows(Manners(), opening, (), _MARK)
        if not system:
            opening = (user,)
        ways: tuple[Way, ...] = ("tools", "xml_tools", "message") if system else ("tools", "xml_tools")
        shown = (way for way in ways if self._shows(Manners(system, way), opening, (_PROBE_TOOL,), _TOOL))
        tools: Way = next(shown, "text")
        call = Message("assistant", "", (ToolCall(_TOOL, {"key": _VALUE}),))
        turn = (*opening, call, Message("tool", _RESULT))
        for calls, results in ((True, True), (False, True)):
            manners = Manners(system, tools, calls, results)
            if self._shows(manners, turn, (_PROBE_TOOL,), _VALUE, _RESULT):
                return manners
        return Manners(system, tools, calls=False, results=False)

    def _shows(self, manners: Manners, messages: Sequence[Message], tools: Sequence[ToolSpec], *marks: str) -> bool:
        try:
            text = self._render(manners, messages, tools, _same)
        except (jinja2.TemplateError, TypeError):
            return False
        return all(mark in text for mark in marks)


def _messages(messages: Sequence[Message], manners: Manners, form: ToolFormat, clean: Clean) -> list[Rendered]:
    written: list[Rendered] = []
    waiting: list[Rendered] = []  # calls whose results come next, in order
    for place, message in enumerate(messages):
        content = clean(message.content)
        if message.tool_calls and not manners.calls:
            calls = [ToolCall(clean(call.name), clean(call.arguments)) for call in message.tool_calls]
            content = "\n".join(part for part in (content, form.write(calls)) if part)
        one: Rendered = {"role": clean(message.role), "content": content}
        if message.tool_calls:
            waiting = [_call(call, f"{place:04}{n:05}", clean) for n, call in enumerate(message.tool_calls)]
            one |= {"tool_calls": list(waiting)} if manners.calls else {}
        elif message.role == "tool":
            one |= _of_call(waiting.pop(0)) if waiting else {}
        if message.role == "tool" and not manners.results:
            _add_result(written, content)
        else:
            written.append(one)
    return written


def _of_call(call: Rendered) -> Rendered:
    return {"tool_call_id": call["id"], "name": call["function"]["name"]}


def _add_result(written: list[Rendered], content: str) -> None:
    """As a user's message, and several as one: roles must alternate."""
    result = f"<tool_response>\n{content}\n</tool_response>"
    if written and written[-1]["role"] == "user":
        result = f"{written.pop()['content']}\n{result}"
    written.append({"role": "user", "content": result})


def _with_tools(messages: list[Rendered], tools: list[Rendered], manners: Manners, form: ToolFormat) -> list[Rendered]:
    """The tools as part of the system message, which is made if there is none."""
    system = messages[0] if messages and messages[0]["role"] == "system" else {"role": "system", "content": ""}
    rest = messages[1:] if messages and messages[0] is system else messages
    functions = [tool["function"] for tool in tools]
    if manners.tools == "message":
        return [system | {"tools": json.dumps(functions, ensure_ascii=False)}, *rest]
    listed = "\n".join(json.dumps(function, ensure_ascii=False) for function in functions)
    example = form.write([ToolCall("NAME", {"ARGUMENT": "VALUE"})])
    told = f"You can call these tools:\n{listed}\n\nTo call one, write this and nothing else:\n{example}"
    return [system | {"content": f"{system['content']}\n\n{told}".strip()}, *rest]


def _without_system(messages: list[Rendered]) -> list[Rendered]:
    """The system message before the first one of the user."""
    if not messages or messages[0]["role"] != "system":
        return messages
    first = messages[1] if len(messages) > 1 and messages[1]["role"] == "user" else {"role": "user", "content": ""}
    rest = messages[2:] if len(messages) > 1 and messages[1] is first else messages[1:]
    return [first | {"content": f"{messages[0]['content']}\n\n{first['content']}".strip()}, *rest]


def _call(call: ToolCall, identity: str, clean: Clean) -> Rendered:
    # Some templates demand an id of nine letters or digits.
    function = clean({"name": call.name, "arguments": call.arguments})
    return {"type": "function", "id": identity, "function": function}


def _tool(tool: ToolSpec, clean: Clean) -> Rendered:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": clean(function)}


def _same(value: Any) -> Any:
    return value
