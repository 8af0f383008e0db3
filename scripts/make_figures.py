"""Make what docs/rmt-tiny.md shows: `python scripts/make_figures.py`. About a quarter of an hour on two cores.

Evaluates the shipped `rmt-tiny` on `detect` up to 2,043,904 tokens, over `prose` and, where RMT_BENCH_DATA names a
folder with real books, over those. Interrupted, it goes on where it was. Command, seed, machine and date stand in the
page.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
LENGTHS = "1seg,2seg,4seg,7seg,64seg,512seg,4096seg,31936seg"
COMMON = f"eval rmt-tiny --tasks detect --lengths {LENGTHS} --samples 512 --token-budget 33M --batch-size 16 --seed 1"
SHOWN = [
    "length",
    "segments",
    "n",
    "correct",
    "accuracy",
    "ci_low",
    "ci_high",
    "tokens_per_second",
    "peak_memory_bytes",
]


def main() -> None:
    runs = {"rmt-tiny": f"{COMMON} --background prose"}
    if books := os.environ.get("RMT_BENCH_DATA"):
        runs["rmt-tiny-books"] = f"{COMMON} --background {shlex.quote(str(Path(books) / 'books'))}"
    sections = [_section(name, arguments) for name, arguments in runs.items()]
    (ROOT / "docs/rmt-tiny.md").write_text("# rmt-tiny, as it was measured\n\n" + "\n".join(sections))


def _section(name: str, arguments: str) -> str:
    """Run one evaluation; keep its curve under docs/, and say what came of it."""
    run = ROOT / "runs" / name
    command = [sys.executable, "-m", "rmt_bench", *shlex.split(arguments), "--output", str(run)]
    subprocess.run(command, check=True, cwd=ROOT)
    for ending in ("png", "csv"):
        shutil.copy(run / f"curve.{ending}", ROOT / f"docs/{name}.{ending}")
    info = json.loads((run / "run.json").read_text())
    table = pd.read_csv(run / "curve.csv")[SHOWN].to_csv(index=False).strip().splitlines()
    rows = ["| " + " | ".join(line.split(",")) + " |" for line in table]
    rows.insert(1, "|" + "---|" * len(SHOWN))
    filler = info["identity"]["samples"]["background"]
    hardware, versions = info["hardware"], info["versions"]
    return (
        f"## Over `{filler}`\n\n![accuracy against length]({name}.png)\n\n" + "\n".join(rows) + "\n\n"
        f"`rmt-bench {arguments.replace(os.environ.get('RMT_BENCH_DATA', ' '), '$RMT_BENCH_DATA')}`, "
        f"{info['date'][:10]}, {hardware['system']}, {hardware['threads']} threads, torch {versions['torch']}, "
        f"transformers {versions['transformers']}.\n"
    )


if __name__ == "__main__":
    main()
