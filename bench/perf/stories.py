"""How fast bAbI stories are told: seconds for 10,000 episodes of each task, the fastest and slowest of several runs.

python bench/perf/stories.py [--tasks qa1,qa3] [--episodes 10000] [--runs 5]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from rmt_bench.tasks.registry import load_task


def seconds(name: str, episodes: int) -> float:
    """How long it takes to draw so many episodes of a task."""
    task = load_task(name)
    started = time.perf_counter()
    for i in range(episodes):
        task.episode(np.random.Generator(np.random.Philox(key=i)))
    return time.perf_counter() - started


def main() -> None:
    """Print one line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="qa1,qa3")
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for name in options.tasks.split(","):
        took = [seconds(name, options.episodes) for _ in range(options.runs)]
        print(
            f"{name}: {options.episodes:,} episodes in {statistics.median(took):.2f} s "
            f"(median of {options.runs} runs; {min(took):.2f} to {max(took):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
