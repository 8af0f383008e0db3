import math

import numpy as np
import pytest
from scipy.stats import binomtest

from rmt_bench.leaderboard.intervals import accuracy_interval, effective_size, share_interval, wilson


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    # From the closed form, z = 1.959964, by hand.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 1, 0.2065, 1.0)],
)
def test_wilson_intervals_are_those_of_the_closed_form(correct, n, low, high):
    assert wilson(correct, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("n", [1, 7, 100])
def test_wilson_intervals_are_those_of_scipy(n):
    for correct in range(n + 1):
        expected = binomtest(correct, n).proportion_ci(method="wilson")
        assert wilson(correct, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_a_question_there_is_no_interval():
    assert all(map(math.isnan, wilson(0, 0)))
    assert all(map(math.isnan, accuracy_interval(np.array([], dtype=bool), np.array([]))))


def test_one_question_for_each_haystack_is_plain_wilson():
    correct = np.array([True] * 30 + [False] * 10)
    assert accuracy_interval(correct, np.arange(40)) == wilson(30, 40)


def test_answers_that_are_the_same_about_one_haystack_count_as_haystacks():
    asked = np.full(10, 8)
    assert effective_size(asked * np.array([1, 0] * 5), asked) == pytest.approx(10)


def test_answers_as_different_within_haystacks_as_between_count_in_full():
    assert effective_size(np.full(10, 4), np.full(10, 8)) == 80


def test_haystacks_of_which_all_answers_are_right_do_not_say_how_alike_they_are():
    assert effective_size(np.full(10, 8), np.full(10, 8)) == pytest.approx(10)
    assert effective_size(np.array([6, 2]), np.array([6, 2])) == pytest.approx(64 / 40)


def test_a_single_haystack_is_one_observation():
    assert effective_size(np.array([3]), np.array([8])) == pytest.approx(1)


def _coverage(rng, clusters, size, correlation, share, times=1500):
    ends = []
    alpha, beta = (part * (1 - correlation) / correlation for part in (share, 1 - share)) if correlation else (0, 0)
    for _ in range(times):
        inside = rng.beta(alpha, beta, clusters) if correlation else np.full(clusters, share)
        right = rng.binomial(size, inside)
        n = clusters * size
        low, high = share_interval(right.sum() / n, effective_size(right, np.full(clusters, size)))
        ends.append(low <= share <= high)
    return np.mean(ends)


@pytest.mark.parametrize(("clusters", "size", "correlation"), [(60, 1, 0.0), (50, 4, 0.2), (40, 5, 0.6)])
def test_intervals_hold_the_truth_about_19_times_in_20(clusters, size, correlation):
    rng = np.random.default_rng(0)
    found = [_coverage(rng, clusters, size, correlation, share, 500) for share in (0.2, 0.35, 0.5, 0.65, 0.8)]
    assert 0.935 < np.mean(found) < 0.97
