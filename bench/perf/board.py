"""Build a board, tables and page, from many result files: seconds, and the process's highest memory.

    python bench/perf/board.py [--files 10000] [--rows 100] [--scorer strict] [--runs 3]

The files are written first, in a temporary folder: models x 20 tasks x 10 lengths, one file each, of bAbI-like answers.
The floor is reading the same columns of the same files with pyarrow, run by run, and doing nothing with them. Each
measurement is a process of its own, since memory is never given back.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from timing import line

from rmt_bench.base.files import write_json
from rmt_bench.bench.record import SCHEMA
from rmt_bench.leaderboard import records
from rmt_bench.leaderboard.records import find_runs, read_records
from rmt_bench.leaderboard.site.whole import build_leaderboard

_TASKS, _LENGTHS = 20, ("1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k")
_ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


def write_runs(folder: Path, files: int, rows: int) -> None:
    """Runs of so many files in all; each model is a little better than the one before."""
    rng = np.random.default_rng(0)
    per_run = _TASKS * len(_LENGTHS)
    for model in range(-(-files // per_run)):
        run = folder / f"model-{model:03}"
        (run / "records").mkdir(parents=True)
        identity = {"model": f"model-{model:03}", "samples": {"seed": 0}, "scorer": "strict", "segment_length": 512}
        write_json(run / "run.json", {"format": 1, "identity": identity})
        for number in range(min(per_run, files - model * per_run)):
            task, length = divmod(number, len(_LENGTHS))
            share = 1 / 6 + (0.3 + model / 100) * 0.9**length
            table = _unit(rng, f"qa{task + 1}", _LENGTHS[length], rows, min(share, 1.0))
            pq.write_table(table, run / "records" / f"{number}.parquet", compression="zstd")


def _unit(rng: np.random.Generator, task: str, length: str, rows: int, share: float) -> pa.Table:
    target = rng.integers(6, size=rows)
    said = np.where(rng.random(rows) < share, target, (target + 1) % 6)
    tokens = int(length[:-1]) * 1000
    columns = {
        "sample_id": [f"{task}-{length}-{i}" for i in range(rows)], "haystack_id": [f"{task}-{i}" for i in range(rows)],
        "task": [task] * rows, "length": [length] * rows, "index": range(rows), "n_tokens": [tokens] * rows,
        "model_tokens": [tokens + 8] * rows, "segments": [tokens // 512 + 1] * rows,
        "question": ["Where is Mary?"] * rows, "target": [_ROOMS[i] for i in target], "choices": [_ROOMS] * rows,
        "output": [f"Mary is in the {_ROOMS[i]}." for i in said], "answer": [_ROOMS[i] for i in said],
        "correct": target == said, "status": ["answered"] * rows, "depths": [[d] for d in rng.random(rows)],
        "read_seconds": rng.random(rows), "answer_seconds": rng.random(rows), "state_bytes": [4096] * rows,
        "peak_memory_bytes": [10**9] * rows,
    }  # fmt: skip
    return pa.Table.from_arrays(
        [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in SCHEMA],
        schema=SCHEMA,
    )


def measured(what: str, folder: str, scorer: str) -> None:
    """Do one thing in this process, and print its seconds, those of the processor, and its highest memory in MB."""
    begun = time.perf_counter()
    if what == "floor":
        for run in find_runs([folder]):
            read_records(run, records._ALWAYS if scorer == "strict" else (*records._ALWAYS, *records._TO_SCORE))
    else:
        with tempfile.TemporaryDirectory() as site:
            build_leaderboard([folder], site, scorer)
    seconds = time.perf_counter() - begun
    print(seconds, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100, help="answers in each file")
    parser.add_argument("--scorer", default="strict", help="another than strict judges every answer again")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measured(*options.measure, options.scorer)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), options.files, options.rows)
        took: dict[str, list[list[float]]] = {"floor": [], "board": []}
        for _ in range(options.runs):
            for what, found in took.items():
                call = [sys.executable, __file__, "--scorer", options.scorer, "--measure", what, folder]
                said = subprocess.run(call, check=True, capture_output=True, text=True).stdout
                found.append([float(number) for number in said.split()])
    print(f"{options.files:,} files of {options.rows} answers, scorer {options.scorer}")
    floor = [seconds for seconds, _, _ in took["floor"]]
    for what, found in took.items():
        _, processor, memory = (statistics.median(column) for column in zip(*found, strict=True))
        print(
            line(what, [row[0] for row in found], floor), f"  {processor:.1f} s of processor, {memory:,.0f} MB at most"
        )


if __name__ == "__main__":
    main()
