"""Our runs as inspect logs: what inspect reads of them, and the way back to the same counts."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.record import Record, RunFolder
from rmt_bench.leaderboard.board import make_board

pytest.importorskip("inspect_ai", reason="inspect_ai is not installed: pip install 'rmt-bench[inspect]'")
from inspect_ai.log import read_eval_log

from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.generators.dataset import Dataset
from rmt_bench.interop.inspect_export import export_run
from rmt_bench.leaderboard.inspect_logs import import_inspect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_COUNTS = ["task", "length", "n", "correct", "n_error", "n_skipped"]


def _record(
    number: int, status: str = "answered", *, correct: bool = True, length: str = "4k", task: str = "qa1"
) -> Record:
    said = {"answered": "garden" if correct else "office", "invalid": "no idea"}.get(status, "")
    return Record(
        sample_id=f"{task}{length}{number}", haystack_id=f"h{number}", task=task, length=length, index=number,
        n_tokens=4_000, model_tokens=4_005, segments=63, question="Where is Mary?", target="garden",
        choices=("garden", "kitchen", "office"), output=said, answer=said if status == "answered" else "",
        correct=correct and status == "answered", status=status, reason="" if status == "answered" else f"was {status}",
        depths=(0.5,), read_seconds=0.25, answer_seconds=0.25, state_bytes=2_048, peak_memory_bytes=10**8,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def run(tmp_path) -> Path:
    """Answers of every kind, at two lengths."""
    folder = RunFolder(tmp_path / "run")
    records = [
        *(_record(i, correct=i < 3, length=length) for length in ("0", "4k") for i in range(4)),
        _record(4, "invalid"), _record(5, "skipped"), _record(6, "error"),
    ]  # fmt: skip
    with folder.opened({"identity": {"model": "mine", "scorer": "strict"}, "date": "2026-01-31T10:00:00+00:00"}):
        folder.write_unit("unit", records)
    return folder.path


@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_a_log_that_is_imported_again_has_the_counts_of_the_run(run, tmp_path, name):
    (file,) = export_run(run, tmp_path / name)
    imported = import_inspect(file, tmp_path / "runs")
    assert not imported.problems
    there, back = (make_board(runs, "strict").rows[_COUNTS].to_numpy().tolist() for runs in ([run], imported.runs))
    assert there == back == [["qa1", "0", 4, 3, 0, 0], ["qa1", "4k", 5, 3, 1, 1]]


def test_inspect_reads_the_accuracy_of_what_was_answered(run, tmp_path):
    (file,) = export_run(run, tmp_path / "log.eval")
    log = read_eval_log(str(file))
    (score,) = log.results.scores if log.results else ()
    assert (score.scored_samples, score.unscored_samples) == (9, 2)
    assert score.metrics["accuracy"].value == pytest.approx(6 / 9)
    assert score.metrics["at 0"].value == 0.75
    assert (log.eval.task, log.eval.model, log.status) == ("rmt_bench/babilong_qa1", "mine", "success")
    assert [sample.error.message for sample in log.samples or () if sample.error] == ["was error"]


def test_a_run_of_several_tasks_is_several_logs_in_a_folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.opened({"identity": {"model": "mine"}}):
        folder.write_unit("unit", [_record(0), _record(0, task="detect")])
    with pytest.raises(UserError, match="holds 2 tasks and a log holds one"):
        export_run(folder.path, tmp_path / "log.eval")
    with pytest.raises(UserError, match="has no task 'qa2'; it has: "):
        export_run(folder.path, tmp_path / "logs", ["qa2"])
    assert len(export_run(folder.path, tmp_path / "logs")) == 2
    assert len(export_run(folder.path, tmp_path / "log.eval", ["detect"])) == 1


def test_with_its_data_set_a_log_shows_the_texts_and_with_another_it_is_refused(data, tmp_path):
    evaluate(load_model("oracle"), Dataset(data.folder, ["detect"]), tmp_path / "run")
    (file,) = export_run(tmp_path / "run", tmp_path / "log.json", data=data.folder)
    asked = [str(sample.input) for sample in read_eval_log(str(file)).samples or ()]
    assert sorted(asked) == sorted(f"{sample.text} {sample.question}" for sample in Dataset(data.folder, ["detect"]))
    folder = RunFolder(tmp_path / "other")
    with folder.opened({"identity": {"model": "mine"}}):
        folder.write_unit("unit", [_record(0)])
    with pytest.raises(UserError, match="lacks 1 of the 1 samples"):
        export_run(folder.path, tmp_path / "other.json", data=data.folder)


@pytest.fixture
def viewer(run, tmp_path) -> Iterator[str]:
    """`inspect view` over an exported log; yields its address."""
    export_run(run, tmp_path / "logs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [str(Path(sys.executable).with_name("inspect")), "view", "start", "--host", "127.0.0.1", "--port", port]
    process = subprocess.Popen([*command, "--log-dir", str(tmp_path / "logs")])
    try:
        address, end = f"http://127.0.0.1:{port}/", time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(address, timeout=2).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.slow
def test_inspect_view_shows_the_answers_of_a_run(viewer):
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(viewer)
        page.get_by_text("rmt_bench/babilong_qa1").first.click()
        page.get_by_text("4k-0004-").first.wait_for()
        shown = page.inner_text("body")
        page.get_by_text("4k-0004-").first.click()
        page.get_by_text("no idea").first.wait_for()
        browser.close()
    assert "Where is Mary?" in shown
    assert "0.667" in shown
