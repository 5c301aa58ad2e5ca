"""Any `LM` as a LangChain chat model, for agents.

Maps messages and tools both ways, and nothing else: the queue, the template and the grammar are the LM's.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from kinject.errors import ModelError
from kinject.lm import calling_off
from kinject.lm.base import LM, MAX_NEW_TOKENS, Chat, Message, ToolCall, ToolSpec


class ChatModel(BaseChatModel):
    """`ChatModel(lm)` is a model for `langchain.agents.create_agent`.

    An AIMessage carries token counts in `usage_metadata` and the whole Completion in `response_metadata["completion"]`.
    """

    lm: Any
    max_new_tokens: int = MAX_NEW_TOKENS

    def __init__(self, lm: LM, max_new_tokens: int = MAX_NEW_TOKENS) -> None:
        fields: dict[str, Any] = {"lm": lm, "max_new_tokens": max_new_tokens}
        super().__init__(**fields)

    @property
    def _llm_type(self) -> str:
        return "kinject"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Raises ModelError for a `tool_choice` other than auto: the model is always free to answer in text."""
        if tool_choice not in (None, "auto"):
            raise ModelError(f"tool_choice {tool_choice!r} is not supported; leave it out")
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        calling_off.check()  # an agent whose caller has gone makes no further call
        if stop:
            raise ModelError(f"stop strings are not supported, found {stop!r}; the model ends its own answers")
        chat = Chat(
            tuple(map(_to_message, _in_order(messages))), _to_tools(kwargs.get("tools") or ()), self.max_new_tokens
        )
        completion = self.lm.complete(chat)
        # Ids count on through the dialogue: the same dialogue always has the same ids.
        calls = [
            tool_call(name=call.name, args=call.arguments, id=f"call_{len(messages)}_{number}")
            for number, call in enumerate(completion.tool_calls)
        ]
        read, written = completion.prompt_tokens, completion.tokens
        answer = AIMessage(
            completion.text,
            tool_calls=calls,
            usage_metadata=UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written),
            response_metadata={"model_name": self.lm.info.name, "completion": completion},
        )
        return ChatResult(generations=[ChatGeneration(message=answer)])


def _in_order(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Results in the order of their calls, as our messages have no ids: that of a refused call would come first."""
    calls = [call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    place = {id: number for number, id in enumerate(calls)}
    ordered: list[BaseMessage] = []
    for is_result, run in groupby(messages, lambda message: isinstance(message, ToolMessage)):
        found = list(run)
        ordered += sorted(found, key=lambda m: place.get(m.tool_call_id, 0)) if is_result else found  # type: ignore[attr-defined]
    return ordered


def _to_message(message: BaseMessage) -> Message:
    text = str(message.text)
    match message:
        case SystemMessage():
            return Message("system", text)
        case HumanMessage():
            return Message("user", text)
        case AIMessage():
            return Message(
                "assistant", text, tuple(ToolCall(call["name"], call["args"]) for call in message.tool_calls)
            )
        case ToolMessage():
            return Message("tool", text)
    raise ModelError(f"a message of type {message.type!r} cannot be put to the model")


def _to_tools(tools: Sequence[dict[str, Any]]) -> tuple[ToolSpec, ...]:
    functions = [tool["function"] for tool in tools]
    return tuple(ToolSpec(f["name"], f.get("description", ""), f.get("parameters", {})) for f in functions)
