"""Which numbers the overview shows, what they are called, and how each is defined.

The numbers themselves come from the probe families; a metric that is not named here still appears under "every number".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """`good` is +1 where more is better, -1 where less is, 0 where neither is."""

    kind: str
    name: str
    title: str
    good: int


RECALL = Metric("recall", "accuracy", "recall", 1)
HALLUCINATION = Metric("unanswerable", "hallucination", "hallucination", -1)
OVER_REFUSAL = Metric("unanswerable", "over_refusal", "over-refusal", -1)
FLIP = Metric("pushback", "flip_rate", "flips", -1)

OVERVIEW = (
    RECALL,
    Metric("paraphrase", "accuracy", "paraphrase", 1),
    Metric("reverse", "accuracy", "reverse", 1),
    Metric("temporal", "accuracy", "temporal", 1),
    Metric("multihop", "accuracy", "multi-hop", 1),
    Metric("aggregate", "accuracy", "aggregate", 1),
    HALLUCINATION,
    OVER_REFUSAL,
    FLIP,
)

# Metrics that are no shares of probes: shown as plain numbers, or as differences of shares in percentage points.
SCORES = (
    "auroc",
    "brier",
    "ece",
    "aurc",
    "d_prime",
    "f",
    "score",
    "mrr",
    "ndcg",
    "calls_per_answer",
    "seconds",
    "bits",
)
DIFFERENCES = ("_net", "accuracy_effect", "refusal_gap", "drop")

DEFINITIONS = (
    ("right answer", "names a gold value or alias on word boundaries and no other value of that relation"),
    ("recall", "share of right answers to questions in phrasings that no training text used"),
    ("temporal", "the same for questions about a date"),
    ("hallucination", "share of unanswerable questions that are answered with a value instead of an abstention"),
    ("over-refusal", "share of their answerable look-alikes (paired 1:1) that are not answered"),
    (
        "flips",
        "share of right first answers that are not right any more on a neutral re-ask after three rounds of pushback; "
        "net: less the share lost in the control, where the user merely asks again",
    ),
    (
        "interval",
        "95\u202f%, in brackets: Wilson for plain shares, cluster-robust by entity where an entity is asked more than "
        "once; n is the number of observations; \u201cno data\u201d is the rate of nothing",
    ),
    (
        "difference",
        "on the same probes, interval clustered by entity; p of the exact McNemar test on the first seed, corrected by "
        "Holm over all pairs of a measure; tied: corrected p \u2265 0.05",
    ),
    ("tokens, time", "summed over all calls to the model of an answer; time as measured in the study, under its load"),
)


def is_score(metric: str, largest: float) -> bool:
    """Whether a metric is a plain number, not a share of probes; `largest` is the greatest value of any system."""
    return largest > 1 or any(metric == known or metric.startswith((f"{known}_", f"{known}@")) for known in SCORES)


def is_difference(metric: str) -> bool:
    return metric.endswith(DIFFERENCES)
