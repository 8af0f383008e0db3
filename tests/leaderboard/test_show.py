"""A run on the terminal: its table, its bars, and what its probes say."""

from __future__ import annotations

import json
from dataclasses import replace

from click.testing import CliRunner

from rmt_bench.bench.record import Probe
from rmt_bench.leaderboard.board import conclude_run
from rmt_bench.leaderboard.show_command import show_command

from .runs import record, write_run

_INFO = {"command": "rmt-bench eval mine", "date": "2026-11-25", "hardware": {"system": "Linux"}}


def _run(tmp_path, probes: bool):
    records = [
        record(n, correct=n < 3, length=length, model_tokens=t)
        for length, t in (("4k", 4_005), ("8k", 8_005))
        for n in range(4)
    ]
    if probes:
        records = [replace(one, probes=(Probe(0, "garden", one.correct, "answered"),)) for one in records]
    return write_run(tmp_path / "run", records, **_INFO)


def test_bars_are_as_long_as_the_accuracy_and_the_interval_stands_below(tmp_path):
    said = CliRunner().invoke(show_command, [str(_run(tmp_path, probes=False))], catch_exceptions=False).output
    lines = said.splitlines()
    bars = [line for line in lines if "█" in line]
    assert [line.split()[0] for line in bars] == ["4k", "8k"]
    assert all(line.count("█") == 45 for line in bars)
    assert all("|---" in lines[lines.index(line) + 1] for line in bars)
    assert "made by: rmt-bench eval mine" in said
    assert "capture" not in said


def test_capture_and_retention_stand_below_where_there_are_probes(tmp_path):
    said = CliRunner().invoke(show_command, [str(_run(tmp_path, probes=True))], catch_exceptions=False).output
    row = next(line.split() for line in said.splitlines() if line.startswith("detect") and line.endswith("75.0%"))
    assert row[:4] == ["detect", "4k", "4", "75.0%"]
    assert "accuracy = capture x retention" in said


def test_the_report_is_named_where_there_is_one(tmp_path):
    run = _run(tmp_path, probes=False)
    last = CliRunner().invoke(show_command, [str(run)], catch_exceptions=False).output.splitlines()[-1]
    assert last.startswith("report: none yet")
    conclude_run(run)
    last = CliRunner().invoke(show_command, [str(run)], catch_exceptions=False).output.splitlines()[-1]
    assert last == f"report: {run / 'report.html'}"


def test_for_machines_it_is_json(tmp_path):
    said = CliRunner().invoke(show_command, [str(_run(tmp_path, probes=True)), "--json"], catch_exceptions=False).output
    told = json.loads(said)
    assert [row["length"] for row in told["curve"]] == ["4k", "8k"]
    assert [row["capture"] for row in told["capture"]] == [0.75, 0.75]
    assert told["capture"][0]["recovery"] == 0.0
    assert [row["distance"] for row in told["decay"]] == [0, 0]
