"""The nouns that every part of kinject shares: frozen data and two protocols.

Nothing here reads a file, loads a model or draws a random number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

Kind = Literal["number", "date", "category", "text", "list", "identifier", "entity"]
Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Document:
    """A page of prose as a reader would find it."""

    id: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A kind of fact, with the sentences that state it and the questions that ask for it.

    Templates hold `{subject}`, `{object}` and, where they name a day, `{date}`. `train_questions` may be
    trained on; `test_questions` are the unseen phrasings that probes use. `inverse_questions` give the
    object and ask for the subject.
    """

    name: str
    kind: Kind
    statements: tuple[str, ...]
    train_questions: tuple[str, ...]
    test_questions: tuple[str, ...]
    inverse_questions: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A temporal quadruple: `object` holds for `subject` on the half-open range [valid_from, valid_to)."""

    id: str
    subject: str
    relation: str
    object: str
    document_id: str
    aliases: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer rests on: a passage, a graph edge, or a tool call with its result.

    `supports` says whether it states the value of the answer; None where that was not checked.
    """

    source: str
    text: str
    score: float | None = None
    supports: bool | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer cost; tokens are summed over every call to the model."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`confidence` is in [0, 1]; `confidence_method` says how it was obtained."""

    text: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    usage: Usage = field(default_factory=Usage)
    confidence_method: str = "sequence_probability"


@runtime_checkable
class System(Protocol):
    """One way to answer from injected knowledge. Stateless: the caller owns the history.

    class Echo:
        def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
            return Answer(question, confidence=0.0)
    """

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody wrote into a system's own source: `object` as a fact of the subject, `text` as a passage of prose.

    It is there from the turn `since` on: 0 is the question, 1 what the user says first after the answer to it.
    """

    subject: str
    relation: str
    object: str
    text: str
    since: int = 0


@runtime_checkable
class Claimable(System, Protocol):
    """A system whose own source can also hold a claim: an index takes it as a passage, a graph as an edge.

    What of it was seen is evidence by the source "document claim" or "fact claim".
    """

    def with_claim(self, claim: Claim) -> System: ...


CLAIM_ID = "claim"


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with its gold answers, known by construction. `gold == ()` means unanswerable.

    `subject` is the entity that the probe is about: intervals are clustered by it. `turns` are what the
    user says after the first answer, in order (pushback). `pair` names the look-alike probe of a 1:1 pair.
    `rival` is the false value that is set against the gold one, asserted or not. `claim` enters the system's own
    source; a system that has none is not asked.
    """

    id: str
    kind: str
    question: str
    gold: tuple[str, ...]
    facts: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    relation: str = ""
    subject: str = ""
    pair: str = ""
    variant: str = ""
    rival: str = ""
    claim: Claim | None = None


class Outcome(StrEnum):
    """SimpleQA's three outcomes (arXiv:2411.04368)."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and why it is incorrect: stale, confused, in_domain, fabricated, several, incomplete or unparsed.

    `named` are the values that were read from the answer.
    """

    outcome: Outcome
    error: str = ""
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One probe put to one system: the answer to every turn, and the verdict on each.

    `margins` are log p(gold) - log p(rival) in place of each answer's value, where the probe has a rival; None where
    the model's probabilities are not known.
    """

    study: str
    system: str
    seed: int
    probe: Probe
    answers: tuple[Answer, ...]
    verdicts: tuple[Verdict, ...]
    margins: tuple[float | None, ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.system, self.probe.id, self.seed)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and the number of observations; the rate of nothing is NaN with [0, 1]."""

    value: float
    low: float
    high: float
    n: int
