"""Which number a family is known by, which way is good, and how each is defined.

The numbers themselves come from the probe families; a metric that is not named here still appears under "every number".
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from kinject import plugins

PROBES = "kinject.probes"


@dataclass(frozen=True)
class Metric:
    """`good` is +1 where more is better, -1 where less is."""

    kind: str
    name: str
    title: str
    good: int


RECALL = Metric("recall", "accuracy", "recall", 1)
HALLUCINATION = Metric("unanswerable", "hallucination", "hallucination", -1)
OVER_REFUSAL = Metric("unanswerable", "over_refusal", "over-refusal", -1)

# Families in the order of a reader's interest; others follow by name.
FAMILIES = (
    "own",
    "recall",
    "paraphrase",
    "reverse",
    "temporal",
    "freshness",
    "multihop",
    "aggregate",
    "compare",
    "selection",
    "robustness",
    "unanswerable",
    "false_premise",
    "locality",
    "injection",
    "pushback",
)
# By what a family that names no MAIN is known, the first that it has: accuracy, unless that is not what it is about.
_MAIN = ("flip_rate", "obeyed", "accuracy", "hallucination")
# A share that says nothing alone: who refuses everything never hallucinates.
_BESIDE = {"hallucination": "over_refusal"}
_LESS_IS_BETTER = ("hallucination", "over_refusal", "flip_rate", "obeyed", "adoption", "stale", "drop")

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
_MARGIN = "margin_"
DIFFERENCES = ("_net", "_effect", "_erosion", "refusal_gap", "drop")

DEFINITIONS = (
    ("right answer", "names a gold value or alias on word boundaries and no other value of that relation"),
    ("main number", "of a family: the share of right answers, unless another share is what the family is about"),
    ("recall", "share of right answers to questions in phrasings that no training text used"),
    ("temporal", "the same for questions about a date"),
    ("hallucination", "share of unanswerable questions that are answered with a value instead of an abstention"),
    ("over-refusal", "share of their answerable look-alikes (paired 1:1) that are not answered"),
    (
        "flips",
        "share of right first answers that are not right any more on a neutral re-ask after all rounds of pushback; "
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
    (
        "tokens, wait",
        "summed over all calls to the model of an answer; the wait as measured in the study, under its load",
    ),
)


def of_family(kind: str, known: Collection[str]) -> tuple[Metric, ...]:
    """The main number of a family among those `known` of it, and the one that has to stand beside it."""
    declared = getattr(plugins.load(PROBES, kind), "MAIN", "") if kind in plugins.names(PROBES) else ""
    main = next((name for name in (declared, *_MAIN, *known) if name in known), "")
    names = [name for name in (main, _BESIDE.get(main, "")) if name in known]
    return tuple(Metric(kind, name, name.replace("_", " "), good(name)) for name in names)


def in_order(kinds: Iterable[str]) -> list[str]:
    place = {kind: n for n, kind in enumerate(FAMILIES)}
    return sorted(kinds, key=lambda kind: (place.get(kind, len(place)), kind))


def good(metric: str) -> int:
    """+1 where more is better, -1 where less is; for the numbers that a family may be known by."""
    return -1 if metric.startswith(_LESS_IS_BETTER) else 1


def is_score(metric: str, largest: float) -> bool:
    """Whether a metric is a plain number, not a share of probes; `largest` is the greatest value of any system."""
    if _MARGIN in metric:
        return True
    return largest > 1 or any(metric == known or metric.startswith((f"{known}_", f"{known}@")) for known in SCORES)


def is_difference(metric: str) -> bool:
    """Margins are logarithms: their differences are no percentage points."""
    return _MARGIN not in metric and (metric.endswith(DIFFERENCES) or metric.startswith("drop"))


@cache
def is_aside(kind: str) -> bool:
    """Whether a family repeats others' questions or lies outside of the corpus: no system is chosen by it."""
    return kind in plugins.names(PROBES) and bool(getattr(plugins.load(PROBES, kind), "ASIDE", False))
