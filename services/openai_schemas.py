"""What OpenAI's clients send below /v1 and read there, as far as this service has it.

Parameters that could only change how something is drawn are taken and have no effect: systems answer as the study asked
them, greedily. One that would be missed (tools, several choices, JSON) is refused, and so is one that nobody knows.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt

from .schemas import MinConfidence, On

MOST_TOKENS = 131_072
MOST_PROMPTS = 128
MESSAGE: dict[str, Any] = {"role": "user", "content": "What is the weight of Borealis 3?"}
CHAT: dict[str, Any] = {"model": "kinject/kg", "messages": [MESSAGE]}
COMPLETE: dict[str, Any] = {"model": "kinject/sft", "prompt": "Borealis 3 weighs", "max_tokens": 8, "logprobs": 1}


def _a_number(value: object) -> object:
    # To Python, and so to Literal, true is 1 and false is 0.
    if isinstance(value, bool):
        raise ValueError("found a truth value where a number belongs")
    return value


def _said_so(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


One = Annotated[Literal[1], BeforeValidator(_a_number)]
MaxTokens = Annotated[StrictInt, Field(ge=1, le=MOST_TOKENS)]
Stop = str | Annotated[tuple[str, ...], Field(max_length=16)] | None


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    include_usage: StrictBool = False
    include_obfuscation: StrictBool = False


class Drawn(BaseModel):
    """Parameters without effect here, which OpenAI's clients and chat pages send all the same."""

    temperature: Annotated[StrictFloat | None, Field(ge=0, le=2, allow_inf_nan=False)] = None
    top_p: Annotated[StrictFloat | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    top_k: StrictInt | None = None
    min_p: Annotated[StrictFloat | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    presence_penalty: Annotated[StrictFloat | None, Field(ge=-2, le=2, allow_inf_nan=False)] = None
    frequency_penalty: Annotated[StrictFloat | None, Field(ge=-2, le=2, allow_inf_nan=False)] = None
    repetition_penalty: Annotated[StrictFloat | None, Field(gt=0, allow_inf_nan=False)] = None
    seed: StrictInt | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: StrictBool | None = None
    service_tier: str | None = None


class Part(BaseModel):
    """A part of a message; only text is read, so that a picture is refused and not overlooked."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message. Those of system and developer are taken and not passed on: each system has its own instruction."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": MESSAGE})

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[Part, ...] | None = None

    @property
    def text(self) -> str:
        content = self.content or ""
        return (content if isinstance(content, str) else "\n".join(part.text for part in content)).strip()


class ResponseFormat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]


class ChatRequest(Drawn):
    """The body of POST /v1/chat/completions: OpenAI's, and below them what /ask has beyond it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": CHAT})

    model: str
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1)]
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    stop: Stop = None
    n: One | None = None
    logprobs: Annotated[Literal[False], BeforeValidator(_said_so)] | None = None
    top_logprobs: Annotated[Literal[0], BeforeValidator(_a_number)] | None = None
    logit_bias: Annotated[dict[str, StrictFloat] | None, Field(max_length=0)] = None
    tools: Annotated[tuple[Any, ...] | None, Field(max_length=0)] = None
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: ResponseFormat | None = None
    modalities: tuple[Literal["text"], ...] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    on: On = None
    min_confidence: MinConfidence = None


TokenIds = tuple[StrictInt, ...]


class CompletionRequest(Drawn):
    """The body of POST /v1/completions. `prompt` is text or token ids, or several of either."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": COMPLETE})

    model: str
    prompt: (
        str
        | Annotated[TokenIds, Field(min_length=1)]
        | Annotated[tuple[str, ...] | tuple[TokenIds, ...], Field(min_length=1, max_length=MOST_PROMPTS)]
    )
    max_tokens: Annotated[StrictInt | None, Field(ge=0, le=MOST_TOKENS)] = 16
    echo: StrictBool | None = None
    logprobs: Annotated[StrictInt | None, Field(ge=0, le=20)] = None
    stop: Stop = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    n: One | None = None
    best_of: One | None = None
    suffix: Annotated[str | None, Field(max_length=0)] = None
    logit_bias: Annotated[dict[str, StrictFloat] | None, Field(max_length=0)] = None

    @property
    def prompts(self) -> tuple[str | TokenIds, ...]:
        if isinstance(self.prompt, str):
            return (self.prompt,)
        if isinstance(self.prompt[0], int):
            return (self.prompt,)
        return self.prompt


class ModelCard(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"id": "kinject/kg", "object": "model"}})

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["kinject"] = "kinject"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: tuple[ModelCard, ...]


class TokenUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Citation(BaseModel):
    """What the answer rests on; `number` is that of its footnote."""

    number: int
    source: str
    text: str
    score: float | None
    supports: bool | None


class Said(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    citations: tuple[Citation, ...]


class ChatChoice(BaseModel):
    index: Literal[0] = 0
    message: Said
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Certainty(BaseModel):
    """What only kinject has: how sure the system is, and what of the request had no effect."""

    system: str
    answer: str
    confidence: float
    confidence_method: str
    calibrated_confidence: float | None
    withheld: bool
    ignored: tuple[str, ...]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[ChatChoice]
    usage: TokenUsage
    kinject: Certainty


class Logprobs(BaseModel):
    """One entry a token; of a first token nothing is known."""

    tokens: tuple[str, ...]
    token_logprobs: tuple[float | None, ...]
    top_logprobs: tuple[dict[str, float] | None, ...]
    text_offset: tuple[int, ...]


class TextChoice(BaseModel):
    index: int
    text: str
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"] | None


class TextCompletion(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    usage: TokenUsage | None
