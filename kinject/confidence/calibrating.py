"""From signals to the chance of being right: which method tells right from wrong best, and by what curve.

Everything is chosen on dev cases. Platt's curve, which hybrid takes, has the shape of a logistic, which margins and
shares need not have; the steps of isotonic regression tie answers that the signal tells apart. So the centres of the
steps are joined by lines: centred isotonic regression (Oron & Flournoy 2017, arXiv:1701.05964).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from kinject import stats
from kinject.confidence.cases import Case, methods_of
from kinject.confidence.signals import METHODS

TARGET_RISK = 0.1


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through the points (x, y), both rising; level before the first and after the last."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, signal: float) -> float:
        return float(np.interp(signal, self.x, self.y))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How sure one system is: `curve` takes the signal of `method` to the chance that an attempted answer is right.

    Of the dev answers that were at least `threshold` sure, `target_risk` at most were wrong. It is 1, which no answer
    reaches, where that holds for none. `dev_auroc` has every method; None where all answers were right, or all wrong.
    """

    method: str
    curve: Curve
    threshold: float
    target_risk: float
    dev_n: int
    dev_auroc: dict[str, float | None]

    def confidence(self, signals: Mapping[str, float]) -> float:
        return self.curve(signals.get(self.method, 0.0))


def calibrate(dev: Sequence[Case], target_risk: float = TARGET_RISK) -> Calibration:
    """By the method of the best AUROC; without any answer, every answer has an even chance."""
    areas = {method: _auroc(dev, method) for method in methods_of(dev)}
    method = max(areas, key=lambda name: areas[name] or 0.0, default=next(iter(METHODS)))
    curve = fit(dev, method)
    return Calibration(method, curve, _threshold(dev, method, curve, target_risk), target_risk, len(dev), areas)


def fit(dev: Sequence[Case], method: str) -> Curve:
    """The curve of one method, with one more right answer at the least signal and one more wrong one at the greatest.

    So no chance is 0 or 1, and a signal that tells nothing is Laplace's rule of succession.
    """
    signal = np.array([0.0, *(case.signal(method) for case in dev), 1.0])
    right = np.array([1.0, *(float(case.right) for case in dev), 0.0])
    x, place = np.unique(signal, return_inverse=True)
    weight = np.bincount(place).astype(float)
    found = isotonic_regression(np.bincount(place, right) / weight, weights=weight)
    starts = found.blocks[:-1]
    centres = np.add.reduceat(x * weight, starts) / np.add.reduceat(weight, starts)
    return Curve(tuple(centres.tolist()), tuple(found.x[starts].tolist()))


def _auroc(cases: Sequence[Case], method: str) -> float | None:
    area = stats.auroc([case.signal(method) for case in cases], [case.right for case in cases]).value
    return None if math.isnan(area) else area


def _threshold(dev: Sequence[Case], method: str, curve: Curve, target_risk: float) -> float:
    """The lowest confidence that holds the risk, so that as many as possible are answered."""
    sure = [curve(case.signal(method)) for case in dev]
    if not sure:
        return 1.0
    points = stats.risk_coverage(sure, [case.right for case in dev])
    levels = zip(sorted(set(sure), reverse=True), points, strict=True)
    return min((level for level, (_, risk) in levels if risk <= target_risk), default=1.0)
