"""Power against published worked examples, and against what a thousand simulated comparisons found."""

import math

import numpy as np
import pytest

from kinject import power, stats
from kinject.types import Estimate


def tables(difference: float, told_apart: float, n: int, times: int) -> np.ndarray:
    """How many probes only one system has right, and only the other, in so many simulated comparisons."""
    only_a, only_b = (told_apart + difference) / 2, (told_apart - difference) / 2
    return np.random.default_rng(0).multinomial(n, [only_a, only_b, 1 - told_apart], times)


def test_probes_to_compare_gives_connors_example():  # Connor 1987, Biometrics 43:207: 45 % against 5 %
    assert power.probes_to_compare(0.4, 0.5) == 23
    assert power.probes_to_compare(0.4, 0.5, design_effect=2.0) == 45


@pytest.mark.parametrize(("difference", "told_apart"), [(0.0, 0.2), (0.3, 0.2)])
def test_no_number_of_probes_finds_what_cannot_be(difference, told_apart):
    assert power.probes_to_compare(difference, told_apart) == math.inf


def test_so_many_probes_find_the_difference_four_times_in_five():
    n = power.probes_to_compare(0.08, 0.2)
    found = [stats.mcnemar(int(a), int(b)) < 0.05 for a, b, _ in tables(0.08, 0.2, n, 400)]
    assert sum(found) / 400 == pytest.approx(0.8, abs=0.06)


def test_detectable_is_2_8_standard_errors():  # Bloom 1995, Eval. Rev. 19:547; the errors of Agresti's ratings
    seen = Estimate(-0.04, -0.058736, -0.021264, 1600)
    assert power.detectable(seen) / 0.009560 == pytest.approx(2.80, abs=0.005)
    assert power.detectable(seen, tests=10) / 0.009560 == pytest.approx(3.65, abs=0.005)


def test_a_detectable_difference_is_found_four_times_in_five():
    flat = [1.0] * 60 + [-1.0] * 60 + [0.0] * 480
    size = power.detectable(stats.clustered_mean(flat, range(600), (-1.0, 1.0)))
    found = [stats.mcnemar(int(a), int(b)) < 0.05 for a, b, _ in tables(size, 0.2, 600, 400)]
    assert sum(found) / 400 == pytest.approx(0.8, abs=0.06)


def test_no_difference_is_detectable_that_the_exact_test_cannot_find():
    assert [stats.mcnemar(n, 0) < 0.05 for n in (5, 6)] == [False, True]
    assert power.fewest_told_apart() == 6
    assert power.detectable(Estimate(0.0, -0.001, 0.001, 60)) == 0.1


def test_nothing_is_detectable_without_probes():
    assert math.isnan(power.detectable(Estimate(math.nan, -1.0, 1.0, 0)))


def test_half_the_difference_takes_four_times_the_probes():
    seen = Estimate(0.02, -0.03, 0.07, 400)
    at_once = power.probes_to_tell(seen, 0.05)
    assert power.probes_to_tell(seen, 0.025) == pytest.approx(4 * at_once, abs=4)
    assert power.probes_to_tell(seen, 0.0) == math.inf


def test_probes_to_pass_is_the_one_sample_size():  # Fleiss, Levin & Paik 2003: ((1.96 * 0.3 + 0.84 * 0.2375) / 0.04)^2
    assert power.probes_to_pass(stats.wilson(94, 100), 0.9) == 388


def test_probes_that_say_the_same_twice_count_once():
    once = stats.clustered_rate([1.0] * 90 + [0.0] * 10, range(100))
    twice = stats.clustered_rate([1.0] * 180 + [0.0] * 20, [n // 2 for n in range(200)])
    assert power.probes_to_pass(twice, 0.8) == pytest.approx(2 * power.probes_to_pass(once, 0.8), rel=0.03)


def test_an_interval_passes_four_times_in_five_after_so_many_probes():
    n = power.probes_to_pass(stats.wilson(94, 100), 0.9)
    passed = [stats.wilson(k, n).low >= 0.9 for k in np.random.default_rng(1).binomial(n, 0.94, 2000)]
    assert sum(passed) / 2000 == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("estimate", [Estimate(0.9, 0.8, 0.95, 50), Estimate(math.nan, 0.0, 1.0, 0)])
def test_no_number_of_probes_moves_a_value_that_is_at_the_limit(estimate):
    assert power.probes_to_pass(estimate, 0.9) == math.inf


def test_what_is_no_share_takes_what_the_square_root_law_says():
    assert power.probes_to_pass(Estimate(0.1, -0.1, 0.3, 50), 0.2) == math.ceil(200 * (2.8016 / 1.96) ** 2)


@pytest.mark.parametrize(("right", "n", "limit"), [(20, 20, 0.95), (3, 40, 0.2)])
def test_the_bound_may_be_on_either_side(right, n, limit):
    needed = power.probes_to_pass(stats.wilson(right, n), limit)
    found = stats.wilson(right / n * needed, needed)
    assert n < needed < 1000
    assert found.low > limit or found.high < limit
