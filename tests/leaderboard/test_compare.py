import numpy as np
import pytest
from scipy.stats import binom

from rmt_bench.leaderboard.compare import Entrant, difference, mcnemar, rank_ranges


def _entrant(correct, first=0, per_haystack=1):
    samples = np.arange(first, first + len(correct), dtype=np.uint64)
    return Entrant.of(samples, samples // np.uint64(per_haystack), np.asarray(correct, dtype=bool))


def test_only_samples_on_which_two_models_differ_tell():
    a = _entrant([1] * 60 + [1] * 15 + [0] * 5 + [0] * 20)
    b = _entrant([1] * 60 + [0] * 15 + [1] * 5 + [0] * 20)
    found = difference(a, b)
    assert (found.n, found.paired) == (100, True)
    assert found.difference == pytest.approx(0.10)
    # Bonett and Price (2012), by hand: (16 - 6) / 102, and its standard error.
    one, other = 16 / 102, 6 / 102
    half = 1.959964 * np.sqrt((one + other - (one - other) ** 2) / 102)
    assert (found.low, found.high) == pytest.approx((one - other - half, one - other + half), abs=1e-6)
    assert found.p_value == pytest.approx(2 * binom.cdf(5, 20, 0.5) - binom.pmf(5, 20, 0.5))


def test_mcnemar_of_equal_disagreement_is_one():
    assert mcnemar(7, 7) == mcnemar(0, 0) == 1.0


def test_comparing_the_other_way_round_turns_the_difference():
    a, b = _entrant([1, 1, 0, 1, 0, 1, 1, 1]), _entrant([1, 0, 0, 1, 1, 0, 0, 1])
    one, other = difference(a, b), difference(b, a)
    assert (one.difference, one.low, one.p_value) == pytest.approx((-other.difference, -other.high, other.p_value))


def test_only_shared_samples_are_compared():
    found = difference(_entrant([1] * 50), _entrant([0] * 50, first=20))
    assert (found.n, found.difference, found.paired) == (30, 1.0, True)


def test_a_few_samples_that_are_alike_by_accident_do_not_make_a_pair():
    found = difference(_entrant([1] * 50), _entrant([0] * 50, first=40))
    assert (found.n, found.difference, found.paired) == (0, 1.0, False)


def test_without_shared_samples_two_models_are_two_groups():
    found = difference(_entrant([1] * 90 + [0] * 10), _entrant([1] * 50 + [0] * 50, first=1000))
    assert (found.paired, found.difference) == (False, pytest.approx(0.4))
    assert 0.2 < found.low < 0.4 < found.high < 0.6
    assert found.p_value < 1e-6


def test_counts_alone_can_be_compared_and_nothing_cannot():
    found = difference(Entrant.counted(90, 100), Entrant.counted(50, 100))
    assert found.p_value < 1e-6
    assert np.isnan(difference(Entrant.counted(0, 0), Entrant.counted(1, 2)).p_value)


def test_haystacks_that_are_shared_make_a_difference_less_sure():
    right = [1] * 100 + [0] * 100
    other = [1] * 60 + [0] * 140
    alone = difference(_entrant(right), _entrant(other))
    shared = difference(_entrant(right, per_haystack=20), _entrant(other, per_haystack=20))
    assert shared.difference == alone.difference
    assert shared.low < alone.low < alone.high < shared.high
    assert shared.p_value > alone.p_value


def test_models_within_the_noise_share_a_rank():
    wrong = {"good": (range(0, 40), range(10, 52), range(20, 58)), "bad": (range(0, 280), range(20, 298))}
    entrants = [_entrant([i not in each for i in range(400)]) for each in (*wrong["good"], *wrong["bad"])]
    low, high = rank_ranges(entrants)
    assert low.tolist() == [1, 1, 1, 4, 4]
    assert high.tolist() == [3, 3, 3, 5, 5]


def test_equal_models_are_seldom_told_apart_however_many_there_are():
    rng = np.random.default_rng(1)
    wrong = sum(rank_ranges([_entrant(rng.random(100) < 0.6) for _ in range(20)])[0].max() > 1 for _ in range(100))
    assert wrong <= 10


@pytest.mark.parametrize("first", [0, 300])
def test_a_table_of_models_says_what_each_pair_says(first):
    rng = np.random.default_rng(2)
    entrants = [_entrant(rng.random(300) < share, first=first * i) for i, share in enumerate((0.2, 0.5, 0.55, 0.9))]
    low, high = rank_ranges(entrants)
    assert all(
        low[j] > low[i] or high[i] < high[j] or difference(entrants[i], entrants[j]).p_value > 0.04
        for i in range(4) for j in range(i)
    )  # fmt: skip
    assert (low[3], high[3]) == (1, 1)
    assert (low[0], high[0]) == (4, 4)
