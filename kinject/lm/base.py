"""The one small protocol through which everything reaches a language model.

It says nothing of where the model runs: `local` batches on this machine, `remote` calls a URL, tests use a fake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Finish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat; `role` is system, user, assistant or tool. A tool message carries a result."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


def are_valid(calls: Sequence[ToolCall], tools: Sequence[ToolSpec]) -> bool:
    """Whether each call names one of the tools, with the arguments that this must have and no others."""
    schemas = {tool.name: tool.parameters for tool in tools}
    return all(
        call.name in schemas
        and set(schemas[call.name].get("required", ()))
        <= set(call.arguments)
        <= set(schemas[call.name].get("properties", ()))
        for call in calls
    )


MAX_NEW_TOKENS = 128  # a tool call with a day takes 70 to 85 tokens of a small vocabulary


@dataclass(frozen=True, slots=True)
class Chat:
    """A request: decoding of at most `max_new_tokens` after the messages, greedy outside of `kinject.lm.sampling`.

    With tools, the completion is either text or calls whose arguments satisfy the tools' schemas.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_new_tokens: int = MAX_NEW_TOKENS


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said. `log_probabilities` has one natural logarithm a generated token, the end included.

    `unconstrained` is False where the tools' grammar changed at least one token from the model's own first
    choice: the share of True is the validity that the model would have had without a grammar. A remote server may
    give no log-probabilities, or those without the end; it counts its tokens in `reported_tokens`.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    prompt_tokens: int = 0
    finish: Finish = "stop"
    unconstrained: bool = True
    reported_tokens: int = 0

    @property
    def log_probability(self) -> float:
        return sum(self.log_probabilities)

    @property
    def tokens(self) -> int:
        """How many were generated."""
        return self.reported_tokens or len(self.log_probabilities)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a manifest records of a model; `parameters` and `context_window` are 0 where nobody says (remote models)."""

    name: str
    fingerprint: str
    parameters: int
    context_window: int
    details: dict[str, Any] = field(default_factory=dict)


class LM(Protocol):
    """A causal language model behind its chat template. Methods block and may be called from many threads.

    info = model.info
    completion = model.complete(Chat((Message("user", "What is the weight of Borealis 3?"),)))
    """

    @property
    def info(self) -> ModelInfo: ...

    def complete(self, chat: Chat) -> Completion:
        """Raises PromptTooLongError, OverloadedError or ModelError."""
        ...

    def log_probability(self, chat: Chat, answer: str) -> float:
        """Natural log-probability of `answer` (and of ending there) as the assistant's next message."""
        ...
