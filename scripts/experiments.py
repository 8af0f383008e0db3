"""Trainings and evaluations that a page is made of: each a `rmt-bench` command, run once, side by side.

    runs/NAME                    where a command writes; ignored by git
    docs/report/data/NAME.csv    what is kept of an evaluation: its curve, with the command, the date and the machine
    docs/report/data/NAME.json   what is kept of a training: what the checkpoint says of it

What is kept is not run again: delete the file to have it made anew. Every command goes on where it was interrupted, so
that a script that is called again does only what is missing. Each job keeps one core busy (OMP_NUM_THREADS=1).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "runs"
KEPT = ROOT / "docs/report/data"


@dataclass(frozen=True)
class Job:
    """`rmt-bench COMMAND --output runs/NAME`, to be run once the trainings that it `needs` are finished.

    In the command `{books}` stands for the folder of real books.
    """

    name: str
    command: str
    needs: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it writes."""
        return RUNS / self.name

    @property
    def kept(self) -> Path:
        """What is kept of it."""
        return KEPT / f"{self.name.replace('/', '-')}.{'json' if self.trains else 'csv'}"

    @property
    def trains(self) -> bool:
        """Whether a checkpoint comes of it."""
        return self.command.startswith("train ")

    @property
    def is_there(self) -> bool:
        """Whether its folder holds what comes of it."""
        return (self.folder / ("checkpoint.json" if self.trains else "curve.csv")).is_file()

    def run(self) -> int:
        """Run it unless that was done, and keep what came of it; returns its exit status."""
        if self.trains and self.is_there:
            self._keep()
            return 0
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        words = [word.replace("{books}", books()) if "{books}" in word else word for word in shlex.split(self.command)]
        call = [sys.executable, "-m", "rmt_bench", *words, "--quiet", "--output", f"runs/{self.name}"]
        with self.folder.with_name(f"{self.folder.name}.log").open("a") as log:
            status = subprocess.run(call, stdout=log, stderr=log, env=environment, cwd=ROOT).returncode
        if status == 0:
            self._keep()
        return status

    def _keep(self) -> None:
        KEPT.mkdir(parents=True, exist_ok=True)
        if self.trains:
            said = json.loads((self.folder / "checkpoint.json").read_text())["training"]
            self.kept.write_text(json.dumps({**said, "command": f"rmt-bench {self.command}"}, indent=1) + "\n")
            return
        run = json.loads((self.folder / "run.json").read_text())
        table = pd.read_csv(self.folder / "curve.csv")
        table["command"] = f"rmt-bench {self.command}"
        table["date"] = run["date"][:10]
        table["machine"] = f"{run['hardware']['system']}, {run['hardware']['threads']} threads"
        table.to_csv(self.kept, index=False)


def books() -> str:
    """The folder of real books. Raises `SystemExit` where there is none."""
    if data := os.environ.get("RMT_BENCH_DATA"):
        return str(Path(data) / "books")
    raise SystemExit("set RMT_BENCH_DATA: books/ in that folder holds the real books that some jobs read")


def run_all(jobs: Iterable[Job], at_once: int | None = None, folders: bool = False) -> None:
    """Run what is not kept yet, and the trainings that it needs, in the order given.

    With `folders` it is the folders that are wanted, such as checkpoints, so that what is kept elsewhere does not do.
    `at_once` jobs side by side, by default as many as there are cores. Raises `SystemExit` when one failed, after the
    others are done.
    """
    every = {job.name: job for job in jobs}
    slots = at_once or os.cpu_count() or 1
    waiting = _wanted(every, folders)
    print(f"{len(every)} jobs, {len(waiting)} to do", flush=True)
    running: dict[Future[int], Job] = {}
    failed: set[str] = set()
    with ThreadPoolExecutor(slots) as pool:
        while waiting or running:
            for job in list(waiting):
                if failed & set(job.needs):
                    waiting.remove(job)
                    failed.add(job.name)
                elif len(running) < slots and all(every[name].is_there for name in job.needs):
                    waiting.remove(job)
                    running[pool.submit(partial(_timed, job))] = job
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            failed |= {job.name for future in done if (job := running.pop(future)) and future.result()}
    if failed:
        raise SystemExit(f"failed, see runs/NAME.log: {', '.join(sorted(failed))}")


def _wanted(every: dict[str, Job], folders: bool) -> list[Job]:
    """What is not kept (or not in its folder), and what that needs, in the order of `every`."""
    wanted = {name for name, job in every.items() if not (job.is_there if folders else job.kept.is_file())}
    while more := {need for name in wanted for need in every[name].needs if not every[need].is_there} - wanted:
        wanted |= more
    return [job for name, job in every.items() if name in wanted]


def _timed(job: Job) -> int:
    begun = time.perf_counter()
    status = job.run()
    took = time.perf_counter() - begun
    print(f"{datetime.now(UTC):%H:%M:%S} {job.name}: {'failed, ' if status else ''}{took:.0f} s", flush=True)
    return status


def curve(job: Job) -> pd.DataFrame:
    """What is kept of an evaluation."""
    return pd.read_csv(job.kept)


def training(job: Job) -> dict[str, Any]:
    """What is kept of a training."""
    return json.loads(job.kept.read_text())


def provenance(jobs: Sequence[Job]) -> str:
    """How a page's evaluations were made: the trainings that they need, their own commands, dates and machines."""
    tables = pd.concat([curve(job) for job in jobs])
    needed = dict.fromkeys(name for job in jobs for name in job.needs)
    trained = [f"{training(Job(name, 'train '))['command']} --output runs/{name}" for name in needed]
    commands = "\n".join([*trained, *dict.fromkeys(tables["command"])])
    said = f"{', '.join(sorted(set(tables['date'])))}; {', '.join(sorted(set(tables['machine'])))}"
    return f"```\n{commands}\n```\n\n{said}.\n"
