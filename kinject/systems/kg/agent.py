"""A langchain agent over the graph's tools: built once, stateless, asked from any number of threads."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelCallLimitMiddleware, ToolCallLimitMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from kinject.lm.base import Completion
from kinject.lm.prompts import ABSTENTION, SYSTEM
from kinject.systems._answer import answer
from kinject.systems.kg.graph import Graph, line
from kinject.systems.kg.limits import NoRepeats, TokenBudget, is_repeat, run_of
from kinject.systems.kg.tools import Offer, make_tools
from kinject.types import Answer, Claim, Evidence, Fact, Turn

MAX_EDGES = 50  # facts that an answer carries; how many more there were is said
EDGE, MORE_EDGES, STOPPED = "fact ", "facts left out", "stopped"  # sources of evidence that is no call
# Each model call takes up to seven steps of langgraph (call, limits, tools); its own limit of 25 is for runaways.
_STEPS_A_CALL = 7


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one answer; `max_tokens` of 0 is none."""

    max_model_calls: int = 6
    max_tool_calls: int = 8
    max_tokens: int = 0


class Agent:
    """Calls tools until it answers or a limit ends it; an agent that was ended answers that it does not know.

    Evidence is every tool call with its result, scored 1.0 where the call was the model's own first choice and 0.0
    where the grammar had to correct it; then every fact that the results show or rest on; then what ended the run.
    """

    def __init__(self, model: BaseChatModel, graph: Graph, limits: Limits, offer: Offer = "basic") -> None:
        """`graph` is what the tools look into; who judges the answers may need to know what was in it."""
        middleware: list[AgentMiddleware[Any, Any, Any]] = [
            NoRepeats(),  # first: a run that both this and a limit would end was ended by its repetitions
            ModelCallLimitMiddleware(run_limit=limits.max_model_calls, exit_behavior="end"),
            ToolCallLimitMiddleware(run_limit=limits.max_tool_calls, exit_behavior="continue"),
            *([TokenBudget(limits.max_tokens)] if limits.max_tokens else []),
        ]
        self.graph = graph
        self._over = partial(Agent, model, limits=limits, offer=offer)
        self._steps: RunnableConfig = {"recursion_limit": _STEPS_A_CALL * (limits.max_model_calls + 1)}
        self._agent: CompiledStateGraph[Any, Any, Any, Any] = create_agent(
            model, make_tools(graph, offer), system_prompt=SYSTEM, middleware=middleware
        )

    def with_claim(self, claim: Claim) -> "Agent":
        """The same agent over the same graph, which also holds the claim as an edge."""
        return self._over(self.graph.with_claim(claim))

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        started = time.perf_counter()
        turns = [AIMessage(turn.text) if turn.role == "assistant" else HumanMessage(turn.text) for turn in history]
        state = self._agent.invoke({"messages": [*turns, HumanMessage(question)]}, self._steps)
        run = run_of(state["messages"])
        completions = [c for message in run if (c := _completion(message))]
        last = run[-1]
        # A limit ends the run with a message that the model did not write, or in the middle of a call.
        answered = _completion(last) and not getattr(last, "tool_calls", ())
        text = (last.text if answered else "") or ABSTENTION
        evidence = (*_evidence(run), *(() if answered else (Evidence(STOPPED, _why_stopped(last)),)))
        return answer(text, completions, time.perf_counter() - started, evidence)


def _completion(message: AnyMessage) -> Completion | None:
    found = message.response_metadata.get("completion")
    return found if isinstance(found, Completion) else None


def _why_stopped(last: AnyMessage) -> str:
    if isinstance(last, ToolMessage):
        return "the same call again and again" if is_repeat(last.text) else "the budget of tokens was spent"
    return "the limit of calls was reached"


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
    edges = [Evidence(f"{EDGE}{fact.id}", line(fact)) for fact in list(shown.values())[:MAX_EDGES]]
    more = [Evidence(MORE_EDGES, f"{len(shown) - MAX_EDGES} more")] if len(shown) > MAX_EDGES else []
    return (*calls, *edges, *more)


def _call(name: str, arguments: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{k}={json.dumps(v, ensure_ascii=False)}' for k, v in arguments.items())})"
