"""What ends a run that leads nowhere: calls that repeat themselves, and a budget of tokens.

The numbers of model calls and of tool calls are limited by langchain's own middleware. It knows nothing of the graph.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

# The first repetition is told to the model, which may then do better; a second one ends the run.
MAX_REPEATS = 2
_REPEATS = "cannot repeat "
_END = {"jump_to": "end"}

Ended = dict[str, Any] | None


def is_repeat(result: str) -> bool:
    """Whether a result says that the very same call was made before."""
    return result.startswith(_REPEATS)


class NoRepeats(AgentMiddleware[Any, Any, Any]):
    """A call with the name and the arguments of an earlier one of the same run is not made again."""

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        call = request.tool_call
        before = _calls(run_of(request.state["messages"]))
        earlier = (one for one in _until(before, call) if _same(one, call))
        if not any(earlier):
            return handler(request)
        text = f"{_REPEATS}{call['name']} with the same arguments: its result stands above"
        return ToolMessage(text, tool_call_id=call["id"], name=call["name"])

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> Ended:
        repeats = [one for one in run_of(state["messages"]) if isinstance(one, ToolMessage) and is_repeat(one.text)]
        return _END if len(repeats) >= MAX_REPEATS else None


class TokenBudget(AgentMiddleware[Any, Any, Any]):
    """No model call is begun once so many tokens were read and written in the run."""

    def __init__(self, max_tokens: int) -> None:
        super().__init__()
        self.max_tokens = max_tokens

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> Ended:
        said = [one for one in run_of(state["messages"]) if isinstance(one, AIMessage)]
        spent = sum(one.usage_metadata["total_tokens"] for one in said if one.usage_metadata)
        return _END if spent >= self.max_tokens else None


def run_of(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """The messages after the question; those before it are the dialogue so far."""
    asked = max(place for place, one in enumerate(messages) if isinstance(one, HumanMessage))
    return messages[asked + 1 :]


def _calls(run: Iterable[AnyMessage]) -> list[ToolCall]:
    return [call for message in run if isinstance(message, AIMessage) for call in message.tool_calls]


def _until(calls: Sequence[ToolCall], call: ToolCall) -> Sequence[ToolCall]:
    return calls[: next((n for n, one in enumerate(calls) if one["id"] == call["id"]), len(calls))]


def _same(one: ToolCall, other: ToolCall) -> bool:
    return one["name"] == other["name"] and _given(one) == _given(other)


def _given(call: ToolCall) -> str:
    """An argument that is left out and one that is empty say the same."""
    given = {name: value for name, value in call["args"].items() if value not in ("", None)}
    return json.dumps(given, sort_keys=True, ensure_ascii=False)
