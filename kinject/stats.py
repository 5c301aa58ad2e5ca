"""Estimates with 95 % intervals, and tests for pairs of systems: every number that kinject prints comes from here.

The rate of nothing is NaN with [0, 1]. Intervals are by cluster (the entity that a probe is about) wherever
clusters are given: answers about one entity are not independent, and naive errors are up to three times too small.
Knows nothing of probes, verdicts or systems.
"""

import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from kinject.types import Estimate

CONFIDENCE = 0.95
_RESAMPLES = 400
_BINS = 10
_Z = float(scipy_stats.norm.ppf(0.5 + CONFIDENCE / 2))
Floats = NDArray[np.float64]


def wilson(successes: float, n: float) -> Estimate:
    """A proportion of independent trials, by Wilson's score interval (1927); n may be an effective size."""
    if n <= 0:
        return Estimate(math.nan, 0.0, 1.0, 0)
    rate = successes / n
    return Estimate(rate, *_wilson_interval(rate, n), round(n))


def clustered_rate(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """The mean of values in [0, 1], some of which belong together; n is their number."""
    return clustered_ratio(values, [1.0] * len(values), clusters)


def clustered_ratio(parts: Sequence[float], wholes: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """sum(parts) / sum(wholes), a share in [0, 1]; n is the number of observations with a whole.

    Wilson's interval at the effective sample size that the cluster-robust error implies, never above n (Dean &
    Pagano 2015, J. Surv. Stat. Methodol. 3:484). Where all agree there is no variance to see: then a cluster
    counts as one observation, and the interval is at least that of the rule of three.
    """
    part, whole = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    n = int(np.count_nonzero(whole))
    if n == 0:
        return Estimate(math.nan, 0.0, 1.0, 0)
    groups = len({cluster for cluster, one in zip(clusters, whole, strict=True) if one})
    share = float(part.sum() / whole.sum())
    error = _robust_error((part - share * whole) / whole.sum(), clusters)
    size = share * (1.0 - share) / error**2 if error > 0 else float(groups)
    return Estimate(share, *_wilson_interval(share, min(size, float(n))), n)


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable], bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """The mean of values within bounds, by Student's t on the clusters less one.

    Where all values agree there is no variance to see: the interval is what the rule of three allows for values
    at the bounds that were not seen. A single cluster tells nothing.
    """
    if len(values) == 0:
        return Estimate(math.nan, *bounds, 0)
    low, high = bounds
    mean, groups = float(np.mean(values)), len(set(clusters))
    if groups < 2:
        return Estimate(mean, low, high, len(values))
    if len(set(values)) == 1:
        reach = _wilson_interval(0.0, groups)[1] * max(high - mean, mean - low)
    else:
        reach = float(scipy_stats.t.ppf(0.5 + CONFIDENCE / 2, groups - 1)) * clustered_error(values, clusters)
    return Estimate(mean, max(low, mean - reach), min(high, mean + reach), len(values))


def clustered_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """The cluster-robust standard error of a mean (Miller 2024, arXiv:2411.00640), with the factor G / (G - 1)."""
    value = np.asarray(values, dtype=float)
    return _robust_error((value - value.mean()) / len(value), clusters)


def paired_difference(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """mean(a - b) of two systems' shares on the same probes, in [-1, 1]."""
    return clustered_mean([one - two for one, two in zip(a, b, strict=True)], clusters, (-1.0, 1.0))


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value that two systems are equally often the only one that is right."""
    if only_a + only_b == 0:
        return 1.0
    return float(scipy_stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def holm(pvalues: Sequence[float]) -> list[float]:
    """P-values adjusted for the family they belong to, in the order given (Holm 1979)."""
    adjusted, running = [0.0] * len(pvalues), 0.0
    for rank, index in enumerate(sorted(range(len(pvalues)), key=lambda i: pvalues[i])):
        running = max(running, min(1.0, (len(pvalues) - rank) * pvalues[index]))
        adjusted[index] = running
    return adjusted


def auroc(scores: Sequence[float], labels: Sequence[bool], clusters: Sequence[Hashable] | None = None) -> Estimate:
    """The chance that a true label has a higher score than a false one, ties counting half.

    DeLong's error (1988) on the logit scale, cluster-robust as in Obuchowski (1997). NaN without both labels.
    """
    score, label = np.asarray(scores, dtype=float), np.asarray(labels, dtype=bool)
    hits, misses = int(label.sum()), int((~label).sum())
    if not hits or not misses:
        return Estimate(math.nan, 0.0, 1.0, len(score))
    ranks = scipy_stats.rankdata(score)
    within = np.empty(len(score))
    within[label], within[~label] = scipy_stats.rankdata(score[label]), scipy_stats.rankdata(score[~label])
    # The share of the other label's scores that this one beats, or is beaten by.
    placement = np.where(label, (ranks - within) / misses, 1.0 - (ranks - within) / hits)
    area = float(placement[label].mean())
    influence = (placement - area) / np.where(label, hits, misses)
    error = _robust_error(influence, clusters or range(len(score)))
    if error == 0.0 or area in (0.0, 1.0):
        return Estimate(area, *_wilson_interval(area, min(hits, misses)), len(score))
    centre, reach = math.log(area / (1.0 - area)), _Z * error / (area * (1.0 - area))
    return Estimate(area, _sigmoid(centre - reach), _sigmoid(centre + reach), len(score))


def brier(confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[Hashable]) -> Estimate:
    """The mean squared distance of confidence from what came true (Brier 1950): 0 is best, 0.25 is a coin's."""
    return clustered_mean([(c - y) ** 2 for c, y in zip(confidences, correct, strict=True)], clusters, (0.0, 1.0))


def accuracy_at_coverage(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[Hashable], coverage: float = 0.8
) -> Estimate:
    """Accuracy on the most confident share of answers; all that tie with the last of them are in, and n says so."""
    if not confidences:
        return Estimate(math.nan, 0.0, 1.0, 0)
    last = sorted(confidences, reverse=True)[math.ceil(coverage * len(confidences)) - 1]
    kept = [(float(y), who) for c, y, who in zip(confidences, correct, clusters, strict=True) if c >= last]
    return clustered_rate([y for y, _ in kept], [who for _, who in kept])


def risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> list[tuple[float, float]]:
    """(coverage, error rate) as ever less confident answers are let in; answers that tie come in together."""
    coverage, risk = _risks(np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float))
    return list(zip(coverage.tolist(), risk.tolist(), strict=True))


def area_under_risk_coverage(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[Hashable], rng: np.random.Generator
) -> Estimate:
    """The mean error rate over all coverages (Geifman & El-Yaniv 2017); bootstrap interval over clusters."""
    return _bootstrap(_aurc, confidences, correct, clusters, rng)


def calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[Hashable], rng: np.random.Generator
) -> Estimate:
    """Expected calibration error over ten bins of equal mass; bootstrap interval over clusters.

    Low for a system that is always equally sure and right as often: never read it without AUROC.
    """
    return _bootstrap(_ece, confidences, correct, clusters, rng)


def d_prime(hits: Estimate, false_alarms: Estimate) -> Estimate:
    """z(hit rate) - z(false alarm rate): how well two kinds of claim are told apart; 0 for one deaf to both.

    Rates have the log-linear correction (Hautus 1995) in proportion to the two n, so that equal rates are told apart by
    nothing however unequal the n; the interval is that of Gourevitch & Galanter (1967).
    """
    if not hits.n or not false_alarms.n:
        return Estimate(math.nan, -math.inf, math.inf, 0)
    n = hits.n + false_alarms.n
    rates = [(e.value * n + 1.0) / (n + 2.0) for e in (hits, false_alarms)]
    scores = [float(scipy_stats.norm.ppf(rate)) for rate in rates]
    variance = sum(
        rate * (1.0 - rate) / (e.n * float(scipy_stats.norm.pdf(z)) ** 2)
        for rate, z, e in zip(rates, scores, (hits, false_alarms), strict=True)
    )
    value, reach = scores[0] - scores[1], _Z * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach, n)


def _wilson_interval(rate: float, n: float) -> tuple[float, float]:
    # scipy's binomtest takes whole numbers only, and an effective sample size is none.
    centre = (rate + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    return max(0.0, min(rate, centre - reach)), min(1.0, max(rate, centre + reach))


def _robust_error(influence: Floats, clusters: Sequence[Hashable]) -> float:
    """The standard error of an estimate from each observation's influence on it, summed by cluster."""
    index: dict[Hashable, int] = {}
    places = [index.setdefault(cluster, len(index)) for cluster in clusters]
    totals = np.bincount(places, weights=influence)
    groups = len(totals)
    return math.sqrt(groups / (groups - 1) * float(totals @ totals)) if groups > 1 else 0.0


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def _aurc(confidence: Floats, correct: Floats) -> float:
    coverage, risk = _risks(confidence, correct)
    return float(np.diff(coverage, prepend=0.0) @ risk)


def _risks(confidence: Floats, correct: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.diff(confidence[order], append=-math.inf)) + 1
    return ends / len(order), np.cumsum(1.0 - correct[order])[ends - 1] / ends


def _ece(confidence: Floats, correct: Floats) -> float:
    order = np.argsort(confidence, kind="stable")
    bins = np.array_split(order, min(_BINS, len(order)))
    gaps = [abs(float(confidence[b].mean() - correct[b].mean())) * len(b) for b in bins]
    return sum(gaps) / len(order)


def _bootstrap(
    statistic: Callable[[Floats, Floats], float],
    confidences: Sequence[float],
    correct: Sequence[bool],
    clusters: Sequence[Hashable],
    rng: np.random.Generator,
) -> Estimate:
    """The percentile interval of a statistic over whole clusters drawn with replacement."""
    confidence, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    members: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(place)
    if len(members) < 2:
        value = statistic(confidence, right) if members else math.nan
        return Estimate(value, 0.0, 1.0, len(confidence))
    groups = [np.asarray(group) for group in members.values()]

    def resampled(drawn: NDArray[np.int64]) -> float:
        places = np.concatenate([groups[group] for group in drawn])
        return statistic(confidence[places], right[places])

    found = scipy_stats.bootstrap(
        (np.arange(len(groups)),), resampled, n_resamples=_RESAMPLES, vectorized=False, method="percentile", rng=rng
    )
    low, high = map(float, found.confidence_interval)
    value = statistic(confidence, right)
    return Estimate(value, min(value, low), max(value, high), len(confidence))
