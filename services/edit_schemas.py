"""The wire shapes of an edit: one fact as it shall be, and how far each system has followed."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from kinject.types import Estimate

from .browse_schemas import ESTIMATE, EstimateModel
from .editing import Asked, Edit, Progress, State
from .schemas import Day

Short = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]*$")
]
EDIT: dict[str, Any] = {"subject": "Vontriq 20", "relation": "price", "object": "299 EUR", "on": "2026-11-27"}


class EditRequest(BaseModel):
    """The body of POST /edit: `object` holds from the day `on`, by default from the corpus's now.

    `old` says which of several values it replaces.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EDIT})

    subject: Short
    relation: Short
    object: Short
    on: Day | None = None
    old: Short | None = None


class BegunResponse(BaseModel):
    """GET /edit/{id} tells how far it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": "9f86d081884c7d65"}})

    id: str


class AskedModel(BaseModel):
    """What a system says about the changed fact; shares of questions about it, and of others (`unchanged_right`)."""

    answer: str | None
    confidence: float | None
    stale: EstimateModel
    right: EstimateModel
    unchanged_right: EstimateModel


class SystemProgress(BaseModel):
    """`state` ends as fresh (it says the new value), stale (an old one), other (neither) or failed (left as it was).

    `seconds` is what its update took, `fresh_after_s` since the edit was sent. `answer` is what it says now.
    """

    name: str
    state: State
    answer: str | None
    stage: str
    done: int
    total: int
    seconds: float | None
    fresh_after_s: float | None
    before: AskedModel | None
    after: AskedModel | None
    damage: EstimateModel | None
    problem: str


class EditResponse(BaseModel):
    """An edit: `old` became `new`. `run` is the id of the new run, "" until there is one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "9f86d081884c7d65",
                "subject": "Vontriq 20",
                "relation": "price",
                "old": "319 EUR",
                "new": "299 EUR",
                "done": True,
                "seconds": 12.5,
                "run": "catalog-updated",
                "problem": "",
                "systems": [
                    {
                        "name": "kg",
                        "state": "fresh",
                        "answer": "299 EUR",
                        "stage": "",
                        "done": 0,
                        "total": 0,
                        "seconds": 0.02,
                        "fresh_after_s": 1.4,
                        "before": {
                            "answer": "319 EUR",
                            "confidence": 0.97,
                            "stale": ESTIMATE,
                            "right": ESTIMATE,
                            "unchanged_right": ESTIMATE,
                        },
                        "after": None,
                        "damage": ESTIMATE,
                        "problem": "",
                    }
                ],
            }
        }
    )

    id: str
    subject: str
    relation: str
    old: str
    new: str
    done: bool
    seconds: float | None
    run: str
    problem: str
    systems: tuple[SystemProgress, ...]


def progress(edit: Edit) -> EditResponse:
    return EditResponse(
        id=edit.id,
        subject=edit.change.subject,
        relation=edit.change.relation,
        old=", ".join(edit.old),
        new=edit.new,
        done=edit.done,
        seconds=edit.seconds,
        run=edit.run,
        problem=edit.problem,
        systems=tuple(_system(one) for one in edit.systems.values()),
    )


def _system(one: Progress) -> SystemProgress:
    before, after = _asked(one.before), _asked(one.after)
    now = after or before
    told = {name: getattr(one, name) for name in ("name", "state", "stage", "done", "total", "problem")}
    return SystemProgress(
        answer=now.answer if now else None,
        seconds=one.seconds,
        fresh_after_s=one.fresh_after_s,
        before=before,
        after=after,
        damage=_estimate(one.damage) if one.damage else None,
        **told,
    )


def _asked(asked: Asked | None) -> AskedModel | None:
    if asked is None:
        return None
    answer, shares = asked.answer, _all(asked.shares)
    return AskedModel(
        answer=answer.text if answer else None,
        confidence=answer.confidence if answer else None,
        stale=shares["stale"],
        right=shares["right"],
        unchanged_right=shares["unchanged_right"],
    )


def _all(shares: Mapping[str, Estimate]) -> dict[str, EstimateModel]:
    return {name: _estimate(estimate) for name, estimate in shares.items()}


def _estimate(estimate: Estimate) -> EstimateModel:
    """The rate of nothing has no value, and JSON has no NaN."""
    value, low, high = (None if math.isnan(one) else one for one in (estimate.value, estimate.low, estimate.high))
    return EstimateModel(value=value, low=low, high=high, n=estimate.n)
