import math

import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.record import RunFolder
from rmt_bench.leaderboard.metrics import COLUMNS, curve, wilson, write_csv

from .runs import record, write_run


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    # From the closed form, z = 1.959964, by hand.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 1, 0.2065, 1.0)],
)
def test_wilson_intervals_are_those_of_the_closed_form(correct, n, low, high):
    assert wilson(correct, n) == pytest.approx((low, high), abs=1e-4)


def test_without_a_question_there_is_no_interval():
    assert all(map(math.isnan, wilson(0, 0)))


def test_invalid_answers_are_wrong_and_errors_and_skipped_ones_stand_beside(tmp_path):
    records = [
        record(0), record(1), record(2, correct=False),
        record(3, correct=False, status="invalid"),
        record(4, correct=False, status="error", reason="RuntimeError"),
        record(5, correct=False, status="skipped", reason="too long"),
    ]  # fmt: skip
    row = curve(write_run(tmp_path, records)).iloc[0]
    assert (row["n"], row["correct"], row["accuracy"]) == (4, 2, 0.5)
    assert (row["n_error"], row["n_skipped"]) == (1, 1)
    assert row["chance"] == pytest.approx(1 / 3)
    assert row["tokens_per_second"] == 40_050


def test_a_length_where_nothing_could_be_asked_has_no_accuracy(tmp_path):
    row = curve(write_run(tmp_path, [record(0, status="error", correct=False)])).iloc[0]
    assert row["n"] == 0
    assert math.isnan(row["accuracy"])


def test_a_curve_goes_from_short_to_long_task_by_task(tmp_path):
    records = [
        record(0, task="memorize", length="32k", model_tokens=32_005),
        record(0, task="memorize", length="4k"),
        record(0, task="detect", length="0", model_tokens=12),
    ]
    table = curve(write_run(tmp_path, records))
    assert list(zip(table["task"], table["length"], strict=True)) == [
        ("memorize", "4k"),
        ("memorize", "32k"),
        ("detect", "0"),
    ]
    assert tuple(table.columns) == COLUMNS


def test_a_sample_asked_twice_counts_once_as_it_went_last(tmp_path):
    folder = write_run(tmp_path, [record(0, status="error", correct=False), record(1)])
    RunFolder(folder).write_unit("unit-cut-otherwise", [record(0)])
    row = curve(folder).iloc[0]
    assert (row["n"], row["correct"], row["n_error"]) == (2, 2, 0)


def test_what_training_saw_stands_in_the_curve(tmp_path):
    folder = write_run(tmp_path, [record(0)], trained_segments={"gradient": 7, "memory": 48})
    row = curve(folder).iloc[0]
    assert (row["trained_segments"], row["trained_memory_segments"]) == (7, 48)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        curve(tmp_path)


def test_the_csv_has_empty_cells_where_there_is_no_number(tmp_path):
    write_csv(curve(write_run(tmp_path / "run", [record(0, read_seconds=0.0)])), tmp_path / "curve.csv")
    text = (tmp_path / "curve.csv").read_text()
    assert text.splitlines() == [
        ",".join(COLUMNS),
        "mine,detect,4k,4005,63,1,1,1.0,0.2065,1.0,0.3333,0,0,,0.01,2048,100000000,,",
    ]
    assert pd.read_csv(tmp_path / "curve.csv")["accuracy"].tolist() == [1.0]
