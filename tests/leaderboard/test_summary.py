import numpy as np
import pandas as pd
import pytest

from rmt_bench.leaderboard.metrics import run_rows
from rmt_bench.leaderboard.records import read_run
from rmt_bench.leaderboard.summary import curve_score, effective_length, score_gaps, summary_rows

from .runs import record, write_run


def _points(*points):
    columns = ["length", "n_tokens", "accuracy", "ci_low", "n"]
    return pd.DataFrame(points, columns=columns)


def test_effective_length_ends_before_the_first_length_that_fails():
    points = _points(
        ("1k", 1000, 0.99, 0.95, 100), ("2k", 2000, 0.97, 0.91, 100), ("4k", 4000, 0.9, 0.82, 100),
        ("8k", 8000, 0.99, 0.95, 100),
    )  # fmt: skip
    assert effective_length(points) == ("2k", 2000)
    assert effective_length(points, 0.8) == ("8k", 8000)
    assert effective_length(points, 0.96) == ("", None)


def test_without_an_interval_no_length_is_effective():
    assert effective_length(_points(("1k", 1000, 1.0, float("nan"), None))) == ("", None)


def test_curve_score_is_the_mean_over_log_length():
    points = _points(("1k", 1000, 1.0, 0, 100), ("10k", 10_000, 1.0, 0, 100), ("1M", 1_000_000, 0.0, 0, 100))
    assert curve_score(points).value == pytest.approx((1 + 2 * 0.5) / 3)


def test_a_text_of_no_tokens_has_no_place_on_a_log_axis():
    points = _points(("0k", 0, 0.0, 0, 100), ("1k", 1000, 1.0, 0, 100), ("2k", 2000, 1.0, 0, 100))
    assert curve_score(points).value == 1.0


def test_curve_score_of_accuracies_without_n_has_no_interval():
    score = curve_score(_points(("1k", 1000, 0.9, 0, None), ("2k", 2000, 0.5, 0, None)))
    assert score.value == pytest.approx(0.7)
    assert np.isnan([score.low, score.high]).all()


def _run(folder, correct, lengths=("1k", "2k", "4k"), stories=40, **info):
    records = [
        record(i, correct=bool(correct(i, n)), length=length, model_tokens=1000 * 2**n, segments=2**n)
        for n, length in enumerate(lengths)
        for i in range(stories)
    ]
    return read_run(write_run(folder, records, **info))


def test_stories_that_stand_or_fall_together_make_the_curve_score_less_sure(tmp_path):
    alike = _run(tmp_path / "a", lambda i, n: i < 20)
    mixed = _run(tmp_path / "b", lambda i, n: (i + 13 * n) % 40 < 20)
    wide, narrow = (summary_rows(run, run_rows(run))[0].iloc[0] for run in (alike, mixed))
    assert wide["curve_score"] == narrow["curve_score"] == pytest.approx(0.5)
    assert wide["curve_score_low"] < narrow["curve_score_low"] < 0.5


def test_a_summary_says_retention_per_segment_and_half_life_in_tokens(tmp_path):
    run = _run(tmp_path, lambda i, n: i < 40 // 2**n, segment_length=None)
    row = summary_rows(run, run_rows(run))[0].iloc[0]
    assert row["retention_low"] < row["retention"] < row["retention_high"] < 1
    assert row["half_life_low"] < row["half_life_tokens"] < row["half_life_high"]
    assert row["half_life_tokens"] == pytest.approx(1000 * np.log(0.5) / np.log(row["retention"]), rel=1e-6)
    assert (row["n"], row["shortest_tokens"], row["longest_tokens"]) == (120, 1000, 4000)


def test_scores_over_the_same_stories_are_compared_story_by_story(tmp_path):
    one = _run(tmp_path / "a", lambda i, n: i < 20)
    near = _run(tmp_path / "b", lambda i, n: i < 24)
    far = _run(tmp_path / "c", lambda i, n: i >= 16)
    scores = [curve_score(run_rows(run), run.answers) for run in (one, near, far)]
    gaps, p_values = score_gaps(scores)
    assert gaps[0].tolist() == pytest.approx([0, -0.1, -0.1])
    assert p_values[0, 1] < 0.1 < p_values[0, 2]
    assert (p_values == p_values.T).all()
    assert (np.diagonal(p_values) == 1).all()


def test_scores_over_other_stories_are_compared_by_their_own_errors(tmp_path):
    one = _run(tmp_path / "a", lambda i, n: i < 20)
    other = _run(tmp_path / "b", lambda i, n: i < 24, stories=48)
    scores = [curve_score(run_rows(run), run.answers) for run in (one, other)]
    assert score_gaps(scores)[1][0, 1] == pytest.approx(1.0)
