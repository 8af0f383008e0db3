"""Capture and retention tell a fact that was never written from one that was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rmt_bench.bench.record import Probe
from rmt_bench.leaderboard.capture import capture_rows, decay_rows

from .runs import record, write_run


def _probed(number: int, first: bool, last: bool, **more):
    probes = (Probe(0, "x", first, "answered"), Probe(4, "x", last, "answered"))
    return replace(record(number, correct=last), probes=probes, **more)


def test_accuracy_is_capture_times_retention_and_what_was_recovered(tmp_path):
    kept, lost, guessed, never = 12, 4, 1, 3
    answers = [(True, True)] * kept + [(True, False)] * lost + [(False, True)] * guessed + [(False, False)] * never
    folder = write_run(tmp_path, [_probed(n, *pair, haystack_id=str(n)) for n, pair in enumerate(answers)])
    (row,) = capture_rows(folder).to_dict("records")
    assert row["n"] == 20
    assert (row["capture"], row["retention"], row["recovery"]) == (16 / 20, 12 / 16, 1 / 4)
    whole = row["capture"] * row["retention"] + (1 - row["capture"]) * row["recovery"]
    assert row["accuracy"] == pytest.approx(whole) == 13 / 20
    for name in ("capture", "retention", "recovery", "accuracy"):
        assert 0 <= row[f"{name}_low"] < row[name] < row[f"{name}_high"] <= 1


def test_questions_without_a_probe_and_errors_are_left_out(tmp_path):
    failed = replace(_probed(1, True, False), status="error")
    unread = replace(record(2), probes=())
    folder = write_run(tmp_path, [_probed(0, True, True), failed, unread])
    (row,) = capture_rows(folder).to_dict("records")
    assert (row["n"], row["capture"], row["retention"]) == (1, 1.0, 1.0)
    assert row["recovery"] != row["recovery"]


def test_a_run_without_probes_has_no_rows(tmp_path):
    folder = write_run(tmp_path, [record(0), record(1)])
    assert capture_rows(folder).empty
    assert decay_rows(folder).empty


def test_decay_has_a_row_for_each_distance(tmp_path):
    folder = write_run(tmp_path, [_probed(n, True, n < 3, haystack_id=str(n)) for n in range(4)])
    assert decay_rows(folder)[["distance", "n", "accuracy"]].to_dict("records") == [
        {"distance": 0, "n": 4, "accuracy": 1.0},
        {"distance": 4, "n": 4, "accuracy": 0.75},
    ]


def test_questions_that_share_a_haystack_widen_the_interval(tmp_path):
    apart = [_probed(n, True, n % 4 > 0, haystack_id=str(n)) for n in range(40)]
    together = [_probed(n, True, n // 4 % 4 > 0, haystack_id=str(n // 4)) for n in range(40)]
    widths = []
    for name, records in (("apart", apart), ("together", together)):
        (row,) = capture_rows(write_run(tmp_path / name, records)).to_dict("records")
        widths.append(row["retention_high"] - row["retention_low"])
    assert widths[1] > 1.3 * widths[0]
