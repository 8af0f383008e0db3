"""What a shell is told when a word is unfinished."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from rmt_bench.base.completion import folders_with, names
from rmt_bench.cli import cli, main


def _completed(*words: str, unfinished: str = "") -> list[str]:
    """What may stand where `unfinished` stands, behind `rmt-bench WORDS`."""
    items = ShellComplete(cli, {}, "rmt-bench", "_RMT_BENCH_COMPLETE").get_completions(list(words), unfinished)
    return [item.value if item.type == "plain" else f"({item.type})" for item in items]


@pytest.mark.parametrize(
    ("words", "unfinished", "expected"),
    [
        ((), "le", ["leaderboard"]),
        (("leaderboard",), "ser", ["serve"]),
        (("eval",), "memory-a", ["memory-agent"]),
        (("eval",), "./mine.py:ma", ["(file)"]),
        (("eval", "rmt-tiny"), "--tas", ["--tasks", "--task-arg"]),
        (("eval", "rmt-tiny", "--tasks"), "memorize,det", ["memorize,detect"]),
        (("eval", "rmt-tiny", "--tasks", "detect", "--background"), "pro", ["prose"]),
        (("train", "rmt", "--tasks"), "babil", ["babilong"]),
        (("attention", "rmt-tiny", "--task"), "reas", ["reasoning"]),
        (("leaderboard", "build", "runs", "--scorer"), "lm", ["lm-eval"]),
    ],
)
def test_a_word_is_completed_by_what_may_stand_there(words, unfinished, expected):
    assert _completed(*words, unfinished=unfinished) == expected


def test_an_unknown_command_on_the_line_is_no_error():
    assert "eval" in _completed("nonesuch")


def test_runs_and_data_sets_are_completed_by_their_folders(tmp_path, monkeypatch):
    for folder, marker in (
        ("runs/a", "run.json"),
        ("runs/b", "run.json"),
        ("lone", "run.json"),
        ("d", "manifest.json"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / marker).touch()
    (tmp_path / "runs/a/records").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _completed("show") == ["lone", "runs/a", "runs/b"]
    assert _completed("leaderboard", "build", "lone", unfinished="runs/") == ["runs/a", "runs/b"]
    assert _completed("leaderboard", "compare", "lone", unfinished="runs/b") == ["runs/b"]
    assert _completed("verify") == ["d"]
    assert _completed("verify", unfinished=f"{tmp_path}/d") == [f"{tmp_path}/d"]
    assert _completed("show", unfinished="runs/a/") == ["(dir)"]


def test_a_name_with_a_pattern_in_it_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[ab]").mkdir()
    (tmp_path / "[ab]" / "run.json").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").touch()
    found = folders_with("run.json")(click.Context(cli), click.Argument(["run"]), "[")
    assert [item.value for item in found] == ["[ab]"]


def test_names_are_listed_when_a_shell_asks_and_not_before():
    asked = []
    complete = names(lambda: asked.append("asked") or ["one"])
    assert not asked
    assert [item.value for item in complete(click.Context(cli), click.Argument(["name"]), "o")] == ["one"]
    assert asked


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_this_program(shell, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rmt-bench", "completion", shell])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert f"_RMT_BENCH_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_bash_offers_the_names_of_tasks_and_loads_no_torch(tmp_path: Path):
    told = "print('torch' in sys.modules, file=sys.stderr)"
    code = f"import sys; from rmt_bench.cli import main\ntry: main()\nfinally: {told}"
    program = tmp_path / "rmt-bench"
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": ""}
    typed = "COMP_WORDS=(rmt-bench eval rmt-tiny --tasks detect,qa1); COMP_CWORD=4; _rmt_bench_completion rmt-bench"
    script = f'source <(rmt-bench completion bash 2>/dev/null); {typed}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"detect,qa1{more}" for more in ("", *range(10))]
    assert done.stderr.split() == ["False"]
