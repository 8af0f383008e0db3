"""What a second worker brings to an evaluation, and whether the records are the same.

python bench/perf/eval_workers.py [--model rmt-tiny] [--length 256k] [--samples 256] [--workers 1,2] [--runs 3]

Samples of one length are cut into units of 64, which workers take one by one. Each time is that of the whole command,
with the start of its processes; the index is warm. With OMP_NUM_THREADS=1 one worker keeps one core busy.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import line

from rmt_bench.bench.record import RunFolder


def main() -> None:
    """A line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rmt-tiny")
    parser.add_argument("--length", default="256k")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    took: dict[str, list[float]] = {}
    answers = set()
    with tempfile.TemporaryDirectory() as temporary:
        for run in range(options.runs):
            for workers in options.workers.split(","):
                folder = Path(temporary) / f"{workers}-{run}"
                call = [sys.executable, "-m", "rmt_bench", "eval", options.model, "--tasks", "detect", "--quiet"]
                call += ["--lengths", options.length, "--samples", str(options.samples), "--workers", workers]
                begun = time.perf_counter()
                subprocess.run([*call, "--output", str(folder)], check=True, stdout=subprocess.DEVNULL)
                took.setdefault(workers, []).append(time.perf_counter() - begun)
                records = RunFolder(folder).records().sort_values("sample_id")
                answers.add(tuple(zip(records["sample_id"], records["output"], strict=True)))
    for workers, seconds in took.items():
        print(line(f"{workers} workers", seconds, next(iter(took.values()))))
    print("all records the same" if len(answers) == 1 else "THE RECORDS DIFFER")


if __name__ == "__main__":
    main()
