from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.placement import check_placement, depths


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("start", [0, 0, 0, 0]),
        ("end", [1, 1, 1, 1]),
        ("depth=0.25", [0.25] * 4),
        ("spread", [0.125, 0.375, 0.625, 0.875]),
    ],
)
def test_fixed_placements(placement: str, expected: list[float]) -> None:
    assert depths(placement, 4, _rng()).tolist() == expected


@given(
    st.integers(0, 50), st.sampled_from(["uniform", "start", "end", "spread", "depth=0", "depth=1"]), st.integers(0, 9)
)
def test_depths_rise_within_0_and_1(count: int, placement: str, seed: int) -> None:
    found = depths(placement, count, _rng(seed))
    assert found.shape == (count,)
    assert found.dtype == np.float64
    assert np.all(np.diff(found) >= 0)
    assert np.all((found >= 0) & (found <= 1))


def test_uniform_is_uniform() -> None:
    rng = _rng(1)
    assert kstest([depths("uniform", 1, rng)[0] for _ in range(5_000)], "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    "bad", ["", "unifrom", "depth", "depth=", "depth=1.1", "depth=-0.1", "depth=x", "depth=nan", "Start"]
)
def test_unknown_placement_is_refused_with_one_line(bad: str) -> None:
    with pytest.raises(UserError):
        check_placement(bad)


def test_closest_placement_is_offered() -> None:
    with pytest.raises(UserError, match=r"did you mean 'uniform'\?.*there is: uniform, start, end, spread, depth=0.25"):
        check_placement("unifrom")
    assert check_placement("depth=0.5") == "depth=0.5"
