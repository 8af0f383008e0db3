"""How fast the symbolic reader answers a question about a long text: MB/s, the text given as one string.

    RMT_BENCH_DATA=/path/to/data python bench/perf/reader.py [--length 2M] [--samples 5] [--tasks qa1,qa3]

Each sample is a fresh text in the real books; the median and the extremes over samples are printed. Rendering the text
is not timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.babi.archive import TASK_NAMES
from rmt_bench.tasks.babi.reader import read
from rmt_bench.tasks.registry import load_task


def main() -> None:
    """Print one line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", default="2M")
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--tasks", default=",".join(TASK_NAMES))
    parser.add_argument("--tokenizer", default="embedded")
    options = parser.parse_args()
    if "RMT_BENCH_DATA" not in os.environ:
        sys.exit("set RMT_BENCH_DATA to the folder that holds books")
    (length,) = parse_lengths(options.length)
    source = Source(
        load_background(f"text:{Path(os.environ['RMT_BENCH_DATA']) / 'books'}"), load_tokenizer(options.tokenizer)
    )
    for name in options.tasks.split(","):
        speeds, right, size = [], 0, 0
        for index in range(options.samples):
            (sample,) = source.samples(name, load_task(name), length, index)
            text = sample.text
            started = time.perf_counter()
            found = read(text, sample.question)
            size = len(text.encode())
            speeds.append(size / 1e6 / (time.perf_counter() - started))
            right += found == sample.answer
        print(
            f"{name:5} {statistics.median(speeds):7.0f} MB/s (median of {options.samples} texts of "
            f"{size / 1e6:.1f} MB; {min(speeds):.0f} to {max(speeds):.0f}), {right} of {options.samples} right",
            flush=True,
        )


if __name__ == "__main__":
    main()
