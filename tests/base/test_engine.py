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

from rmt_bench.base.engine import Engine, run
from rmt_bench.base.errors import UserError

# Workers import what they run by its name, and a test module has none: functions of the library stand in.
UNITS = [9, 1, 4]


def _written(folder: Path, code: str) -> dict[str, str]:
    """An environment in which workers find the module `units`."""
    (folder / "units.py").write_text(code)
    return {**os.environ, "PYTHONPATH": str(folder)}


def _call(folder: Path, code: str, call: str) -> subprocess.CompletedProcess[str]:
    script = f"import units\nfrom functools import partial\nfrom rmt_bench.base.engine import Engine, run\n{call}"
    return subprocess.run(
        [sys.executable, "-c", script],
        env=_written(folder, code),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_worker_is_the_process_itself_and_takes_units_in_order() -> None:
    assert list(run(lambda unit: (unit, os.getpid()), UNITS)) == [(unit, (unit, os.getpid())) for unit in UNITS]


def test_units_are_begun_only_as_results_are_asked_for() -> None:
    begun: list[int] = []
    results = run(begun.append, UNITS)
    assert begun == []
    next(results)
    assert begun == [9]


@pytest.mark.parametrize("workers", [2, 8])
def test_every_unit_is_done_once_by_other_processes(workers: int) -> None:
    done = sorted(run(partial(pow, 2), UNITS, Engine(workers=workers)))
    assert done == [(1, 2), (4, 16), (9, 512)]


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(run(len, [], Engine(workers=4))) == []


def test_what_a_function_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(run(partial(divmod, 1), [1, 0], Engine(workers=2)))


def test_unit_of_a_killed_worker_is_done_again(tmp_path: Path) -> None:
    code = """
import os, pathlib, signal
def work(folder, unit):
    once = pathlib.Path(folder) / f"killed-{unit}"
    if unit == 3 and not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return unit * unit
"""
    call = f"print(sorted(run(partial(units.work, {str(tmp_path)!r}), range(6), Engine(workers=2))))"
    assert _call(tmp_path, code, call).stdout.strip() == str([(unit, unit**2) for unit in range(6)])


def test_workers_killed_again_and_again_end_the_work_with_the_remedy(tmp_path: Path) -> None:
    code = "import os, signal\ndef work(unit): os.kill(os.getpid(), signal.SIGKILL)\n"
    call = "try: list(run(units.work, range(4), Engine(workers=2)))\nexcept Exception as error: print(repr(error))"
    said = _call(tmp_path, code, call).stdout
    assert said.startswith("IncompleteError('3 workers in a row were killed")
    assert "--workers" in said


def test_workers_do_not_outlive_a_killed_process(tmp_path: Path) -> None:
    code = "import os, pathlib, time\ndef work(unit):\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
    script = (
        "import units\nfrom rmt_bench.base.engine import Engine, run\nlist(run(units.work, [1, 2], Engine(workers=2)))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env=_written(tmp_path, code), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [worker for worker in workers if _runs(worker)]


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "spark"}, "unknown engine 'spark'; there is: local, ray"),
        ({"workers": 0}, "workers is a number from 1 on, not 0"),
        ({"address": "auto"}, "give --engine ray too"),
    ],
)
def test_engine_that_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Engine(**options)


def test_ray_that_is_not_installed_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'rmt-bench\[ray\]'"):
        list(run(len, ["a"], Engine("ray")))


@pytest.mark.slow
def test_ray_does_every_unit_and_raises_what_was_raised() -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'rmt-bench[ray]'")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert sorted(run(partial(pow, 2), UNITS, Engine("ray"))) == [(1, 2), (4, 16), (9, 512)]
        with pytest.raises(ZeroDivisionError):
            list(run(partial(divmod, 1), [0], Engine("ray", workers=1)))
        assert ray.is_initialized()
    finally:
        ray.shutdown()
    with pytest.raises(UserError, match=r"no Ray cluster at '127.0.0.1:1'"):
        list(run(len, ["a"], Engine("ray", address="127.0.0.1:1")))
