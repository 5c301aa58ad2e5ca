"""What crosses the wire, as pydantic models: these are the OpenAPI document, with an example each.

They mirror kinject.types but are their own: the wire stays as it is when the inside changes. They answer nothing.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from kinject.confidence import Auto, Gated
from kinject.corpus.dating import FIRST_DAY
from kinject.types import Role, Turn

TURN: dict[str, Any] = {"role": "user", "text": "What is the weight of Borealis 3?"}
EVIDENCE: dict[str, Any] = {
    "source": "get_fact(Borealis 3, weight)",
    "text": "Borealis 3 --weight--> 1.2 kg",
    "score": None,
}
ASK: dict[str, Any] = {"system": "kg", "question": "What is the weight of Borealis 3?", "history": []}
ANSWER: dict[str, Any] = {
    "system": "kg",
    "question": "What is the weight of Borealis 3?",
    "on": None,
    "answer": "1.2 kg",
    "confidence": 0.97,
    "confidence_method": "sequence_probability",
    "calibrated_confidence": 0.91,
    "withheld": False,
    "evidence": [EVIDENCE],
    "latency_ms": 41.5,
    "usage": {"prompt_tokens": 212, "completion_tokens": 31, "model_calls": 2, "seconds": 0.04},
    "history": [TURN, {"role": "assistant", "text": "1.2 kg"}],
}

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
MinConfidence = Annotated[
    Annotated[float, Field(gt=0, le=1)] | Auto | None,
    Field(
        description="withhold answers that are right with a lesser chance, as calibrated by the study; auto: the "
        "threshold that the study chose (default: every answer is given)",
        examples=[0.8],
    ),
]


def _as_written(day: object) -> object:
    # pydantic would also take a number of seconds, and a time of day.
    if not (isinstance(day, date) or (isinstance(day, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day))):
        raise ValueError("write the day as 2024-05-03")
    return day


Day = Annotated[date, Field(ge=FIRST_DAY), BeforeValidator(_as_written)]
On = Annotated[
    Day | None,
    Field(
        description="put the question as of this day, from 1000-01-01 on (default: as it stands)",
        examples=["2024-05-03"],
    ),
]
Stream = Annotated[
    bool, Field(description="answer in Server-sent events: `text` with a `delta`, then `answer`, or `error`")
]


class TurnModel(BaseModel):
    """One turn of a dialogue."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": TURN})

    role: Role
    text: Filled

    def turn(self) -> Turn:
        return Turn(self.role, self.text)


def _alternating(history: tuple[TurnModel, ...]) -> tuple[TurnModel, ...]:
    roles = [turn.role for turn in history]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        found = ", ".join(roles[:8])
        raise ValueError(f"history must alternate user, assistant and end with assistant; found {found}")
    return history


History = Annotated[tuple[TurnModel, ...], AfterValidator(_alternating)]


class NoQuery(BaseModel):
    """The query of a route that takes none, so that a misspelt parameter is an error everywhere."""

    model_config = ConfigDict(extra="forbid")


class AskQuery(BaseModel):
    """The query of GET /ask."""

    model_config = ConfigDict(extra="forbid")

    system: Annotated[Filled, Field(description="a system of the run: /systems lists them", examples=["kg"])]
    question: Annotated[Filled, Field(examples=[ASK["question"]])]
    on: On = None
    min_confidence: MinConfidence = None
    stream: Stream = False


class PostQuery(BaseModel):
    """The query of POST /ask: the system may be named there rather than in the body, `min_confidence` only there."""

    model_config = ConfigDict(extra="forbid")

    system: Annotated[Filled | None, Field(description="instead of the body's `system`", examples=["kg"])] = None
    min_confidence: MinConfidence = None
    stream: Stream = False


class AskRequest(BaseModel):
    """The body of POST /ask. The service keeps no dialogue: send back the `history` of the last answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": ASK})

    system: Annotated[Filled | None, Field(description="or ?system= in the address")] = None
    question: Filled
    history: History = ()
    on: On = None


class EvidenceModel(BaseModel):
    """What the answer rests on: a passage with its score, a tool call with its result, or a graph edge.

    `supports` says whether it states the value of the answer; null where that was not checked.
    """

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": EVIDENCE})

    source: str
    text: str
    score: float | None = None
    supports: bool | None = None


class UsageModel(BaseModel):
    """What the answer cost; tokens are summed over every call to the model."""

    model_config = ConfigDict(from_attributes=True)

    prompt_tokens: int
    completion_tokens: int
    model_calls: int
    seconds: float


class AskResponse(BaseModel):
    """An answer with its evidence. `latency_ms` includes the wait in the queue.

    `calibrated_confidence` is the chance that it is right, as among the study's own questions: null for an abstention,
    and in a run that is not calibrated. Where it is below `min_confidence`, the answer is `withheld`: an abstention
    stands in its place and in `history`. To read what the model said, ask without `min_confidence`.
    `history` has the question as the system heard it: with `on`, that names the day.
    """

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})

    system: str
    question: str
    on: date | None
    answer: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    confidence_method: str
    calibrated_confidence: Annotated[float, Field(ge=0, le=1)] | None
    withheld: bool
    evidence: tuple[EvidenceModel, ...]
    latency_ms: float
    usage: UsageModel
    history: tuple[TurnModel, ...]


class TextEvent(BaseModel):
    """A piece of what is being answered, as a stream's event `text`; the event `answer` after them has all of it."""

    delta: str


class SystemModel(BaseModel):
    """A system of the run; `loaded` says whether it has answered since the service started."""

    name: str
    loaded: bool


class SystemsResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"corpus": "catalog", "systems": [{"name": "kg", "loaded": True}], "allow_edits": False}
        }
    )

    corpus: str
    systems: tuple[SystemModel, ...]
    allow_edits: bool = False


class HealthResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: str = "ok"


class Problem(BaseModel):
    """An RFC 9457 problem. `systems` lists the known names where an unknown one was asked for.

    `request_id` is that of the header X-Request-ID, and of what the service logs.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"title": "Unknown system", "status": 422, "detail": "no 'kgg' in systems"}}
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    systems: tuple[str, ...] | None = None
    request_id: str | None = None


def response(name: str, asked: AskRequest, gated: Gated, latency_ms: float, said: str = "") -> AskResponse:
    """The answer as it goes out, with the dialogue so far ready to be sent back; `said` is what the system heard."""
    answer = gated.answer
    return AskResponse(
        system=name,
        question=asked.question,
        on=asked.on,
        answer=answer.text,
        confidence=answer.confidence,
        confidence_method=answer.confidence_method,
        calibrated_confidence=gated.calibrated,
        withheld=gated.withheld,
        evidence=tuple(EvidenceModel.model_validate(each) for each in answer.evidence),
        latency_ms=round(latency_ms, 3),
        usage=UsageModel.model_validate(answer.usage),
        history=(*asked.history, *_turns(said or asked.question, answer.text)),
    )


def _turns(question: str, answer: str) -> Sequence[TurnModel]:
    # An empty answer is said as an ellipsis: a dialogue that is sent back must have text in every turn.
    return TurnModel(role="user", text=question), TurnModel(role="assistant", text=answer.strip() or "...")
