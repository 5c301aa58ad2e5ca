"""What the test half says of each method, and of the calibration that the dev half chose."""

from collections.abc import Sequence

import numpy as np

from kinject import stats
from kinject.confidence.calibrating import Calibration, fit
from kinject.confidence.cases import Case, Halves, methods_of
from kinject.types import Estimate

COVERAGE = 0.8
METRICS = {
    "auroc_*": "chance that a right answer has a greater signal of this method than a wrong one",
    "aurc_*": "mean error rate over all coverages where answers are kept by this method",
    "brier_before": "mean squared distance from being right of the confidence that the system itself gives",
    "brier": "the same of the calibrated confidence",
    "ece": "expected calibration error of the calibrated confidence, ten bins of equal mass",
    "coverage": "share of attempted answers that are as sure as the threshold asks",
    "accuracy_at_threshold": "share of right answers among these",
}


def measured(split: Halves, chosen: Calibration) -> dict[str, Estimate]:
    """METRICS of one system's test half; auroc and aurc for each method that it has."""
    about, right = _entities(split.test), _right(split.test)
    found: dict[str, Estimate] = {}
    for method in methods_of(split.dev):
        signal = _signal(split.test, method)
        found[f"auroc_{method}"] = stats.auroc(signal, right, about)
        found[f"aurc_{method}"] = stats.area_under_risk_coverage(signal, right, about, _rng())
        if method == "probability":
            found["brier_before"] = stats.brier(signal, right, about)
    sure = [chosen.confidence(case.signals) for case in split.test]
    found["brier"] = stats.brier(sure, right, about)
    found["ece"] = stats.calibration_error(sure, right, about, _rng())
    return found | at_threshold(split.test, chosen)


def at_threshold(test: Sequence[Case], chosen: Calibration) -> dict[str, Estimate]:
    """How many are answered where less sure ones are withheld, and how many of them are right."""
    about = _entities(test)
    kept = [float(chosen.confidence(case.signals) >= chosen.threshold) for case in test]
    right = [float(case.right and k) for case, k in zip(test, kept, strict=True)]
    return {
        "coverage": stats.clustered_rate(kept, about),
        "accuracy_at_threshold": stats.clustered_ratio(right, kept, about),
    }


def of_method(split: Halves, method: str) -> dict[str, Estimate]:
    """One method on the test half, by a curve of its own from the dev half."""
    about, right, signal = _entities(split.test), _right(split.test), _signal(split.test, method)
    curve = fit(split.dev, method)
    sure = [curve(one) for one in signal]
    return {
        "auroc": stats.auroc(signal, right, about),
        "aurc": stats.area_under_risk_coverage(signal, right, about, _rng()),
        "brier": stats.brier(sure, right, about),
        "ece": stats.calibration_error(sure, right, about, _rng()),
        "accuracy_at_80_coverage": stats.accuracy_at_coverage(signal, right, about, COVERAGE),
    }


def _signal(cases: Sequence[Case], method: str) -> list[float]:
    return [case.signal(method) for case in cases]


def _right(cases: Sequence[Case]) -> list[bool]:
    return [case.right for case in cases]


def _entities(cases: Sequence[Case]) -> list[str]:
    return [case.entity for case in cases]


def _rng() -> np.random.Generator:
    """Resampling, so a generator of its own: the same cases have the same interval."""
    return np.random.default_rng(0)
