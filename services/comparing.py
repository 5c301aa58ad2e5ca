"""What /compare reads and writes: one question to several systems, each with its own dialogue."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .schemas import ANSWER, ASK, AskResponse, Filled, History, MinConfidence, On, Problem

Systems = Annotated[
    tuple[Filled, ...] | None,
    Field(min_length=1, description="systems of the run, each once (default: all)", examples=[["rag", "kg"]]),
]
CompareStream = Annotated[
    bool, Field(description="answer in Server-sent events: `answer` or `error` for each system as it is ready, `done`")
]
FAILED: dict[str, Any] = {
    "system": "rag",
    "problem": {"title": "System unavailable", "status": 503, "detail": "systems/rag is not whole"},
}


class _Several(BaseModel):
    model_config = ConfigDict(extra="forbid")

    systems: Systems = None
    question: Annotated[Filled, Field(examples=[ASK["question"]])]
    on: On = None
    min_confidence: MinConfidence = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.systems and len(set(self.systems)) < len(self.systems):
            raise ValueError("name each system once")
        return self


class CompareQuery(_Several):
    """The query of GET /compare; `systems` may be repeated."""

    stream: CompareStream = False


class CompareRequest(_Several):
    """The body of POST /compare. Each system goes on from its own history, as its last answer has it."""

    model_config = ConfigDict(json_schema_extra={"example": {"systems": ["rag", "kg"], "question": ASK["question"]}})

    histories: Annotated[dict[str, History], Field(description="by system; one that is left out has none")] = {}


class StreamQuery(BaseModel):
    """The query of POST /compare."""

    model_config = ConfigDict(extra="forbid")

    stream: CompareStream = False


class Failed(BaseModel):
    """A system that gave no answer, and why."""

    model_config = ConfigDict(json_schema_extra={"example": FAILED})

    system: str
    problem: Problem


class CompareResponse(BaseModel):
    """An answer or a problem for each system, in the order in which they were named."""

    model_config = ConfigDict(json_schema_extra={"example": {"answers": [ANSWER, FAILED]}})

    answers: tuple[AskResponse | Failed, ...]


class Done(BaseModel):
    """The last event of a stream: how many systems have answered, and how many have not."""

    answered: int
    failed: int
