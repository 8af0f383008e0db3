"""What a second worker brings, whether its files are the same bytes, and how large a recipe is.

python bench/perf/workers.py [--tasks detect,qa1] [--length 2M] [--samples 100] [--workers 1,2] [--runs 3]

The index is warm. Each time is that of the whole call of `rmt-bench generate`, with the start of its processes.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def generate(options: argparse.Namespace, output: Path, *more: str) -> float:
    """Seconds that one call takes."""
    call = [sys.executable, "-m", "rmt_bench", "generate", "--tasks", options.tasks, "--lengths", options.length]
    started = time.perf_counter()
    subprocess.run(
        [*call, "--samples", str(options.samples), "--output", str(output), "--quiet", *more],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def digest(folder: Path) -> str:
    """A hash of all files of a folder."""
    made = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        made.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return made.hexdigest()


def main() -> None:
    """Print a line for each number of workers, and one for the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="detect,qa1")
    parser.add_argument("--length", default="2M")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    took: dict[str, list[float]] = {}
    found: set[str] = set()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        size = 0
        recipe = generate(options, folder / "recipe", "--store", "recipe")
        size = sum(path.stat().st_size for path in (folder / "recipe").rglob("*") if path.is_file())
        print(f"recipe: {size / 1e6:.3f} MB in {recipe:.1f} s (n=1)", flush=True)
        for run in range(options.runs):
            for workers in options.workers.split(","):
                output = folder / f"{workers}-{run}"
                took.setdefault(workers, []).append(generate(options, output, "--workers", workers))
                found.add(digest(output))
                subprocess.run(["rm", "-r", str(output)], check=True)
    one = statistics.median(next(iter(took.values())))
    for workers, times in took.items():
        middle = statistics.median(times)
        print(
            f"{workers} workers: {middle:.2f} s (n={len(times)}; {min(times):.2f} to {max(times):.2f}), "
            f"{one / middle:.2f} times as fast as the first"
        )
    print("every output is the same bytes" if len(found) == 1 else f"{len(found)} DIFFERENT outputs")


if __name__ == "__main__":
    main()
