"""How long one sample of each task takes, laid out and rendered: seconds, over an index that is built already.

    python bench/perf/tasks.py [--length 128k] [--samples 20] [--tasks ruler,recurrent] [--background prose]

The median of so many samples, the fastest and the slowest, are printed for each task.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.plan import load_tasks
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.registry import TASKS


def main() -> None:
    """Print one line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", default="128k")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--tasks", default=",".join(TASKS.names()))
    parser.add_argument("--background", default="prose")
    options = parser.parse_args()
    (length,) = parse_lengths(options.length)
    source = Source(load_background(options.background), load_tokenizer())
    for name, task in load_tasks(options.tasks.split(",")).items():
        for index in range(options.samples):
            source.samples(name, task, length, index)  # the volumes it begins in are indexed
        took = []
        for index in range(options.samples):
            started = time.perf_counter()
            text = source.samples(name, task, length, index)[0].text
            took.append(time.perf_counter() - started)
        print(
            f"{name:16} {statistics.median(took):.4f} s a sample of {len(text):,} characters "
            f"(median of {options.samples}; {min(took):.4f} to {max(took):.4f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
