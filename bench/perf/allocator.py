"""What it spares to keep freed memory (base/allocator.py), in CPU seconds of a whole evaluation.

python bench/perf/allocator.py [--model rmt-tiny] [--length 512seg] [--samples 128] [--runs 3]

The floor is the same command with glibc as it comes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile

from timing import alternating, line

#: The command line as it is, and as it would be without base/allocator.py.
KEPT = ("-m", "rmt_bench")
AS_IT_COMES = (
    "-c",
    "from rmt_bench.base import allocator; allocator.keep_freed_memory = lambda: None; "
    "from rmt_bench.cli import main; main()",
)


def children() -> float:
    """The CPU seconds of all finished child processes so far, the kernel's included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """A line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="rmt-tiny")
    parser.add_argument("--length", default="512seg")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()

    def read(program: tuple[str, ...]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            call = [sys.executable, *program, "eval", options.model, "--tasks", "detect", "--quiet"]
            call += ["--lengths", options.length, "--samples", str(options.samples), "--batch-size", "64"]
            others = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
            environment = {**others, "OMP_NUM_THREADS": "1"}
            subprocess.run([*call, "--output", f"{folder}/run"], check=True, stdout=subprocess.DEVNULL, env=environment)

    ways = {"glibc as it comes": lambda: read(AS_IT_COMES), "freed memory kept": lambda: read(KEPT)}
    took = alternating(ways, options.runs, children)
    floor = took["glibc as it comes"]
    for name, seconds in took.items():
        print(line(name, seconds, floor))


if __name__ == "__main__":
    main()
