"""The signals of an answer by method: what every model tells, and what the system's plugin reads from its evidence.

Each is in [0, 1] with 0 for the least sure, and none is a chance of being right before it is calibrated.
"""

from kinject import plugins
from kinject.types import Answer

_SYSTEMS = "kinject.systems"
# Where two methods are as good as each other, the first is taken.
METHODS = {
    "probability": "the confidence that the system itself gives: the probability of all tokens that it generated",
    "token_probability": "the same a token, as a geometric mean, so that long answers do not look unsure",
    "retrieval_margin": "by how much the first passage leads the best one of another document",
    "passage_support": "1 / rank of the first passage that states the answer",
    "tool_success": "share of the tool calls that found something, halved where the last does not state the answer",
    "self_consistency": "share of sampled answers that say the same; it costs as many answers more",
}


def signals_of(system: str, answer: Answer) -> dict[str, float]:
    """What this answer of this system has of METHODS; self_consistency no answer has by itself."""
    own = getattr(plugins.load(_SYSTEMS, system), "signals", None)
    found: dict[str, float] = own(answer) if own else {}
    if answer.confidence_method != "unavailable":
        found["probability"] = answer.confidence
    if answer.confidence_method == "sequence_probability" and (tokens := answer.usage.completion_tokens):
        found["token_probability"] = answer.confidence ** (1 / tokens)
    return found
