"""The doctor: what it finds, what it tells, and what it keeps to itself."""

from __future__ import annotations

import json
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

from rmt_bench.base.packages import Need
from rmt_bench.bench import doctor
from rmt_bench.cli import main


@pytest.fixture
def told(monkeypatch, capsys):
    """Runs `rmt-bench doctor ARGUMENTS`: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rmt-bench", "doctor", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_a_machine_that_can_run_the_main_job_is_told_so(told, monkeypatch):
    monkeypatch.setattr(doctor, "_try", lambda: doctor.Trial(True, 1.0, "all well"))
    code, said, error = told()
    assert (code, error) == (0, "")
    assert said.splitlines()[-1] == "main job      works: all well (1.0 s)"
    assert f"torch {__import__('torch').__version__}" in said


def test_extras_are_those_of_the_metadata_with_the_command_that_adds_them(told, monkeypatch):
    def lacking(package: str, extra: str = "") -> list[Need]:
        return [Need("toy", "toy>=2", None, False)] if extra == "ray" else []

    monkeypatch.setattr(doctor, "needs", lacking)
    code, said, _ = told("--no-trial")
    assert code == 0  # the main job needs no extra
    assert "ray: lacks toy>=2 (here: none); pip install 'rmt-bench[ray]'" in said
    complete = next(line for line in said.splitlines() if line.endswith(": all there"))
    others = [extra for extra in metadata("rmt-bench").get_all("Provides-Extra") if extra != "ray"]
    assert complete.removeprefix("extras").removesuffix(": all there").strip().split(", ") == others


def test_a_package_that_is_too_old_ends_with_exit_code_1_and_what_to_do(told, monkeypatch):
    monkeypatch.setattr(doctor, "needs", lambda package, extra="": [Need("torch", "torch>=9", "2.4", False)])
    code, said, error = told("--no-trial")
    assert code == 1
    assert error == "Error: torch>=9 (here: 2.4) is wanted: pip install 'torch>=9'\n"
    assert "torch>=9 (here: 2.4)" in said


def test_a_cache_that_cannot_be_written_ends_with_exit_code_1_and_what_to_do(told, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path / "file" / "cache"))
    code, _, error = told("--no-trial", "--json")
    assert code == 1
    assert error.startswith(f"Error: {tmp_path}/file/cache cannot be written (Not a directory): set RMT_BENCH_CACHE")


def test_a_torch_that_cannot_be_loaded_is_told_and_the_rest_as_well(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, said, error = told("--no-trial")
    assert code == 1
    assert "torch cannot be loaded (ModuleNotFoundError" in error
    assert "cache" in said


def test_secrets_are_not_shown_and_the_home_folder_is_not_named(told, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "jane"))
    monkeypatch.setenv("HF_TOKEN", "hf_abc")
    monkeypatch.setenv("HF_ENDPOINT", "https://jane:pass@mirror.example/hub")
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path / "jane" / "cache"))
    monkeypatch.setenv("RMT_BENCH_DATA", str(tmp_path / "jane" / "data"))
    for arguments in ((), ("--json",)):
        _, said, _ = told("--no-trial", *arguments)
        assert "hf_abc" not in said
        assert "pass" not in said
        assert "HF_TOKEN" in said
        assert "//...@mirror.example/hub" in said
        assert "~/cache" in said
        assert "jane" not in said


def test_json_holds_numbers_for_machines(told):
    code, said, _ = told("--no-trial", "--json")
    found = json.loads(said)
    assert code == 0
    assert found["devices"]["memory_bytes"] > 1 << 28
    assert found["devices"]["processors"] >= 1
    assert found["folders"]["cache"]["free_bytes"] > 0
    assert found["problems"] == []
    assert found["trial"] is None


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import sys; sys.exit('Error: no such luck')", "no such luck"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "exit code -11"),
    ],
)
def test_a_main_job_that_fails_or_crashes_is_told_with_its_last_words(told, monkeypatch, tmp_path, program, says):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}"\n')
    python.chmod(0o755)
    monkeypatch.setattr(doctor.sys, "executable", str(python))
    code, said, error = told()
    assert code == 1
    assert f"main job      FAILS: {says}" in said
    assert error.endswith(f"fails ({says}): mend what is said there\n")


@pytest.mark.slow
def test_the_main_job_runs_here(told):
    code, said, _ = told("--json")
    assert code == 0
    trial = json.loads(said)["trial"]
    assert trial["works"]
    assert trial["told"].endswith("of 8 questions right")
    assert not any(Path().glob("runs/rmt-tiny*"))
