"""Timings as the scripts beside this one print them: n, median, and the fastest and slowest run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

#: Tells a time in seconds.
Clock = Callable[[], float]


def seconds(work: Callable[[], object], runs: int, clock: Clock = time.perf_counter) -> list[float]:
    """How long `work` takes, `runs` times; by `time.process_time`, how long this process computes."""
    took = []
    for _ in range(runs):
        started = clock()
        work()
        took.append(clock() - started)
    return took


def alternating(
    works: dict[str, Callable[[], object]], runs: int, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """How long each of several takes, turn by turn, so that what else the machine does falls on all alike."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            took[name] += seconds(work, 1, clock)
    return took


def line(name: str, took: Sequence[float], floor: Sequence[float] | None = None, tokens: int = 0) -> str:
    """One line: milliseconds, how many times the floor's, tokens a second."""
    middle = statistics.median(took)
    parts = [f"{name:28} {middle * 1e3:10.2f} ms (n={len(took)}; {min(took) * 1e3:.2f} to {max(took) * 1e3:.2f})"]
    if floor is not None:
        parts.append(f"{middle / statistics.median(floor):6.2f} x the floor")
    if tokens:
        parts.append(f"{tokens / middle / 1e6:8.1f}M tokens/s")
    return "  ".join(parts)
