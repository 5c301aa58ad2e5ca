"""What probe families share when they sum up records: accuracy with its penalties, error shares, calibration."""

from collections.abc import Callable, Sequence

import numpy as np

from kinject import stats
from kinject.types import Estimate, Outcome, Record

THRESHOLDS = (50, 75, 90)
ERRORS = {
    "stale": "was true of the subject at another date",
    "confused": "is another entity's value",
    "in_domain": "has the right shape, but nobody here has that value",
    "fabricated": "is no value of the relation at all",
    "several": "names more than one value",
    "incomplete": "leaves out items of a list",
    "unparsed": "states nothing that could be read",
}
ACCURACY_METRICS = {
    "accuracy": "share of right answers",
    "attempt_rate": "share of probes answered, rightly or not, instead of abstaining",
    "accuracy_when_attempted": "share of right answers among those attempted",
    "f": "harmonic mean of accuracy and accuracy when attempted (SimpleQA)",
    **{
        f"score_{t}": f"right answers count 1, abstentions 0, wrong ones -{t}/{100 - t}: guess only if {t} % sure"
        for t in THRESHOLDS
    },
    **{f"error_{name}": f"share of answers that are wrong because the answer {text}" for name, text in ERRORS.items()},
}
CALIBRATION_METRICS = {
    "auroc": "chance that a right attempted answer has a higher confidence than a wrong one",
    "brier": "mean squared distance of confidence from being right, attempted answers",
    "accuracy_at_80_coverage": "share of right answers among the 80 % most confident attempted ones",
    "aurc": "area under the risk-coverage curve of attempted answers: mean error rate over all coverages",
    "ece": "expected calibration error of attempted answers, ten bins of equal mass; never without auroc",
}


def accuracy(records: Sequence[Record]) -> dict[str, Estimate]:
    """ACCURACY_METRICS of the first answers."""
    right = [float(is_right(record)) for record in records]
    attempted = [float(is_attempted(record)) for record in records]
    about = clusters(records)
    found = {
        "accuracy": stats.clustered_rate(right, about),
        "attempt_rate": stats.clustered_rate(attempted, about),
        "accuracy_when_attempted": stats.clustered_ratio(right, attempted, about),
        "f": stats.clustered_ratio([2 * r for r in right], [1 + a for a in attempted], about),
    }
    for percent in THRESHOLDS:
        penalty = percent / (100 - percent)
        points = [r - penalty * (a - r) for r, a in zip(right, attempted, strict=True)]
        found[f"score_{percent}"] = stats.clustered_mean(points, about, (-penalty, 1.0))
    return found | {f"error_{name}": estimate for name, estimate in errors(records).items()}


def errors(records: Sequence[Record]) -> dict[str, Estimate]:
    """The share of each of ERRORS; they add up to the share of wrong answers."""
    about = clusters(records)
    kinds = [record.verdicts[0].error for record in records]
    return {name: stats.clustered_rate([float(kind == name) for kind in kinds], about) for name in ERRORS}


def calibration(records: Sequence[Record]) -> dict[str, Estimate]:
    """CALIBRATION_METRICS of the first answers that were attempted; an abstention has no right or wrong.

    Answers of a model that tells no probabilities have no confidence to be judged.
    """
    known = [record for record in records if record.answers[0].confidence_method != "unavailable"]
    tried = [record for record in known if is_attempted(record)]
    confidence = [record.answers[0].confidence for record in tried]
    right, about = [is_right(record) for record in tried], clusters(tried)
    # Resampling, so a generator of its own: the same records have the same interval.
    rng = np.random.default_rng(0)
    return {
        "auroc": stats.auroc(confidence, right, about),
        "brier": stats.brier(confidence, right, about),
        "accuracy_at_80_coverage": stats.accuracy_at_coverage(confidence, right, about, 0.8),
        "aurc": stats.area_under_risk_coverage(confidence, right, about, rng),
        "ece": stats.calibration_error(confidence, right, about, rng),
    }


def refusal_gap(unanswerable: Sequence[Record], answerable: Sequence[Record]) -> Estimate:
    """Abstentions from what has no answer less those from its look-alike, as `pair` names it."""
    refused = {(r.probe.id, r.seed): float(not is_attempted(r)) for r in answerable}
    paired = [record for record in unanswerable if (record.probe.pair, record.seed) in refused]
    own = [float(not is_attempted(record)) for record in paired]
    other = [refused[record.probe.pair, record.seed] for record in paired]
    return stats.paired_difference(own, other, clusters(paired))


def share(records: Sequence[Record], holds: Callable[[Record], bool]) -> Estimate:
    return stats.clustered_rate([float(holds(record)) for record in records], clusters(records))


def drop(easy: Sequence[Record], hard: Sequence[Record]) -> Estimate:
    """Accuracy of the easy ones less that of the hard ones whose `pair` they are."""
    right = {(record.probe.id, record.seed): float(is_right(record)) for record in easy}
    paired = [record for record in hard if (record.probe.pair, record.seed) in right]
    before = [right[record.probe.pair, record.seed] for record in paired]
    return stats.paired_difference(before, [float(is_right(record)) for record in paired], clusters(paired))


def clusters(records: Sequence[Record]) -> list[str]:
    """The entity that each record is about; seeds and phrasings of one entity belong together."""
    return [record.probe.subject or record.probe.id for record in records]


def is_right(record: Record) -> bool:
    return record.verdicts[0].outcome is Outcome.CORRECT


def is_due(record: Record) -> bool:
    """Right where there is something to know, an abstention where there is nothing."""
    return is_right(record) if record.probe.gold else not is_attempted(record)


def is_attempted(record: Record) -> bool:
    return record.verdicts[0].outcome is not Outcome.NOT_ATTEMPTED
