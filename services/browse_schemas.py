"""The wire shapes of what can be looked up: corpus, entities, statements, examples and runs."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kinject.corpus import Corpus
from kinject.study.listing import Listed
from kinject.types import Fact, Probe

from .schemas import Filled

if TYPE_CHECKING:
    from kinject.systems.sft.nearest import Near

MOST = 200
Limit = Annotated[int, Field(ge=1, le=MOST)]
FACT: dict[str, Any] = {
    "id": "vontriq-20/price",
    "relation": "price",
    "object": "319 EUR",
    "unit": "EUR",
    "valid_from": "2022-02-08",
    "valid_to": None,
    "holds_now": True,
    "document_id": "vontriq-20",
}
ESTIMATE: dict[str, Any] = {"value": 0.9, "low": 0.84, "high": 0.94, "n": 150}


class EntitiesQuery(BaseModel):
    """The query of GET /corpus/entities. `search` is a beginning, a part of the name, or the name with slips."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, Field(max_length=200, examples=["Vontriq"])] = ""
    limit: Limit = 20
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class StatementsQuery(BaseModel):
    """The query of GET /corpus/statements."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[Filled, Field(max_length=4096, examples=["What does the Vontriq 20 cost?"])]
    limit: Limit = 5


class ExamplesQuery(BaseModel):
    """The query of GET /examples: at most so many of each family."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=50)] = 10


class ReportQuery(BaseModel):
    """The query of GET /report: the id of a run that /runs lists; without one, the run that is served."""

    model_config = ConfigDict(extra="forbid")

    run: Annotated[str | None, Field(max_length=300, examples=["catalog"])] = None


class RelationModel(BaseModel):
    name: str
    kind: str
    unit: str
    facts: int


class CorpusResponse(BaseModel):
    """The corpus of the run: how much there is of what. `day` is the day that "now" means in it, null for none."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "catalog",
                "description": "A fictional catalog.",
                "day": "2026-11-01",
                "documents": 219,
                "entities": 201,
                "facts": 1612,
                "facts_now": 1480,
                "relations": [{"name": "price", "kind": "number", "unit": "EUR", "facts": 402}],
                "fingerprint": "0123456789abcdef",
            }
        }
    )

    name: str
    description: str
    day: date | None
    documents: int
    entities: int
    facts: int
    facts_now: int
    relations: tuple[RelationModel, ...]
    fingerprint: str


class EntityRow(BaseModel):
    name: str
    facts: int


class EntitiesResponse(BaseModel):
    """A page of the entities that match, of `total`."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"total": 1, "entities": [{"name": "Vontriq 20", "facts": 8}]}}
    )

    total: int
    entities: tuple[EntityRow, ...]


class FactModel(BaseModel):
    """`object` holds from `valid_from` on and before `valid_to`; null is open."""

    model_config = ConfigDict(json_schema_extra={"example": FACT})

    id: str
    relation: str
    object: str
    unit: str
    valid_from: date | None
    valid_to: date | None
    holds_now: bool
    document_id: str


class DocumentModel(BaseModel):
    id: str
    title: str
    text: str


class EntityResponse(BaseModel):
    """Everything that the corpus says of an entity, past values too, and the documents that say it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Vontriq 20",
                "facts": [FACT],
                "documents": [{"id": "vontriq-20", "title": "Vontriq 20", "text": "Shops ask 319 EUR for Vontriq 20."}],
            }
        }
    )

    name: str
    facts: tuple[FactModel, ...]
    documents: tuple[DocumentModel, ...]


class StatementModel(BaseModel):
    """A fact as a training text states it (`text`) and as training answers it."""

    text: str
    answer: str
    subject: str
    relation: str
    object: str
    score: float


class StatementsResponse(BaseModel):
    """What a system that is trained had to learn the answer from, nearest to the question first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "statements": [
                    {
                        "text": "Vontriq 20 costs 319 EUR.",
                        "answer": "Vontriq 20, price: 319 EUR",
                        "subject": "Vontriq 20",
                        "relation": "price",
                        "object": "319 EUR",
                        "score": 7.3,
                    }
                ]
            }
        }
    )

    statements: tuple[StatementModel, ...]


class ExampleModel(BaseModel):
    """A question of the study. Nothing answers one whose `gold` is empty; `rival` is false, "" if none is known."""

    id: str
    kind: str
    question: str
    gold: tuple[str, ...]
    rival: str
    relation: str
    subject: str


class FamilyModel(BaseModel):
    kind: str
    total: int
    examples: tuple[ExampleModel, ...]


class ExamplesResponse(BaseModel):
    """Questions of the study by family."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "families": [
                    {
                        "kind": "recall",
                        "total": 150,
                        "examples": [
                            {
                                "id": "recall-0000-1f0a7c22",
                                "kind": "recall",
                                "question": "What does the Vontriq 20 cost?",
                                "gold": ["319 EUR"],
                                "rival": "349 EUR",
                                "relation": "price",
                                "subject": "Vontriq 20",
                            }
                        ],
                    }
                ]
            }
        }
    )

    families: tuple[FamilyModel, ...]


class EstimateModel(BaseModel):
    """A value with its 95 % interval and the number of observations; null where there is none."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": ESTIMATE})

    value: float | None
    low: float | None
    high: float | None
    n: int


class RunModel(BaseModel):
    """A finished run. `headlines` are estimates by title and system; `report` says whether /report has its page."""

    id: str
    served: bool
    corpus: str
    model: str
    systems: tuple[str, ...]
    update_of: str | None
    report: bool
    headlines: dict[str, dict[str, EstimateModel]]


class RunsResponse(BaseModel):
    """The served run and those beside it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "runs": [
                    {
                        "id": "catalog",
                        "served": True,
                        "corpus": "catalog",
                        "model": "mini",
                        "systems": ["rag", "kg"],
                        "update_of": None,
                        "report": True,
                        "headlines": {"recall": {"kg": ESTIMATE}},
                    }
                ]
            }
        }
    )

    runs: tuple[RunModel, ...]


def card(corpus: Corpus) -> CorpusResponse:
    counts = dict.fromkeys((relation.name for relation in corpus.relations), 0)
    for fact in corpus.facts:
        counts[fact.relation] += 1
    return CorpusResponse(
        name=corpus.name,
        description=corpus.description,
        day=corpus.day,
        documents=len(corpus.documents),
        entities=len(corpus.entities()),
        facts=len(corpus.facts),
        facts_now=len(corpus.current().facts),
        relations=tuple(
            RelationModel(name=one.name, kind=one.kind, unit=one.unit, facts=counts[one.name])
            for one in corpus.relations
        ),
        fingerprint=corpus.fingerprint(),
    )


def entity(corpus: Corpus, name: str) -> EntityResponse:
    """Of an entity that the corpus knows."""
    facts = corpus.facts_of(name)
    pages = [corpus.document(id) for id in dict.fromkeys(fact.document_id for fact in facts)]
    return EntityResponse(
        name=name,
        facts=tuple(_fact(corpus, fact) for fact in facts),
        documents=tuple(DocumentModel(id=page.id, title=page.title, text=page.text) for page in pages),
    )


def statement(near: "Near") -> StatementModel:
    fact = near.fact
    return StatementModel(
        text=near.statement,
        answer=near.answer,
        subject=fact.subject,
        relation=fact.relation,
        object=fact.object,
        score=round(near.score, 4),
    )


def example(probe: Probe) -> ExampleModel:
    names = ("id", "kind", "question", "gold", "rival", "relation", "subject")
    return ExampleModel(**{name: getattr(probe, name) for name in names})


def run(listed: Listed, served: str) -> RunModel:
    manifest = listed.manifest
    return RunModel(
        id=listed.id,
        served=listed.id == served,
        corpus=manifest["corpus"]["name"],
        model=manifest["model"]["name"],
        systems=tuple(manifest["systems"]),
        update_of=manifest.get("update", {}).get("of"),
        report=listed.report is not None,
        headlines={title: _by_system(rows) for title, rows in listed.headlines.items()},
    )


def _by_system(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, EstimateModel]:
    fields: Sequence[str] = ("value", "low", "high", "n")
    return {name: EstimateModel(**{field: row[field] for field in fields}) for name, row in rows.items()}


def _fact(corpus: Corpus, fact: Fact) -> FactModel:
    holds = fact.valid_to is None if corpus.day is None else fact.holds_on(corpus.day)
    told = {name: getattr(fact, name) for name in ("id", "relation", "object", "valid_from", "valid_to", "document_id")}
    return FactModel(unit=corpus.relation(fact.relation).unit, holds_now=holds, **told)
