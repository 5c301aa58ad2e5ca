"""From a part's confidence to the chance that it is right, and from which value on the first part is taken at its word.

The probability of a tool call with its answer and that of an answer alone cannot be compared as they are.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from kinject.store import artifact_is, new_artifact, write_whole
from kinject.systems.hybrid.config import Config
from kinject.systems.hybrid.dev import Tried
from kinject.systems.hybrid.parts import Site

_FILE = "calibration.json"
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """A logistic curve over the log-odds of confidence; as it is made, confidence itself."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, confidence: float) -> float:
        return 1 / (1 + math.exp(-(self.slope * _log_odds(confidence) + self.intercept)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scales of the first part and of the one after it, and the first one's threshold."""

    first: Scale
    second: Scale
    threshold: float


def fit(tried: Sequence[Tried]) -> Scale:
    """Platt's calibration (1999) of the answers that were given, with his counts of one more right and one more wrong.

    Without answers every confidence is an even chance.
    """
    given = [one for one in tried if one.answered]
    if not given:
        return Scale(0.0, 0.0)
    right = np.array([one.right for one in given])
    hits, misses = int(right.sum()), int((~right).sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2))
    scores = np.array([[_log_odds(one.confidence)] for one in given])
    found = LogisticRegression().fit(
        np.concatenate([scores, scores]),
        np.repeat([1, 0], len(given)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return Scale(float(found.coef_[0, 0]), float(found.intercept_[0]))


def threshold(scores: Sequence[float], first: Sequence[Tried], second: Sequence[Tried]) -> float:
    """The score from which on the first part's answers are kept, so that most are right; of equals the lowest.

    What the first part does not answer always goes to the second.
    """

    def right(least: float) -> int:
        return sum(
            one.right if one.answered and score >= least else two.right
            for score, one, two in zip(scores, first, second, strict=True)
        )

    given = {score for score, one in zip(scores, first, strict=True) if one.answered}
    never = math.nextafter(max(given, default=0.0), math.inf)
    return max(sorted({0.0, *given, never}), key=right)


def of(scores: Sequence[float], first: Sequence[Tried], second: Sequence[Tried]) -> Calibration:
    return Calibration(fit(first), fit(second), threshold(scores, first, second))


def settled(site: Site, config: Config, measure: Callable[[], Calibration]) -> Calibration:
    """What was measured at the first build with these options, with the threshold that is given, if one is."""
    found = Calibration(Scale(), Scale(), config.threshold)
    if config.dev:
        folder, fingerprint = site.store / "calibration", site.fingerprint(config)
        if not artifact_is(folder, fingerprint):
            measured = measure()
            with new_artifact(folder, fingerprint) as unfinished:
                write_whole(unfinished / _FILE, json.dumps(asdict(measured)))
        row = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        found = Calibration(Scale(**row["first"]), Scale(**row["second"]), config.threshold or row["threshold"])
    return found


def _log_odds(confidence: float) -> float:
    within = min(max(confidence, _SMALLEST), 1 - _SMALLEST)
    return math.log(within / (1 - within))
