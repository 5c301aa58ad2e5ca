"""Completions of the model to answers: what every system reports in the same way."""

import math
from collections.abc import Sequence

from kinject.lm.base import Completion
from kinject.types import Answer, Evidence, Usage


def answer(text: str, completions: Sequence[Completion], seconds: float, evidence: tuple[Evidence, ...] = ()) -> Answer:
    """An answer that cost these completions. Its confidence is the probability of all their tokens.

    A remote model may report that of its last words and not of the tool calls before them: then it is theirs alone,
    "answer_probability". Where it reports none, the confidence is 0 by the method "unavailable".
    """
    method, scored = _scored(completions)
    return Answer(
        text=text,
        confidence=min(1.0, math.exp(sum(c.log_probability for c in scored))) if scored else 0.0,
        evidence=evidence,
        usage=Usage(
            prompt_tokens=sum(c.prompt_tokens for c in completions),
            completion_tokens=sum(c.tokens for c in completions),
            model_calls=len(completions),
            seconds=seconds,
        ),
        confidence_method=method,
    )


def _scored(completions: Sequence[Completion]) -> tuple[str, Sequence[Completion]]:
    """How a confidence is obtained, and the completions whose tokens it is the probability of."""
    if completions and all(c.log_probabilities for c in completions):
        return "sequence_probability", completions
    if completions and completions[-1].log_probabilities:
        return "answer_probability", completions[-1:]
    return "unavailable", ()
