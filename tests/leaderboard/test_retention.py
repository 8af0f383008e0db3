import math

import numpy as np
import pytest

from rmt_bench.leaderboard.retention import fit_retention

SEGMENTS = np.array([1, 2, 4, 8, 16, 32, 64])
CHANCE = np.full(7, 1 / 6)


def _fit(shares, n=200):
    return fit_retention(SEGMENTS - 1, np.asarray(shares) * n, np.full(7, n), CHANCE)


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_curve_without_noise_gives_back_its_retention(kept):
    fit = _fit(1 / 6 + (0.95 - 1 / 6) * kept ** (SEGMENTS - 1))
    middle, low, high = fit.retention
    assert middle == pytest.approx(kept, abs=1e-4)
    assert low < kept < high
    assert fit.first == pytest.approx(0.95, abs=1e-4)
    assert fit.half_life[0] == pytest.approx(math.log(0.5) / math.log(kept), rel=1e-2)


def test_a_flat_curve_above_chance_forgets_nothing():
    fit = _fit(np.full(7, 0.9))
    assert fit.retention[0] == fit.retention[2] == 1.0
    assert fit.half_life[0] == math.inf
    assert 64 < fit.half_life[1] < math.inf


def test_guessing_says_nothing_of_retention():
    assert _fit(np.full(7, 1 / 6)) is None


def test_one_length_says_nothing_of_retention():
    assert fit_retention(np.array([4]), np.array([50]), np.array([100]), np.array([0.1])) is None
    assert fit_retention(np.array([4, 9]), np.array([50, 0]), np.array([100, 0]), np.array([0.1, 0.1])) is None


def test_what_is_lost_after_one_segment_has_no_lower_bound():
    fit = fit_retention(np.array([0, 10]), np.array([100, 17]), np.array([100, 100]), np.full(2, 1 / 6))
    assert fit.retention[1] == 0.0


def test_the_interval_narrows_with_more_answers():
    shares = 1 / 6 + 5 / 6 * 0.95 ** (SEGMENTS - 1)
    few, many = _fit(shares, 50).retention, _fit(shares, 5000).retention
    assert many[2] - many[1] < (few[2] - few[1]) / 5


def test_known_retention_lies_in_its_interval_about_19_times_in_20():
    """Few fits, to be quick; scripts/interval_coverage.py makes thousands."""
    rng = np.random.default_rng(0)
    inside = []
    for kept in (0.8, 0.97, 0.995):
        share = 1 / 6 + (0.95 - 1 / 6) * kept ** (SEGMENTS - 1)
        for _ in range(40):
            fit = fit_retention(SEGMENTS - 1, rng.binomial(100, share), np.full(7, 100), CHANCE)
            inside.append(fit.retention[1] <= kept <= fit.retention[2])
    assert 0.9 <= np.mean(inside) <= 0.99
