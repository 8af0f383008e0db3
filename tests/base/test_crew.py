"""A crew finishes its jobs, whoever of it hangs or dies, and says what was lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rmt_bench.base.crew import Crew, Finished, Line, Lost, Told
from rmt_bench.base.engine import Engine
from rmt_bench.base.errors import IncompleteError, UserError


class _Worker:
    """Squares numbers; at some it hangs, dies, raises or talks."""

    def __init__(self, line: Line):
        self.line = line
        self.made_at = time.monotonic()

    def __call__(self, job: Any) -> Any:
        self.line.alive(True)
        if job == "hang":
            time.sleep(600)
        if job == "slow":
            for _ in range(20):
                time.sleep(0.1)
                self.line.alive(True)
        if job == "idle":
            self.line.alive(False)
            time.sleep(1.5)
        if job == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if job == "raise":
            raise UserError("no such thing")
        if job == "made":
            return self.line.number, self.made_at
        self.line.say(f"about {job}")
        return job * job if isinstance(job, int) else job


def _fails(line: Line) -> Any:
    os._exit(3)


def _run(jobs: list[Any], workers: int = 1, timeout: float | None = None) -> list[Any]:
    crew = Crew(_Worker, Engine(workers=workers), timeout)
    for job in jobs:
        crew.add(job)
    return list(crew.events())


def test_every_job_is_done_once_and_what_was_said_of_it_is_heard_before() -> None:
    events = _run([1, 2, 3, 4, 5], workers=2)
    finished = {event.job: event.result for event in events if isinstance(event, Finished)}
    assert finished == {n: n * n for n in range(1, 6)}
    for job in finished:
        told = events.index(Told(job, f"about {job}"))
        assert told < events.index(Finished(job, job * job))


def test_a_worker_is_made_once_for_all_its_jobs() -> None:
    made = {event.result for event in _run(["made"] * 5) if isinstance(event, Finished)}
    assert len(made) == 1


def test_a_worker_that_hangs_is_killed_and_another_does_the_rest() -> None:
    events = _run([1, "hang", 2, "slow", "idle"], timeout=1)
    assert Lost("hang", "no sign of life for 1 s", hung=True) in events
    assert [event.job for event in events if isinstance(event, Finished)] == [1, 2, "slow", "idle"]


def test_a_worker_that_dies_is_told_with_its_signal_and_its_job_may_be_given_again() -> None:
    crew = Crew(_Worker, Engine(), timeout=None)
    crew.add("die")
    crew.add(3)
    seen = []
    for event in crew.events():
        seen.append(event)
        if isinstance(event, Lost):
            crew.add(4)
    assert Lost("die", "its process died (SIGKILL)", hung=False) in seen
    assert [event.result for event in seen if isinstance(event, Finished)] == [9, 16]


def test_what_a_worker_raises_is_raised() -> None:
    with pytest.raises(UserError, match="no such thing"):
        _run(["raise"])


def test_workers_that_cannot_be_made_end_the_work() -> None:
    crew = Crew(partial(_fails), Engine())
    crew.add(1)
    with pytest.raises(
        IncompleteError, match=r"3 workers in a row were lost at the start: its process died \(exit code 3\)"
    ):
        list(crew.events())


def test_a_worker_takes_the_number_of_the_one_that_it_replaces() -> None:
    events = _run(["hang", "made", "made"], timeout=1)
    assert {event.result[0] for event in events if isinstance(event, Finished) and event.job == "made"} == {0}


_STARTING = """
import os, signal, time
from rmt_bench.base.local_hands import Processes

def make(line):
    return lambda job: job

if __name__ == "__main__":
    hand = Processes(make, None).hire(0)
    os.kill(hand.process.pid, signal.SIGINT)
    due = time.monotonic() + 60
    while not hand.ready and time.monotonic() < due:
        assert not list(hand.messages())
        time.sleep(0.05)
    assert hand.ready
    hand.kill()
"""


def test_the_first_worker_does_not_hear_ctrl_c_while_it_is_being_started(tmp_path: Path) -> None:
    (tmp_path / "starting.py").write_text(_STARTING)
    done = subprocess.run([sys.executable, tmp_path / "starting.py"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
