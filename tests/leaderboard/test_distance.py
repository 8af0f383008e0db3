"""Accuracy by segments since the last supporting fact: doublings, and stories that are asked at several lengths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rmt_bench.leaderboard.distance import COLUMNS, since_rows
from rmt_bench.leaderboard.intervals import wilson
from rmt_bench.leaderboard.records import read_run

from .runs import record, write_run


def _rows(folder, records):
    return since_rows(read_run(write_run(folder, records)))


def test_distances_are_counted_in_doublings(tmp_path):
    records = [record(number, segments_since=number, correct=number < 4) for number in range(9)]
    rows = _rows(tmp_path, records)
    spans = rows[["since_low", "since_high", "n", "correct"]].to_numpy().tolist()
    assert spans == [[0, 0, 1, 1], [1, 1, 1, 1], [2, 3, 2, 2], [4, 7, 4, 0], [8, 15, 1, 0]]


def test_errors_and_questions_that_no_fact_supports_are_left_out(tmp_path):
    records = [record(0, segments_since=1), record(1, segments_since=None), record(2, segments_since=1, status="error")]
    assert _rows(tmp_path / "some", records)["n"].tolist() == [1]
    assert _rows(tmp_path / "none", records[1:2]).columns.tolist() == list(COLUMNS)


def test_a_story_that_is_asked_at_several_lengths_counts_as_one(tmp_path):
    once = [record(number, segments_since=4, correct=number % 2 > 0) for number in range(20)]
    again = [replace(one, length="8k", sample_id=f"x{one.index}", haystack_id=f"x{one.index}") for one in once]
    (alone,) = _rows(tmp_path / "once", once).to_dict("records")
    (both,) = _rows(tmp_path / "both", once + again).to_dict("records")
    assert (alone["n"], both["n"]) == (20, 40)
    assert (alone["ci_low"], alone["ci_high"]) == pytest.approx(wilson(10, 20))
    assert both["ci_high"] - both["ci_low"] >= 0.99 * (alone["ci_high"] - alone["ci_low"])
