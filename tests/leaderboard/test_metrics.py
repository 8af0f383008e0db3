import math
import os

import pandas as pd
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.record import RunFolder
from rmt_bench.leaderboard.metrics import COLUMNS, curve, depth_rows
from rmt_bench.leaderboard.records import read_run
from rmt_bench.leaderboard.tables import write_csv

from .runs import record, write_run


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
    header, row = (tmp_path / "curve.csv").read_text().splitlines()
    assert header == ",".join(COLUMNS)
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert cells["model"] == "mine"
    assert (cells["n"], cells["correct"], cells["accuracy"]) == ("1", "1", "1.0")
    assert (cells["ci_low"], cells["ci_high"], cells["chance"]) == ("0.2065", "1.0", "0.3333")
    assert cells["tokens_per_second"] == cells["trained_segments"] == cells["rank_low"] == ""
    assert pd.read_csv(tmp_path / "curve.csv")["accuracy"].tolist() == [1.0]


def test_questions_that_share_haystacks_have_a_wider_interval(tmp_path):
    shared = [record(i, correct=i < 20, haystack_id=f"h{i // 10}") for i in range(40)]
    alone = [record(i, correct=i < 20) for i in range(40)]
    wide, narrow = (curve(write_run(tmp_path / name, rows)).iloc[0] for name, rows in (("a", shared), ("b", alone)))
    assert (wide["n_haystacks"], narrow["n_haystacks"]) == (4, 40)
    assert wide["ci_low"] < narrow["ci_low"] < 0.5 < narrow["ci_high"] < wide["ci_high"]


def test_columns_that_an_older_run_lacks_are_unknown_not_zero(tmp_path):
    import pyarrow.parquet as pq

    folder = write_run(tmp_path, [record(0)])
    unit = RunFolder(folder).unit_path("unit")
    pq.write_table(pq.read_table(unit).drop_columns(["flops_per_token", "peak_device_bytes"]), unit)
    row = curve(folder).iloc[0]
    assert pd.isna(row["peak_device_bytes"])
    assert math.isnan(row["flops_per_token"])
    assert row["n"] == 1


def test_accuracy_by_depth_counts_the_earliest_supporting_fact(tmp_path):
    records = [
        record(0, depths=(0.05, 0.95)), record(1, depths=(0.99, 0.04), correct=False), record(2, depths=(1.0,)),
        record(3, depths=()),
    ]  # fmt: skip
    table = depth_rows(read_run(write_run(tmp_path, records)))
    found = table[["depth_low", "depth_high", "n", "correct"]].to_numpy().tolist()
    assert found == [[0.0, 0.1, 2.0, 1.0], [0.9, 1.0, 1.0, 1.0]]


def test_the_order_of_rows_does_not_hang_on_which_unit_was_finished_first(tmp_path):
    units = {
        "a": [record(0, task="memorize", length="8k", n_tokens=8_000, model_tokens=8_005)],
        "b": [record(0, task="memorize")],
        "c": [record(0, task="detect", length="0", n_tokens=0, model_tokens=9)],
    }
    tables, orders = [], []
    for name in ("abc", "cba", "bca"):
        run = RunFolder(tmp_path / name)
        with run.opened({"identity": {"model": "mine"}, "tasks": ["memorize", "detect"]}):
            for time, unit in enumerate(name):
                run.write_unit(unit, units[unit])
                os.utime(run.unit_path(unit), ns=(time, time))
        tables.append(curve(run.path)[["task", "length"]].to_numpy().tolist())
        orders.append(run.records()["sample_id"].tolist())
    assert tables == [[["memorize", "4k"], ["memorize", "8k"], ["detect", "0"]]] * 3
    assert orders == [["memorize-4k-0", "memorize-8k-0", "detect-0-0"]] * 3
