"""The commands as they are typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmt_bench.base.errors import UserError
from rmt_bench.cli import cli
from rmt_bench.interop.lm_eval_tasks import export_tasks


def _said(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_an_export_to_lm_eval_ends_with_the_command_that_runs_it(data, tmp_path):
    said = _said("export", "lm-eval", data.folder, "--tasks", "detect", "--output", tmp_path / "tasks")
    assert f"--include_path {tmp_path / 'tasks'} --tasks rmt_bench" in said
    assert (tmp_path / "tasks" / "rmt_bench_detect_300.yaml").is_file()


@pytest.mark.parametrize("command", [("export", "lm-eval"), ("export", "inspect"), ("lm-eval",)])
def test_help_shows_commands_that_work(command):
    said = _said(*command, "--help")
    assert "  rmt-bench " in said


@pytest.mark.parametrize(
    ("library", "arguments", "extra"),
    [("lm_eval", ("lm-eval", "--tasks", "x"), "lm-eval"), ("inspect_ai", ("export", "inspect", "RUN"), "inspect")],
)
def test_a_library_that_is_missing_is_told_with_what_installs_it(monkeypatch, tmp_path, library, arguments, extra):
    for module in [name for name in sys.modules if name.split(".")[0] == library or ".interop." in name]:
        if not module.endswith(".commands"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    more = ("--output", str(tmp_path)) if library == "inspect_ai" else ()
    with pytest.raises(UserError, match=rf"pip install 'rmt-bench\[{extra}\]'"):
        _said(*arguments, *more)


@pytest.mark.slow
@pytest.mark.parametrize("program", ["rmt-bench", "lm_eval"])
def test_rmt_tiny_runs_in_lm_eval_from_its_own_command_and_from_ours(data, tmp_path, program):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'rmt-bench[lm-eval]'")
    export_tasks(type(data)(data.folder, ["detect"]), tmp_path / "tasks")
    model = ["--model", "rmt_bench", "--model_args", "model=rmt-tiny", "--batch_size", "8"]
    tasks = ["--include_path", str(tmp_path / "tasks"), "--tasks", "rmt_bench_detect_300"]
    call = ["rmt-bench", "lm-eval", *model, *tasks]
    if program == "lm_eval":
        call = ["lm_eval", *model, "--tasks", str(tmp_path / "tasks")]
    command = [str(Path(sys.executable).with_name(call[0])), *call[1:]]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(command, cwd=os.sep, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if "rmt_bench_detect_300" in line)
    assert "acc" in row
    assert float(row.split("|")[7]) > 0.9
