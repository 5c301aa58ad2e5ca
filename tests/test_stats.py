"""Estimates against published worked examples, and what they promise at the edges."""

import math
import random

import numpy as np
import pytest

from kinject import stats
from kinject.types import Estimate


def rounded(estimate: Estimate, digits: int = 4) -> tuple[float, float, float]:
    return round(estimate.value, digits), round(estimate.low, digits), round(estimate.high, digits)


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        (81, 263, (0.3080, 0.2553, 0.3662)),
        (15, 148, (0.1014, 0.0624, 0.1605)),
        (0, 20, (0.0, 0.0, 0.1611)),
        (1, 29, (0.0345, 0.0061, 0.1718)),
    ],
)
def test_wilson_gives_newcombes_examples(successes, n, expected):  # Newcombe 1998, Stat. Med. 17:857, table I
    assert rounded(stats.wilson(successes, n)) == expected


@pytest.mark.parametrize("estimate", [stats.wilson(0, 0), stats.clustered_rate([], []), stats.auroc([], [])])
def test_rate_of_nothing_is_nan_with_the_whole_interval(estimate):
    assert math.isnan(estimate.value)
    assert (estimate.low, estimate.high, estimate.n) == (0.0, 1.0, 0)


def test_clustered_error_is_millers_formula():  # arXiv:2411.00640, times G / (G - 1)
    values, clusters = [1, 1, 0, 0, 1, 0, 1, 1], [0, 0, 0, 1, 1, 2, 2, 3]
    mean, n, groups = sum(values) / 8, 8, 4
    pairs = [(i, j) for i in range(n) for j in range(n) if clusters[i] == clusters[j]]
    total = sum((values[i] - mean) * (values[j] - mean) for i, j in pairs)
    assert stats.clustered_error(values, clusters) == pytest.approx(math.sqrt(groups / (groups - 1) * total) / n)


def test_asking_everything_twice_does_not_narrow_the_interval():
    values = [1, 1, 1, 0, 1, 0, 1, 1, 0, 1] * 5
    once = stats.clustered_rate(values, range(50))
    twice = stats.clustered_rate(values * 2, [*range(50)] * 2)
    naive = stats.clustered_rate(values * 2, range(100))
    assert rounded(twice)[1:] == pytest.approx(rounded(once)[1:], abs=0.005)
    assert naive.high - naive.low < 0.8 * (twice.high - twice.low)


def test_rate_without_variance_counts_a_cluster_as_one_observation():
    clusters = [i // 5 for i in range(100)]
    assert stats.clustered_rate([1.0] * 100, clusters) == Estimate(1.0, stats.wilson(20, 20).low, 1.0, 100)


def test_nothing_seen_in_n_allows_at_least_three_in_n():  # the rule of three
    assert all(stats.clustered_rate([0.0] * n, range(n)).high >= 0.95 * 3 / n for n in (30, 100, 400))


def test_clustered_rate_covers_the_truth_about_95_times_in_100():
    rng, hits = random.Random(5), 0
    for _ in range(400):
        chances = [rng.betavariate(4, 2) for _ in range(60)]
        values = [float(rng.random() < chance) for chance in chances for _ in range(4)]
        estimate = stats.clustered_rate(values, [i // 4 for i in range(240)])
        hits += estimate.low <= 4 / 6 <= estimate.high
    assert 0.92 <= hits / 400 <= 0.98


def test_ratio_has_the_wholes_as_its_n():
    estimate = stats.clustered_ratio([1, 0, 1, 0], [1, 1, 1, 0], range(4))
    assert (round(estimate.value, 4), estimate.n) == (0.6667, 3)


def test_mean_is_students_interval_where_each_value_is_its_own_cluster():
    # The sleep data of Student 1908: 10 differences, mean 1.58, 95 % interval 0.70 to 2.46.
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert rounded(stats.clustered_mean(differences, range(10)), 2) == (1.58, 0.70, 2.46)


def test_paired_difference_is_narrower_than_its_parts():
    a, b = [1.0] * 60 + [0.0] * 40, [1.0] * 55 + [0.0] * 45
    estimate = stats.paired_difference(a, b, range(100))
    assert rounded(estimate, 3) == (0.05, 0.007, 0.093)


def test_difference_that_was_never_seen_may_still_exist():
    unseen = stats.wilson(0, 50).high
    assert stats.paired_difference([1.0] * 50, [1.0] * 50, range(50)) == Estimate(0.0, -unseen, unseen, 50)


def test_mcnemar_is_the_exact_binomial_test():
    # 1 against 7: p = 0.070 (Fagerland et al. 2013, BMC Med. Res. Methodol. 13:91)
    assert (round(stats.mcnemar(1, 7), 3), round(stats.mcnemar(6, 16), 4)) == (0.070, 0.0525)
    assert (stats.mcnemar(0, 0), stats.mcnemar(1, 5)) == (1.0, 0.21875)


# Agresti 2002, Categorical Data Analysis, table 10.1: 1,600 Britons asked twice whether they approve of the minister;
# 150 who approved did not any more, 86 the other way round.
BEFORE = [1.0] * 794 + [1.0] * 150 + [0.0] * 86 + [0.0] * 570
AFTER = [1.0] * 794 + [0.0] * 150 + [1.0] * 86 + [0.0] * 570


def test_paired_difference_gives_agrestis_approval_ratings():
    assert rounded(stats.paired_difference(AFTER, BEFORE, range(1600)), 2) == (-0.04, -0.06, -0.02)
    changes = [after - before for after, before in zip(AFTER, BEFORE, strict=True)]
    assert stats.clustered_error(changes, range(1600)) == pytest.approx(0.0095, abs=1e-4)


def test_mcnemar_of_agrestis_approval_ratings():
    # The score test, (86 - 150)^2 / 236 = 17.36, has p = 3.1e-5; the exact one is a little larger.
    assert f"{stats.mcnemar(86, 150):.2e}" == "3.72e-05"


def test_holm_adjusts_in_order_and_never_falls():
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []


# Hanley & McNeil 1982, Radiology 143:29: 58 normal and 51 abnormal scans on a scale of five.
NORMAL, ABNORMAL = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
SCANS = [rating for counts in (NORMAL, ABNORMAL) for rating, count in enumerate(counts) for _ in range(count)]
DISEASED = [False] * 58 + [True] * 51


def test_auroc_gives_hanley_and_mcneils_example():
    estimate = stats.auroc(SCANS, DISEASED)
    assert round(estimate.value, 3) == 0.893
    assert (estimate.high - estimate.low) / 3.92 == pytest.approx(0.032, abs=0.002)


def test_auroc_of_perfect_order_is_one_with_an_interval():
    assert stats.auroc([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == Estimate(1, stats.wilson(2, 2).low, 1, 4)


def test_auroc_of_repeated_answers_is_as_wide_as_that_of_one_each():
    once = stats.auroc(SCANS, DISEASED)
    twice = stats.auroc(SCANS * 2, DISEASED * 2, [*range(109)] * 2)
    assert rounded(twice, 2) == rounded(once, 2)


def test_brier_is_the_mean_squared_distance():
    assert stats.brier([0.7, 0.3], [True, False], [0, 1]).value == pytest.approx(0.09)


def test_coverage_keeps_the_most_confident_and_all_ties():
    estimate = stats.accuracy_at_coverage([0.9, 0.8, 0.7, 0.7, 0.1], [True, True, True, False, False], range(5), 0.6)
    assert (estimate.value, estimate.n) == (0.75, 4)


def test_risk_coverage_curve_lets_ties_in_together():
    curve = stats.risk_coverage([0.9, 0.5, 0.5, 0.1], [True, False, True, False])
    assert curve == [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.5)]


def test_areas_and_calibration_error_come_with_bootstrap_intervals():
    rng = np.random.default_rng(0)
    confidences = [0.75] * 80
    correct = [i % 4 != 0 for i in range(80)]
    ece = stats.calibration_error(confidences, correct, range(80), rng)
    aurc = stats.area_under_risk_coverage(confidences, correct, range(80), rng)
    assert ece.low <= ece.value < 0.2
    assert ece.high < 0.3
    assert (aurc.value, aurc.low < 0.25 < aurc.high) == (0.25, True)


def test_d_prime_is_two_where_hits_and_false_alarms_are_one_sd_from_a_half():
    hits, alarms = stats.wilson(841_345, 1_000_000), stats.wilson(158_655, 1_000_000)
    assert rounded(stats.d_prime(hits, alarms), 2) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(("said", "n"), [((0, 0), (50, 50)), ((0, 0), (3, 50)), ((3, 50), (3, 50)), ((2, 20), (4, 40))])
def test_d_prime_of_a_system_that_hears_no_difference_is_zero_however_unequal_the_n(said, n):
    estimate = stats.d_prime(*map(stats.wilson, said, n))
    assert estimate.value == pytest.approx(0)
    assert estimate.low < 0 < estimate.high
