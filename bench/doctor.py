"""What this machine has for rmt-bench: versions, devices, folders, settings, extras; and does the main job run?

`diagnose` looks and mends nothing. The main job is tried as a user would run it, by a process of its own: whatever goes
wrong there, be it in a library's own code, is told and ends nothing here.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base.errors import one_line
from ..base.files import cache_folder
from ..base.packages import Need, extras, needs

PACKAGE = "rmt-bench"
#: The call that must work: what ships reads what is embedded, without a network.
TRIAL = ("eval", "rmt-tiny", "--tasks", "detect", "--lengths", "256", "--samples", "8", "--json")
_PATIENCE = 600.0
#: What importing a package raises that is missing, or was built for another machine or another numpy.
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError, ValueError)
_SETTINGS = re.compile(
    r"(RMT_BENCH|OMP|MKL|OPENBLAS|KMP|HF|TRANSFORMERS|TOKENIZERS|PYTORCH|CUDA|HIP|RAY)_|OPENAI_BASE_URL$"
)
_SECRET = re.compile(r"TOKEN$|TOKENS$|KEY|SECRET|PASSWORD")


@dataclass(frozen=True)
class Trial:
    """How the main job went: `told` is what came of it, or the last line that it said."""

    works: bool
    seconds: float
    told: str


@dataclass(frozen=True)
class Diagnosis:
    """What was found. `problems` are what keeps the main job from running, each with what to do about it.

    `extras` holds for each extra what it lacks; paths below the home folder begin with ~, and no secret is shown.
    """

    versions: dict[str, str]
    packages: list[Need]
    extras: dict[str, list[Need]]
    devices: dict[str, Any]
    folders: dict[str, dict[str, Any]]
    settings: dict[str, str]
    trial: Trial | None
    problems: list[str] = field(default_factory=list)


def diagnose(trial: bool = True) -> Diagnosis:
    """Look at this machine, and try the main job unless `trial` is false: some ten seconds."""
    packages = list(needs(PACKAGE))
    devices, cache = _devices(), _cache()
    tried = _try() if trial else None
    problems = [f"{need} is wanted: pip install '{need.wanted}'" for need in packages if not need.fits]
    if "error" in devices:
        problems.append(f"torch cannot be loaded ({devices['error']}): install it anew, see pytorch.org")
    if "error" in cache:
        problems.append(
            f"{cache['path']} cannot be written ({cache['error']}): set RMT_BENCH_CACHE to a folder that can"
        )
    if tried and not tried.works:
        problems.append(f"`{PACKAGE} {' '.join(TRIAL[:-1])}` fails ({tried.told}): mend what is said there")
    return Diagnosis(
        versions=_versions(),
        packages=packages,
        extras={extra: [need for need in needs(PACKAGE, extra) if not need.fits] for extra in extras(PACKAGE)},
        devices=devices,
        folders={"cache": cache, "hub": _hub(), "data": _data()},
        settings=_settings(),
        trial=tried,
        problems=problems,
    )


def remedy(extra: str) -> str:
    """The command that adds what an extra lacks."""
    return f"pip install '{PACKAGE}[{extra}]'"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {
        PACKAGE: version(PACKAGE),
        "python": platform.python_version(),
        "system": platform.platform(),
        "installed": _short(Path(__file__).parents[1]),
        "interpreter": _short(Path(sys.executable)),
    }


def _devices() -> dict[str, Any]:
    """Processors, threads, memory in bytes, and accelerators; `error` says why torch cannot tell."""
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory(),
    }
    try:
        import torch
    except _BROKEN as error:
        return found | {"error": one_line(error)}
    names = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return found | {
        "threads": torch.get_num_threads(),
        "cuda_of_torch": torch.version.cuda,
        "cuda": [
            {"name": torch.cuda.get_device_name(i), "memory_bytes": torch.cuda.get_device_properties(i).total_memory}
            for i in names
        ],
        "mps": torch.backends.mps.is_available(),
    }


def _memory() -> int:
    """Bytes of memory: the machine's, or what its control group (a container) leaves of them."""
    least = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        least = min(least, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return least


def _cache() -> dict[str, Any]:
    """Where indexes of filler are kept, how large they are, and what is free there; `error`: it cannot be written."""
    folder = cache_folder()
    told = {"path": _short(folder), "set_by": "RMT_BENCH_CACHE" if os.environ.get("RMT_BENCH_CACHE") else "default"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return told | {"error": error.strerror or one_line(error)}
    return told | {"bytes": _size(folder), "free_bytes": shutil.disk_usage(folder).free}


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; others may be at work there."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size if path.is_file() else 0
    return total


def _hub() -> dict[str, Any]:
    """Where models and data sets from the hub are kept."""
    try:
        from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE
    except _BROKEN as error:
        return {"path": None, "error": one_line(error)}
    return {"path": _short(Path(HF_HUB_CACHE)), "there": Path(HF_HUB_CACHE).is_dir(), "offline": HF_HUB_OFFLINE}


def _data() -> dict[str, Any]:
    """The folder of real data that tests and scripts use, if it is set."""
    named = os.environ.get("RMT_BENCH_DATA")
    if not named:
        return {"path": None}
    folder = Path(named)
    holds = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else None
    return {"path": _short(folder), "holds": holds}


def _settings() -> dict[str, str]:
    """Environment variables that change how fast or where from things are read; of secrets only that they are set."""
    found = {name: value for name, value in sorted(os.environ.items()) if _SETTINGS.match(name)}
    return {name: "(set, not shown)" if _SECRET.search(name) else _hidden(value) for name, value in found.items()}


def _hidden(value: str) -> str:
    """A value without the login of an address in it, and without the home folder."""
    shown = re.sub(r"//[^/@\s]+@", "//...@", value)
    home = str(Path.home())
    return f"~{shown.removeprefix(home)}" if shown == home or shown.startswith(f"{home}/") else shown


def _short(path: Path) -> str:
    return _hidden(str(path.absolute()))


def _try() -> Trial:
    """Run the main job in a folder that is thrown away."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "rmt_bench", *TRIAL, "--output", str(Path(folder) / "run")]
        try:
            done = subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return Trial(False, _PATIENCE, f"no end after {_PATIENCE:.0f} s")
    seconds = time.perf_counter() - begun
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Trial(False, seconds, last.removeprefix("Error: "))
    (point,) = json.loads(done.stdout)["curve"]
    return Trial(True, seconds, f"rmt-tiny answered {point['correct']} of {point['n']} questions right")
