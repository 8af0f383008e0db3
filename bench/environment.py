"""Where and with what something was computed: what run.json and checkpoint.json say of it."""

from __future__ import annotations

import datetime
import platform
import resource
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("rmt-bench", "torch", "transformers", "tokenizers", "numpy")


def environment() -> dict[str, Any]:
    """Command, date, versions and hardware, as plain values."""
    return {
        "command": shlex.join([_program(), *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}},
        "hardware": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }


def _program() -> str:
    """What was called: `python -m rmt_bench` is `rmt-bench`."""
    called = Path(sys.argv[0])
    return "rmt-bench" if called.name == "__main__.py" else called.name


def peak_memory_bytes() -> int:
    """The highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
