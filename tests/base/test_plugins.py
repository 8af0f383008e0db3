"""A file of the user's is enough for its tasks to be known by name, in this process and in those it starts."""

from __future__ import annotations

import os
import sys

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rmt_bench.base import plugins
from rmt_bench.base.errors import UserError
from rmt_bench.base.plugins import VARIABLE, add_plugins, load_plugins
from rmt_bench.cli import cli
from rmt_bench.tasks.registry import TASKS, load_task

_TASK = """
from dataclasses import dataclass
from rmt_bench import Episode, Question, Task, task

@task("parcels")
@dataclass(frozen=True)
class Parcels(Task):
    \"\"\"What did Zuzana receive?\"\"\"
    labels = ("an accordion", "a clarinet")

    @property
    def lexicon(self):
        return frozenset({"zuzana", "accordion", "clarinet"})

    def episode(self, rng):
        thing = str(rng.choice(self.labels))
        question = Question("What did Zuzana receive?", thing, self.labels, (0,))
        return Episode((f"Zuzana received {thing}.",), (question,))
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plugin file; all that loading it leaves behind goes when the test ends."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(plugins, "_begun", set())
    monkeypatch.setattr(TASKS, "_found", dict(TASKS._found))
    before = set(sys.modules)

    def write(text: str = _TASK, name: str = "parcels_plugin.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_task_of_a_file_goes_by_its_name(plugin):
    add_plugins([plugin()])
    assert "parcels" in TASKS.names()
    assert load_task("parcels").labels == ("an accordion", "a clarinet")


def test_the_command_line_and_its_workers_know_it(plugin, tmp_path):
    call = ["--plugin", str(plugin()), "generate", "--tasks", "parcels", "--lengths", "0,200", "--samples", "3"]
    done = CliRunner().invoke(cli, [*call, "--workers", "2", "--output", str(tmp_path / "data"), "--quiet"])
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "data" / "200").glob("*.parquet")
    said = pq.read_table(file, columns=["target"])["target"].to_pylist()
    assert len(said) == 3
    assert set(said) <= {"an accordion", "a clarinet"}


def test_several_files_are_named_one_after_the_other(plugin, tmp_path):
    other = tmp_path / "second_plugin.py"
    other.write_text(_TASK.replace('task("parcels")', 'task("letters")'))
    add_plugins([plugin()])
    add_plugins([other])
    assert os.environ[VARIABLE].count(os.pathsep) == 1
    assert {"parcels", "letters"} <= set(TASKS.names())


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("1 / 0", "broken_plugin.py", r"cannot be imported: ZeroDivisionError.*broken_plugin.py, line 1"),
        ("", "json.py", "has the name of another module"),
        ("", "plugin.txt", "is no Python file"),
    ],
)
def test_what_is_no_plugin_is_refused_in_one_line(plugin, text, name, says):
    add_plugins([plugin(text, name)])
    with pytest.raises(UserError, match=says) as caught:
        load_plugins()
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=says):  # and again: nothing is half known
        load_plugins()


def test_a_file_that_is_not_there_is_refused_before_anything_is_done(tmp_path):
    done = CliRunner().invoke(cli, ["--plugin", str(tmp_path / "none.py"), "tasks"])
    assert done.exit_code == 2
    assert "none.py" in done.output
