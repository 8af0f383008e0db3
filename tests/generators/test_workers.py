"""Whoever does the work, and however often it is interrupted: the files are the same."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rmt_bench.base.engine import Engine
from rmt_bench.base.errors import IncompleteError
from rmt_bench.generators import layout
from rmt_bench.generators.dataset import generate_dataset
from rmt_bench.generators.generate import make_plan
from rmt_bench.generators.plan import Plan


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files for each task and length."""
    monkeypatch.setattr(layout, "_FILE_TOKENS", 3_000)


def _plan(story: Path, tokenizer: Any, samples: int = 8) -> Plan:
    return make_plan(["detect", "qa3"], "0,1k", tokenizer, samples=samples, background=str(story))


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_long_samples_are_spread_over_files_named_as_the_hub_names_them(
    story: Path, wordpiece: Any, tmp_path: Path
) -> None:
    folder = generate_dataset(_plan(story, wordpiece), tmp_path / "data")
    assert sorted(path.name for path in (folder / "1k").iterdir()) == [
        f"{task}-{number:05d}-of-00003.parquet" for task in ("detect", "qa3") for number in range(3)
    ]
    assert [path.name for path in (folder / "0").glob("detect*")] == ["detect-00000-of-00001.parquet"]
    from datasets import load_dataset

    data: Any = load_dataset(str(folder), "1k", split="qa3")
    assert data["index"][:] == list(range(8))


def test_samples_are_read_across_files_in_order(story: Path, wordpiece: Any, tmp_path: Path) -> None:
    from rmt_bench.generators.dataset import Dataset

    plan = _plan(story, wordpiece)
    stored = Dataset(generate_dataset(plan, tmp_path / "data"))
    units = [unit for unit in stored.units() if (unit.task, unit.length) == ("qa3", "1k")]
    assert [(unit.start, unit.stop) for unit in units] == [(0, 3), (3, 6), (6, 8)]
    assert len({unit.name for unit in stored.units()}) == len(stored.units())
    assert list(stored) == list(plan)


@pytest.mark.parametrize("store", ["text", "recipe"])
def test_two_workers_write_what_one_does(story: Path, tokenizer: Any, tmp_path: Path, store: str) -> None:
    one = generate_dataset(_plan(story, tokenizer), tmp_path / "one", store=store)
    heard: list[str] = []
    two = generate_dataset(
        _plan(story, tokenizer), tmp_path / "two", lambda file, tokens: heard.append(file), store=store,
        engine=Engine(workers=2),
    )  # fmt: skip
    assert _hashes(two) == _hashes(one)
    assert sorted(heard) == sorted(name for name in _hashes(one) if name.endswith(".parquet"))


_CALL = """
import sys
from rmt_bench.generators import layout
layout._FILE_TOKENS = 50_000
if __name__ == "__main__":
    from rmt_bench.cli import main
    main()
"""


class _Command:
    """`rmt-bench generate` of a small data set in a process of its own, with a cache of its own."""

    def __init__(self, folder: Path, story: Path, tokenizer: Any):
        self.folder = folder
        tokenizer.save_pretrained(folder / "tokenizer")
        (folder / "call.py").write_text(_CALL)
        self.call = [
            sys.executable, str(folder / "call.py"), "generate", "--tasks", "detect,reasoning", "--lengths", "0,20k",
            "--samples", "60", "--background", str(story), "--tokenizer", str(folder / "tokenizer"),
        ]  # fmt: skip
        self.environment = {**os.environ, "RMT_BENCH_CACHE": str(folder / "cache")}

    def start(self, output: str, *more: str, **options: Any) -> subprocess.Popen[str]:
        call = [*self.call, "--output", str(self.folder / output), *more]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(call, env=self.environment, **pipes, **options)

    def leftovers(self) -> list[Path]:
        return list(self.folder.rglob("*.tmp"))


@pytest.fixture
def command(story: Path, wordpiece: Any, tmp_path: Path) -> _Command:
    return _Command(tmp_path, story, wordpiece)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_call_killed_at_ten_random_instants_goes_on_to_the_same_bytes(command: _Command, workers: str) -> None:
    begun = time.monotonic()
    assert command.start("whole").wait() == 0
    took = time.monotonic() - begun
    rng = random.Random(workers)
    for _ in range(10):
        process = command.start("killed", "--workers", workers)
        time.sleep(rng.uniform(0.3, 1.1) * took)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    process = command.start("killed", "--workers", workers)
    assert process.wait() == 0, process.stderr and process.stderr.read()
    assert _hashes(command.folder / "killed") == _hashes(command.folder / "whole")
    assert command.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_full_disk_is_one_line_and_what_was_finished_is_kept(command: _Command, workers: str) -> None:
    assert command.start("whole").wait() == 0
    largest = max(path.stat().st_size for path in (command.folder / "whole").rglob("*.parquet"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1_000, resource.RLIM_INFINITY))

    process = command.start("full", "--workers", workers, preexec_fn=limit)
    _, said = process.communicate()
    assert process.returncode == 1, said
    assert said.startswith("Error: no room for ")
    assert "run the same command again" in said
    assert len(said.splitlines()) == 1
    assert command.leftovers() == []
    kept = {name: found for name, found in _hashes(command.folder / "full").items() if name.endswith(".parquet")}
    assert kept
    assert kept.items() <= _hashes(command.folder / "whole").items()
    assert command.start("full", "--workers", workers).wait() == 0
    assert _hashes(command.folder / "full") == _hashes(command.folder / "whole")


def test_full_disk_while_filler_is_indexed_is_told_alike(
    story: Path, wordpiece: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RMT_BENCH_CACHE", str(tmp_path / "cache"))
    plan = _plan(story, wordpiece)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(IncompleteError, match=r"no room for .*cache.* \(File too large\)"):
            plan.source.prepare(plan.tasks["detect"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "cache").rglob("*.tmp"))
    plan.source.prepare(plan.tasks["detect"])


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["whole", "one node killed"])
def test_two_nodes_of_ray_write_what_one_process_does(
    story: Path, wordpiece: Any, tmp_path: Path, cluster: Any, killed: bool
) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    plan = _plan(story, wordpiece, samples=60)
    one = generate_dataset(plan, tmp_path / "one")
    finished: list[str] = []

    def on_file(file: str, tokens: int) -> None:
        finished.append(file)
        if killed and len(finished) == len(layout.data_files(plan)) // 2:
            cluster.remove_node(nodes[0], allow_graceful=False)

    two = generate_dataset(plan, tmp_path / "two", on_file, engine=Engine("ray", address=cluster.address))
    assert _hashes(two) == _hashes(one)
    assert sorted(finished) == sorted({file.path for file in layout.data_files(plan)})
