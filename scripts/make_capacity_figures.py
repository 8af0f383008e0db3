"""Make docs/capacity.md: how many facts the shipped `rmt-tiny` holds at once, and how overwriting hurts it.

    python scripts/make_capacity_figures.py [--samples 200] [--length 4k]

Accuracy against the number of facts (`capacity`) and of moves of one person (`interference`), at one length, and
against the segments since the last move, by how often the person moved: a few minutes on two cores. Interrupted, it
goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from made import made_on

from rmt_bench import evaluate, generate
from rmt_bench.bench.model import SegmentModel, load_model
from rmt_bench.bench.record import RunFolder
from rmt_bench.leaderboard.metrics import curve, wilson

ROOT = Path(__file__).parents[1]
#: The knob that is turned of each task, and its values. At 4k tokens, 256 facts fit.
SERIES = {"capacity": "facts", "interference": "moves"}
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
#: How often the person moved whose last move lies so many segments back, and how many times the samples of the others.
MOVED, MORE = (1, 2, 4), 5
TEXT = """# How much rmt-tiny holds

Made by `python scripts/make_capacity_figures.py` on {made_on}: {samples} questions for each point at {length} tokens of
`prose`. The state of rmt-tiny is {state:,} bytes; chance is one in six places. `first` is how often the answer was the
place of the first fact.

![accuracy against the number of facts, of moves, and of segments since the last move](capacity.png)

{rows}

The right panel asks `interference` {more} times as often, and sorts the answers by how many segments of {segment}
tokens were read since the last move:

{since}

`rmt-tiny` was trained on `detect`, where one fact stands in each text, so it never had to keep two things apart, and it
does not: **it holds on to the first fact it meets.** Told where two people are (`facts=2`), it answers with the place
of the first one {first[capacity]:.0%} of the time, whoever is asked about; told twice where one person is (`moves=2`),
it answers with the first place {first[interference]:.0%} of the time, though the last one counts. How far back the last
move lies makes no difference (right panel): it does not fade, it was never written. From {lost} facts on it cannot be
told from chance. (Up to four facts are about the people it knows; from eight on, people have family names that it has
never seen.) What detect measures is how long one thing lasts; these two say that nothing else was learned. A memory
that is to hold more has to be trained on more: `rmt-bench train rmt --tasks capacity,interference`.
"""


def run_folder(task: str, count: int, length: str, samples: int) -> Path:
    """Where the run of one point is kept."""
    return ROOT / "runs" / "capacity" / f"{task}-{count}-{length}-{samples}"


def measure(model: SegmentModel, task: str, count: int, length: str, samples: int) -> pd.DataFrame:
    """One point, kept under runs/ so that it is made once. `first` is the share of answers that are the first place."""
    run = run_folder(task, count, length, samples)
    plan = generate([task], length, samples=samples, task_args={SERIES[task]: count}, tokenizer=model.tokenizer)
    evaluate(model, plan, run, name="rmt-tiny", batch_size=32)
    told = {sample.id: sample.facts[0].text.rstrip(".").split()[-1] for sample in plan}
    answers = RunFolder(run).records().set_index("sample_id")["answer"]
    return curve(run).assign(count=count, first=(answers == answers.index.map(told)).mean())


def since_last_move(length: str, samples: int) -> pd.DataFrame:
    """Accuracy of `interference` by the segments since the last move, in steps that double, for each of `MOVED`."""
    found = []
    for moves in MOVED:
        records = RunFolder(run_folder("interference", moves, length, samples)).records()
        since = records["segments"] * (1 - records["depths"].map(max))
        step = 2 ** np.floor(np.log2(since.clip(lower=1))).astype(int)
        for first, group in records.groupby(step):
            n, correct = len(group), int(group["correct"].sum())
            low, high = wilson(correct, n)
            label = f"{first} to {2 * first - 1}" if first > 1 else "0 to 1"
            row = {"moves": moves, "since": label, "n": n, "correct": correct, "accuracy": correct / n}
            found.append({**row, "ci_low": low, "ci_high": high, "first": first})
    return pd.DataFrame(found)


def draw(table: pd.DataFrame, since: pd.DataFrame, path: Path) -> None:
    """The three series side by side, with their intervals and chance."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(13, 3.6), sharey=True, layout="constrained")
    for axes, (task, knob) in zip(panels, SERIES.items(), strict=False):
        _series(axes, table[table["task"] == task], "count")
        axes.set(title=task, xlabel=knob)
        axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    for moves, points in since.groupby("moves"):
        _series(panels[2], points, "first", label=f"{moves} move{'s' * (moves != 1)}")
    firsts = sorted(set(since["first"]))
    panels[2].set(title="interference", xlabel="segments since the last move, from")
    panels[2].set_xticks(firsts, [str(first) if first > 1 else "0" for first in firsts])
    panels[2].legend(frameon=False, loc="center right")
    for axes in panels:
        axes.axhline(table["chance"].mean(), color="0.45", linestyle=":")
        axes.set(ylim=(0, 1.02))
        axes.minorticks_off()
    panels[0].set_ylabel("accuracy, with 95% interval")
    figure.savefig(path, dpi=120)


def _series(axes: Any, points: pd.DataFrame, x: str, label: str = "") -> None:
    spread = (points["accuracy"] - points["ci_low"], points["ci_high"] - points["accuracy"])
    axes.errorbar(points[x], points["accuracy"], yerr=spread, marker="o", capsize=3, label=label)
    axes.set_xscale("log")


def rows(table: pd.DataFrame, columns: Sequence[str]) -> str:
    """A table of Markdown."""
    lines = table[list(columns)].round(3).astype(str).apply(" | ".join, axis=1)
    return "\n".join(f"| {line} |" for line in [" | ".join(columns), " | ".join("---" for _ in columns), *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--length", default="4k")
    options = parser.parse_args()
    model = load_model("rmt-tiny")
    points = [measure(model, task, n, options.length, options.samples) for task in SERIES for n in COUNTS]
    table = pd.concat(points, ignore_index=True)
    for moves in MOVED:
        measure(model, "interference", moves, options.length, MORE * options.samples)
    since = since_last_move(options.length, MORE * options.samples)
    draw(table, since, ROOT / "docs/capacity.png")
    shown = ("task", "count", "n", "correct", "accuracy", "ci_low", "ci_high", "first")
    text = TEXT.format(
        made_on=made_on(),
        samples=options.samples,
        length=options.length,
        state=table["state_bytes"].max(),
        rows=rows(table, shown),
        more=MORE,
        segment=model.segment_length,
        since=rows(since, ("moves", "since", "n", "correct", "accuracy", "ci_low", "ci_high")),
        lost=table[(table["task"] == "capacity") & (table["ci_low"] <= table["chance"])]["count"].min(),
        first=table[table["count"] == 2].set_index("task")["first"].to_dict(),
    )
    (ROOT / "docs/capacity.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
