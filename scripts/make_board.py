"""Make the first board, docs/board.md and docs/board/: the models that need no download, beside published answers.

    RMT_BENCH_DATA=../shared/data python scripts/make_board.py

Evaluates what is listed in `RUNS`, imports the predictions that BABILong publishes from the folder `babilong_evals` of
RMT_BENCH_DATA where there is one, and builds tables and page under runs/board/site. The tables and a picture of the
curves go to docs/; the page carries a library of somebody else's, so it is built and not kept. Interrupted, it goes on
where it was. About twenty minutes on one core.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from made import made_on

from rmt_bench.leaderboard.plots import plot_curves

ROOT = Path(__file__).parents[1]
RUNS_FOLDER = ROOT / "runs/board"
SITE = ROOT / "runs/board-site"
#: Every model is asked the same samples: the same seed, the embedded tokenizer, the embedded prose.
ASKED = "--lengths 0,1k,4k,16k,64k,256k --samples 100 --min-samples 32 --token-budget 8M --batch-size 32 --seed 1"
RUNS = {
    "rmt-tiny": "rmt-tiny --tasks memorize,detect,reasoning,qa1",
    "rmt-tiny-reasoning": "rmt-tiny-reasoning --tasks reasoning",
    **{name: f"{name} --tasks detect" for name in ("armt-tiny", "gru-tiny", "mamba2-tiny", "window-tiny")},
    "oracle": "oracle --tasks memorize,detect,reasoning,qa1,qa2,qa3",
    "random": "random --tasks memorize,detect,reasoning,qa1,qa2,qa3",
    "majority": "majority --tasks memorize,detect,reasoning,qa1,qa2,qa3",
    "retrieval-5": "retrieval --tasks memorize,detect,reasoning,qa1,qa2,qa3 --model-arg k=5 --name retrieval-5",
}
KEPT = ("leaderboard.csv", "leaderboard_wide.csv", "summary.csv", "README.md")
PAGE = """# The first board

Made by `python scripts/make_board.py` on {made_on}: what ships with rmt-bench and needs no
download, and the answers that BABILong publishes of three systems, judged by the strict scorer. Tables:
[leaderboard.csv](board/leaderboard.csv), [summary.csv](board/summary.csv); [README](board/README.md) says what each
column is. The page to look at is built by the last of these commands:

```
{commands}
```

![accuracy against length of the five readers that ship, on detect](board/curves.png)

The five that end in `-tiny` had the same 1,200 steps of detect, and nothing else: 256k tokens are 4,000 of their
segments. What `rmt-tiny` shows on other tasks is what that taught it. `retrieval-5` hands the
five sentences nearest to the question, by BM25, to the symbolic reader, which never guesses: what takes two facts that
share no word (qa2, qa3) is out of its reach. `oracle` is the ceiling, `random` and `majority` the floor. Imported rows
(`source` is `babilong`) are other samples over other filler than ours: they are ranked among themselves, never with
ours.

{summary}
"""


def run(arguments: str) -> str:
    """Run one command of rmt-bench in the root, and return how it is written."""
    written = f"rmt-bench {arguments}"
    print(written, flush=True)
    subprocess.run([sys.executable, "-m", "rmt_bench", *shlex.split(arguments)], check=True, cwd=ROOT)
    return written


def main() -> None:
    shutil.rmtree(SITE, ignore_errors=True)
    commands = [run(f"eval {what} {ASKED} --output runs/board/{name}") for name, what in RUNS.items()]
    published = Path(os.environ.get("RMT_BENCH_DATA", "")) / "babilong_evals"
    if "RMT_BENCH_DATA" in os.environ and published.is_dir():
        shutil.rmtree(ROOT / "runs/board-imported", ignore_errors=True)
        run(f"leaderboard import babilong {shlex.quote(str(published))} --output runs/board-imported")
        commands.append(
            "rmt-bench leaderboard import babilong $RMT_BENCH_DATA/babilong_evals --output runs/board-imported"
        )
    runs = "runs/board runs/board-imported" if (ROOT / "runs/board-imported").is_dir() else "runs/board"
    commands.append(run(f"leaderboard build {runs} --output runs/board-site"))
    folder = ROOT / "docs/board"
    folder.mkdir(exist_ok=True)
    for name in KEPT:
        shutil.copy(SITE / name, folder / name)
    table = pd.read_csv(SITE / "leaderboard.csv")
    five = table[table["model"].str.endswith("-tiny") & (table["task"] == "detect")]
    plot_curves(five, folder / "curves.png", "five readers that ship, on detect")
    summary = pd.read_csv(SITE / "summary.csv")
    page = PAGE.format(
        made_on=made_on(),
        commands="\n".join(commands),
        summary=markdown(summary),
    )
    (ROOT / "docs/board.md").write_text(page, encoding="utf-8")


def markdown(summary: pd.DataFrame) -> str:
    """The summary as a table of Markdown: what each curve comes to."""
    columns = [
        "model", "task", "prompt", "source", "curve_score", "curve_score_low", "curve_score_high", "effective_length",
    ]  # fmt: skip
    shown = summary[columns].astype(object)
    lines = shown.where(shown.notna(), "").astype(str).apply(" | ".join, axis=1)
    return "\n".join(f"| {line} |" for line in [" | ".join(shown), " | ".join("---" for _ in shown), *lines])


if __name__ == "__main__":
    main()
