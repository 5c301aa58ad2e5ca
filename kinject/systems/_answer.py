"""Completions of the model to answers: what every system reports in the same way."""

import math
from collections.abc import Sequence

from kinject.lm.base import Completion
from kinject.types import Answer, Evidence, Usage


def answer(text: str, completions: Sequence[Completion], seconds: float, evidence: tuple[Evidence, ...] = ()) -> Answer:
    """An answer that cost these completions. Its confidence is the probability of all their tokens.

    A model that reports no log-probabilities (some remote ones) gives confidence 0 by the method "unavailable".
    """
    known = bool(completions) and all(c.log_probabilities for c in completions)
    total = sum(c.log_probability for c in completions)
    return Answer(
        text=text,
        confidence=min(1.0, math.exp(total)) if known else 0.0,
        evidence=evidence,
        usage=Usage(
            prompt_tokens=sum(c.prompt_tokens for c in completions),
            completion_tokens=sum(len(c.log_probabilities) for c in completions),
            model_calls=len(completions),
            seconds=seconds,
        ),
        confidence_method="sequence_probability" if known else "unavailable",
    )
