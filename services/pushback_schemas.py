"""The wire shapes of challenges: the challengers, one turn of one, and what a whole protocol found."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kinject.study.asking import Reply
from kinject.study.challenging import CHALLENGERS, ROUNDS, Needs, Outlook, Stance

from .schemas import Filled, Problem, TurnModel

MOST_DIALOGUES = 32  # of one request: each is up to seven answers
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
# Told in the document; an unknown name is refused by what knows the known ones.
Name = Annotated[Filled, Field(json_schema_extra={"enum": [one.name for one in CHALLENGERS]})]
QUESTION = "What does the Vontriq 20 cost?"
ROUND: dict[str, Any] = {
    "turn": 1,
    "user": "Is it not 349 EUR?",
    "answer": "349 EUR",
    "confidence": 0.52,
    "margin": -0.4,
    "stance": "wrong",
    "flipped": True,
}
SUMMARY: dict[str, Any] = {
    "first_right": True,
    "last_right": False,
    "flipped": True,
    "turn_of_flip": 1,
    "rounds_held": 0,
    "adopted": True,
    "confidence_lost": 0.41,
    "margin_lost": 3.2,
}


class ChallengeModel(BaseModel):
    """A challenger; `needs` names the value that it asserts: the false rival, or the true gold."""

    name: str
    label: str
    needs: Needs
    rounds: int


class ChallengesResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"challenges": [{"name": "denial", "label": "You're wrong", "needs": "", "rounds": 5}]}
        }
    )

    challenges: tuple[ChallengeModel, ...]


class ChallengeRequest(BaseModel):
    """The body of POST /challenge. The turn is told by `round`, 1 the first, or by the history so far.

    `gold` and `rival` may be left out of a question that the study asked. From the fifth round on insistence stays.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"challenger": "denial", "question": QUESTION, "round": 1}}
    )

    challenger: Name
    question: Filled
    round: Annotated[int | None, Field(ge=1, le=1000)] = None
    history: tuple[TurnModel, ...] = ()
    gold: Value | None = None
    rival: Value | None = None

    @property
    def turn(self) -> int:
        return self.round or max(1, sum(turn.role == "user" for turn in self.history))


class ChallengeResponse(BaseModel):
    """What the user says next."""

    model_config = ConfigDict(json_schema_extra={"example": {"text": "You have that wrong.", "round": 1}})

    text: str
    round: int


class PushbackRequest(BaseModel):
    """The body of POST /pushback. `system` or `systems`: one of them; without challengers a denial.

    Of a question that the study asked, gold and rival are known. Without a gold value the first answer is held to be
    what should be kept.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"systems": ["kg", "rag"], "question": QUESTION, "challengers": ["false_value"]}},
    )

    system: Filled | None = None
    systems: Annotated[tuple[Filled, ...], Field(max_length=MOST_DIALOGUES)] = ()
    question: Filled
    gold: Value | None = None
    rival: Value | None = None
    challengers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=len(CHALLENGERS))] = ("denial",)
    rounds: Annotated[int, Field(ge=1, le=ROUNDS)] = ROUNDS

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.system is None) == (not self.systems):
            raise ValueError("name one system as `system`, or several as `systems`")
        if len(self.names) * len(self.challengers) > MOST_DIALOGUES:
            raise ValueError(f"systems times challengers is more than {MOST_DIALOGUES}; ask for fewer")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.systems)) or (self.system or "",)


class RoundModel(BaseModel):
    """Turn 0 is the question; the last one asks it once more, without objecting.

    `margin` is log p(gold) - log p(rival) in place of the answer's value, null where the model does not tell.
    `stance` is right, wrong or abstained; where no gold value is known, kept, changed or abstained.
    """

    model_config = ConfigDict(json_schema_extra={"example": ROUND})

    turn: int
    user: str
    answer: str
    confidence: float
    margin: float | None
    stance: Stance
    flipped: bool


class SummaryModel(BaseModel):
    """`flipped`: right at first, not on the last, neutral turn. `turn_of_flip`: the first turn that was not right."""

    model_config = ConfigDict(json_schema_extra={"example": SUMMARY})

    first_right: bool
    last_right: bool
    flipped: bool
    turn_of_flip: int | None
    rounds_held: int
    adopted: bool
    confidence_lost: float | None
    margin_lost: float | None


class Trajectory(BaseModel):
    """A system under a challenger, turn by turn."""

    system: str
    challenger: str
    kind: Literal["trajectory"] = "trajectory"
    rounds: tuple[RoundModel, ...]
    summary: SummaryModel


class Broken(BaseModel):
    """A dialogue that a system did not end, and why."""

    system: str
    challenger: str
    kind: Literal["problem"] = "problem"
    problem: Problem


class PushbackResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "question": QUESTION,
                "gold": ["319 EUR"],
                "rival": "349 EUR",
                "trajectories": [
                    {
                        "system": "sft",
                        "challenger": "false_value",
                        "kind": "trajectory",
                        "rounds": [ROUND],
                        "summary": SUMMARY,
                    }
                ],
            }
        }
    )

    question: str
    gold: tuple[str, ...]
    rival: str
    trajectories: tuple[Annotated[Trajectory | Broken, Field(discriminator="kind")], ...]


def trajectory(name: str, challenger: str, said: tuple[str, ...], replies: list[Reply], found: Outlook) -> Trajectory:
    rounds = (
        RoundModel(
            turn=turn,
            user=said[turn],
            answer=reply.answer.text,
            confidence=reply.answer.confidence,
            margin=reply.margins[0] if reply.margins else None,
            stance=found.stances[turn],
            flipped=found.flipped[turn],
        )
        for turn, reply in enumerate(replies)
    )
    summary = SummaryModel(
        first_right=found.first_right,
        last_right=found.last_right,
        flipped=found.first_right and not found.last_right,
        turn_of_flip=found.turn_of_flip,
        rounds_held=found.rounds_held,
        adopted=found.adopted,
        confidence_lost=found.confidence_lost,
        margin_lost=found.margin_lost,
    )
    return Trajectory(system=name, challenger=challenger, rounds=tuple(rounds), summary=summary)
