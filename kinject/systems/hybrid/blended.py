"""One answer out of those of several parts: the text of one of them, and what all of them cost and rest on."""

from collections.abc import Sequence
from dataclasses import replace

from kinject.systems.hybrid.calibration import Scale
from kinject.types import Answer, Evidence, Usage

_BY = "answered by "


def blended(name: str, taken: Answer, scale: Scale, reason: str, asked: Sequence[Answer]) -> Answer:
    """The answer of the part of this name, with its calibrated confidence; the first evidence says why it was taken."""
    known = taken.confidence_method != "unavailable" and scale != Scale()
    return replace(
        taken,
        confidence=scale(taken.confidence) if known else taken.confidence,
        evidence=(Evidence(f"{_BY}{name}", reason), *(evidence for answer in asked for evidence in answer.evidence)),
        usage=_sum([answer.usage for answer in asked]),
        confidence_method="calibrated" if known else taken.confidence_method,
    )


def answered_by(answer: Answer) -> str:
    """The part whose answer was taken; '' where none was, as the dialogue was too long."""
    found = (one.source.removeprefix(_BY) for one in answer.evidence if one.source.startswith(_BY))
    return next(found, "")


def _sum(parts: Sequence[Usage]) -> Usage:
    return Usage(
        prompt_tokens=sum(one.prompt_tokens for one in parts),
        completion_tokens=sum(one.completion_tokens for one in parts),
        model_calls=sum(one.model_calls for one in parts),
        seconds=sum(one.seconds for one in parts),
    )
