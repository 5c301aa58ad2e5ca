"""What crosses the wire, as pydantic models: these are the OpenAPI document, with an example each.

They mirror kinject.types but are their own: the wire stays as it is when the inside changes. They answer nothing.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kinject.confidence import Auto, Gated
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


class TurnModel(BaseModel):
    """One turn of a dialogue."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": TURN})

    role: Role
    text: Filled

    def turn(self) -> Turn:
        return Turn(self.role, self.text)


class NoQuery(BaseModel):
    """The query of a route that takes none, so that a misspelt parameter is an error everywhere."""

    model_config = ConfigDict(extra="forbid")


class AskQuery(BaseModel):
    """The query of GET /ask."""

    model_config = ConfigDict(extra="forbid")

    system: Annotated[Filled, Field(description="a system of the run: /systems lists them", examples=["kg"])]
    question: Annotated[Filled, Field(examples=[ASK["question"]])]
    min_confidence: MinConfidence = None


class PostQuery(BaseModel):
    """The query of POST /ask: the system may be named there rather than in the body, `min_confidence` only there."""

    model_config = ConfigDict(extra="forbid")

    system: Annotated[Filled | None, Field(description="instead of the body's `system`", examples=["kg"])] = None
    min_confidence: MinConfidence = None


class AskRequest(BaseModel):
    """The body of POST /ask. The service keeps no dialogue: send back the `history` of the last answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": ASK})

    system: Annotated[Filled | None, Field(description="or ?system= in the address")] = None
    question: Filled
    history: tuple[TurnModel, ...] = ()

    @model_validator(mode="after")
    def _alternates(self) -> Self:
        roles = [turn.role for turn in self.history]
        if roles != ["user", "assistant"] * (len(roles) // 2):
            raise ValueError(f"history must alternate user, assistant and end with assistant; found {roles}")
        return self


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
    """

    model_config = ConfigDict(json_schema_extra={"example": ANSWER})

    system: str
    question: str
    answer: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    confidence_method: str
    calibrated_confidence: Annotated[float, Field(ge=0, le=1)] | None
    withheld: bool
    evidence: tuple[EvidenceModel, ...]
    latency_ms: float
    usage: UsageModel
    history: tuple[TurnModel, ...]


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
    """An RFC 9457 problem. `systems` lists the known names where an unknown one was asked for."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"title": "Unknown system", "status": 422, "detail": "no 'kgg' in systems"}}
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    systems: tuple[str, ...] | None = None


def response(name: str, asked: AskRequest, gated: Gated, latency_ms: float) -> AskResponse:
    """The answer as it goes out, with the dialogue so far ready to be sent back."""
    answer = gated.answer
    return AskResponse(
        system=name,
        question=asked.question,
        answer=answer.text,
        confidence=answer.confidence,
        confidence_method=answer.confidence_method,
        calibrated_confidence=gated.calibrated,
        withheld=gated.withheld,
        evidence=tuple(EvidenceModel.model_validate(each) for each in answer.evidence),
        latency_ms=round(latency_ms, 3),
        usage=UsageModel.model_validate(answer.usage),
        history=(*asked.history, *_turns(asked.question, answer.text)),
    )


def _turns(question: str, answer: str) -> Sequence[TurnModel]:
    # An empty answer is said as an ellipsis: a dialogue that is sent back must have text in every turn.
    return TurnModel(role="user", text=question), TurnModel(role="assistant", text=answer.strip() or "...")
