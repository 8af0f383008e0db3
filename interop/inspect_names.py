"""What our tasks and samples are called in inspect_ai. Knows names only."""

from __future__ import annotations

import re

#: The package that tasks are found in: `inspect eval rmt_bench/detect`.
PACKAGE = "rmt_bench"


def inspect_name(task: str) -> str:
    """The name of a task: those of bAbI are called as inspect's own packages call them, `babilong_qa1`."""
    return f"babilong_{task}" if re.fullmatch(r"qa\d+", task) else task


def sample_name(length: str, index: int, sample_id: str) -> str:
    """What a list of samples shows, sorted as text: `4k-0017-3f9a2c`."""
    return f"{length}-{index:04d}-{sample_id[:6]}"
