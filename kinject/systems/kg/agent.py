"""A langchain agent over the graph's tools: built once, stateless, asked from any number of threads."""

import json
import time
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelCallLimitMiddleware, ToolCallLimitMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from kinject.lm.base import Completion
from kinject.lm.prompts import ABSTENTION, SYSTEM
from kinject.systems._answer import answer
from kinject.systems.kg.graph import line
from kinject.types import Answer, Evidence, Fact, Turn

# Each model call takes up to five steps of langgraph (call, two limits, tools); its own limit of 25 is for runaways.
_STEPS_A_CALL = 5


class Agent:
    """Calls tools until it answers or a limit ends it; an agent that was ended answers that it does not know.

    Evidence is every tool call with its result, scored 1.0 where the call was the model's own first choice and 0.0
    where the grammar had to correct it, and then every fact that the results show.
    """

    def __init__(
        self, model: BaseChatModel, tools: Sequence[BaseTool], max_model_calls: int = 6, max_tool_calls: int = 8
    ) -> None:
        limits: list[AgentMiddleware[Any, Any, Any]] = [
            ModelCallLimitMiddleware(run_limit=max_model_calls, exit_behavior="end"),
            ToolCallLimitMiddleware(run_limit=max_tool_calls, exit_behavior="continue"),
        ]
        self._steps: RunnableConfig = {"recursion_limit": _STEPS_A_CALL * (max_model_calls + 1)}
        self._agent: CompiledStateGraph[Any, Any, Any, Any] = create_agent(
            model, list(tools), system_prompt=SYSTEM, middleware=limits
        )

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        turns = [AIMessage(turn.text) if turn.role == "assistant" else HumanMessage(turn.text) for turn in history]
        state = self._agent.invoke({"messages": [*turns, HumanMessage(question)]}, self._steps)
        run: list[AnyMessage] = state["messages"][len(turns) + 1 :]
        completions = [c for message in run if (c := _completion(message))]
        last = run[-1]
        # A limit ends the run with a message that the model did not write, or in the middle of a call.
        answered = _completion(last) and not getattr(last, "tool_calls", ())
        text = (last.text if answered else "") or ABSTENTION
        return answer(text, completions, time.perf_counter() - started, _evidence(run))


def _completion(message: AnyMessage) -> Completion | None:
    found = message.response_metadata.get("completion")
    return found if isinstance(found, Completion) else None


def _evidence(run: Sequence[AnyMessage]) -> tuple[Evidence, ...]:
    results = {m.tool_call_id: m for m in run if isinstance(m, ToolMessage)}
    calls, shown = [], dict[str, Fact]()
    for message in run:
        completion = _completion(message)
        for call in message.tool_calls if isinstance(message, AIMessage) else ():
            result = results.get(call["id"] or "")
            score = float(completion.unconstrained) if completion else None
            calls.append(Evidence(_call(call["name"], call["args"]), result.text if result else "", score))
            shown |= {fact.id: fact for fact in (result.artifact if result else None) or ()}
    return (*calls, *(Evidence(f"fact {fact.id}", line(fact)) for fact in shown.values()))


def _call(name: str, arguments: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{k}={json.dumps(v, ensure_ascii=False)}' for k, v in arguments.items())})"
