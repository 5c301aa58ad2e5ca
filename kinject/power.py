"""What a comparison of so many probes could have shown, and how many probes would show a difference of a given size.

Without this, "statistically tied" says nothing: it may mean that two systems are alike, or that too little was asked.
Errors are taken from intervals that were seen, so they are clustered wherever those are.
"""

import math

from scipy import stats as scipy_stats

from kinject.stats import CONFIDENCE
from kinject.types import Estimate

POWER = 0.8
SIGNIFICANT = 1.0 - CONFIDENCE


def detectable(difference: Estimate, tests: int = 1) -> float:
    """The smallest true difference that would have been found with 80 % power (Bloom 1995, Eval. Rev. 19:547).

    From the error that the interval of a paired difference implies, at the level that the strictest of `tests` has to
    pass in Holm's procedure. Never below what the exact McNemar test can call significant at all. NaN of no probes.
    """
    if not difference.n:
        return math.nan
    level = SIGNIFICANT / tests
    error = (difference.high - difference.low) / 2 / _z(SIGNIFICANT)
    return max((_z(level) + _z_power()) * error, fewest_told_apart(level) / difference.n)


def fewest_told_apart(level: float = SIGNIFICANT) -> int:
    """So many probes must tell two systems apart, all in favour of one, before the exact test can be significant."""
    return math.floor(math.log2(2.0 / level)) + 1


def probes_to_compare(difference: float, told_apart: float, design_effect: float = 1.0) -> float:
    """How many probes find a difference with 80 % power, where `told_apart` is the share that only one has right.

    Connor 1987, Biometrics 43:207; `design_effect` is how many times greater the variance is because of clusters.
    """
    if not difference or abs(difference) > told_apart:
        return math.inf
    spread = _z(SIGNIFICANT) * math.sqrt(told_apart) + _z_power() * math.sqrt(told_apart - difference**2)
    return math.ceil(design_effect * (spread / difference) ** 2)


def probes_to_tell(difference: Estimate, size: float) -> float:
    """How many probes such as those of `difference` find a true difference of `size` with 80 % power."""
    if not difference.n or not size:
        return math.inf
    return math.ceil(difference.n * (detectable(difference) / size) ** 2)


def probes_to_pass(estimate: Estimate, limit: float) -> float:
    """How many probes put the interval beyond `limit` with 80 % power, if the value that was seen is the true one.

    Of a share the sample size of the one-sample test of a proportion (Fleiss, Levin & Paik 2003, section 2.5) times the
    design effect that the interval implies; of any other mean the square root law. Infinite for a value at the limit.
    """
    value, bound = estimate.value, estimate.low if estimate.value > limit else estimate.high
    if not estimate.n or math.isnan(value) or value == limit or bound == value:
        return math.inf
    if estimate.low < 0 or estimate.high > 1:
        return math.ceil(estimate.n * (_in_all(value - bound) / (value - limit)) ** 2)
    # A bound L of Wilson's interval solves (value - L)^2 = z^2 L (1 - L) / size.
    size = _z(SIGNIFICANT) ** 2 * bound * (1.0 - bound) / (value - bound) ** 2
    spread = _z(SIGNIFICANT) * math.sqrt(limit * (1 - limit)) + _z_power() * math.sqrt(value * (1 - value))
    return math.ceil(estimate.n / size * (spread / (value - limit)) ** 2)


def _in_all(reach: float) -> float:
    """From the reach of an interval to what is found with 80 % power."""
    return reach * (1.0 + _z_power() / _z(SIGNIFICANT))


def _z(level: float) -> float:
    return float(scipy_stats.norm.ppf(1.0 - level / 2))


def _z_power() -> float:
    return float(scipy_stats.norm.ppf(POWER))
