"""Make docs/holding.md: what makes a memory hold. Rolling, carried streams, a deadband, each with and without.

    python scripts/make_holding_page.py           run what is missing, then make the page: six hours of one core
    python scripts/make_holding_page.py --page    make the page of what there is

Thresholds of the deadband are chosen on validation questions (seed 2), for the first training of a kind or for each;
what the page shows was asked with other ones (seed 1). What docs/report/data holds is not run again; see
experiments.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import matplotlib as mpl
from experiments import Job, curve
from report_parts import DOCS, NEAR, all_there, behind, best, evaluated, run_missing, validation
from trainings import SEEDS, ablated, trained

THRESHOLDS = (0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)
#: Tried, too, since the smallest of those did best for a training of the kind.
FINER = {"ARMT, rolled": (0.01,), "Mamba-2, rolled": (0.01,)}
#: Where the threshold that is best for seed 0 is not for the others, each training gets one of its own as well.
OWN = ("ARMT, rolled", "Mamba-2, rolled")
#: Every kind of reader here, made with a seed, and how many seeds: four trainings of one RMT, and readers that rolled.
KINDS: dict[str, tuple[Callable[[int], Job], int]] = {
    "RMT, plain": (partial(ablated, "", ""), 5),
    "RMT, rolled": (partial(ablated, "roll", ""), 5),
    "RMT, streams": (partial(ablated, "", "streams"), 5),
    "RMT, rolled, streams": (partial(ablated, "roll", "streams"), 5),
    "RMT, rolled, noise": (partial(trained, "rmt"), 5),
    "GRU, rolled": (partial(trained, "gru"), 3),
    "ARMT, rolled": (partial(trained, "armt"), 3),
    "Mamba-2, rolled": (partial(trained, "mamba2"), 3),
}
LENGTHS = ("7seg", "64seg", "512seg", "4096seg")
PAGE = """# What makes a memory hold

Made by `python scripts/make_holding_page.py`; trainings, commands, days and machines fold out at the end. Every reader
was trained on `detect` for the same 1,200 steps, gradients through at most 7 segments of 64 tokens. What differs:

- **plain**: no document is longer than those 7 segments;
- **rolled**: documents grow to 48 segments, all but the last 7 read without gradient;
- **streams**: in the last 600 steps (else 200) memories are carried from step to step, through documents of up to 60
  segments, with a loss on what a segment without a fact changes;
- **noise**: Gaussian, of 0.1, on the memory between segments while training;
- **deadband**, put on the finished weights: a row of the state keeps its value unless a segment changes it by more than
  a threshold. It is no part of any of these architectures.

![accuracy at 512 segments of each reader and seed, without the deadband and with it](report/holding.png)

{table}

A cell has right answers of all questions, of all seeds together, and below them what each seed came to. A seed holds
when at least 99% is right at 512 segments. One seed's training is one draw: where seeds differ, the spread between them
says more than the interval of any of them.

## What we read from it

- **The training of the report, alone, is a lottery**: with the same data and budget some RMTs hold a fact for 4,096
  segments, others have lost it by 64. All are right in everything at 7, so nothing there tells them apart.
- **Rolling** makes all five hold, by this measure; at 4,096 segments a few answers are lost. Noise beside it
  changes nothing that could be told apart here.
- **Streams**, which take the place of other training for half of the steps, do less than rolling: alone they keep the
  worst seed from forgetting all, and after rolling they do worse than rolling on.
- **A deadband** makes every RMT hold, whatever its training was; with seed 0 any threshold from 0.1 to 0.9 did equally.
  It makes every GRU hold, too, where the threshold is not as free.
- **ARMT and Mamba-2**, whose states are matrices, gain much by a deadband, but at a price: the threshold belongs to the
  one training (what is best for one seed ruins another), and it can cost right answers at short lengths: a fact that
  changes a row by less than the threshold is not written. For two trainings the smallest threshold did best: smaller
  ones may do better.

One task, one fact, small readers, 64-token segments. Nothing here says what a deadband does to a large model, nor where
many facts must share a memory ([qa1](report.md#many-facts-qa1), which an RMT and a GRU learned, has figures).

## Which threshold

Chosen on {validation} validation questions at 512 segments: the threshold with most right answers, the middle one of
equals. Seed 0's is used for all seeds of a kind. Where that does not do, each training is asked with its own as well.
Which kinds those are was decided after seed 0's threshold had been asked; the thresholds saw validation questions only.

{thresholds}

{behind}
"""


def seeds(kind: str) -> list[Job]:
    """The trainings of a kind."""
    made, count = KINDS[kind]
    return [made(seed) for seed in list(SEEDS)[:count]]


def validations(kind: str) -> list[tuple[str, dict[float, Job]]]:
    """The trainings of a kind that a threshold is chosen for, and what is asked for each threshold."""
    thresholds = (*FINER.get(kind, ()), *THRESHOLDS)
    chosen_for = seeds(kind) if kind in OWN else seeds(kind)[:1]
    return [(f"{kind}, seed {seed}", validation(job, "detect", thresholds)) for seed, job in enumerate(chosen_for)]


def bands(kind: str) -> dict[str, list[float]]:
    """The thresholds that the trainings of a kind are asked with, each time one for every seed, as far as known."""
    count = len(seeds(kind))
    found = {"none": [0.0] * count}
    chosen = [best(jobs) if all_there(jobs.values()) else None for _, jobs in validations(kind)]
    if (first := chosen[0]) is not None:
        found["one"] = [first] * count
    if kind in OWN and None not in chosen:
        found["own"] = [threshold for threshold in chosen if threshold is not None]
    return found


def tests(kind: str, thresholds: list[float]) -> list[Job]:
    """All seeds of a kind, each asked with its deadband; 0 is without."""
    return [
        evaluated(
            f"{job.name.removeprefix('trained/')}-near{f'-{threshold}' if threshold else ''}",
            job,
            f"--tasks detect {NEAR}{f' --model-arg memory_deadband={threshold}' if threshold else ''}",
        )
        for job, threshold in zip(seeds(kind), thresholds, strict=True)
    ]


def cell(jobs: list[Job], length: str) -> str:
    """What all seeds came to at one length, and each of them."""
    points = [curve(job).set_index("length").loc[length] for job in jobs]
    each = ", ".join(f"{point['correct']:.0f}" for point in points)
    return f"{sum(point['correct'] for point in points):.0f}/{sum(point['n'] for point in points):.0f}<br>{each}"


def holding(jobs: list[Job]) -> int:
    """How many of the trainings are right in 99% of what is asked at 512 segments."""
    return sum(curve(job).set_index("length").loc["512seg", "accuracy"] >= 0.99 for job in jobs)


def results() -> dict[str, dict[str, list[Job]]]:
    """Of each kind whose seeds were all asked, without a deadband and with one: what was asked, by thresholds."""
    found = {
        kind: {name: jobs for name, each in bands(kind).items() if all_there(jobs := tests(kind, each))}
        for kind in KINDS
    }
    return {kind: by_band for kind, by_band in found.items() if {"none", "one"} <= by_band.keys()}


#: How the picture tells them: color, marker, filled or not, what the legend says.
LOOKS = {
    "none": ("#d55e00", "o", "white", "without a deadband"),
    "one": ("#0072b2", "o", None, "with the threshold of seed 0"),
    "own": ("#009e73", "s", None, "with a threshold of its own"),
}


def draw(found: dict[str, dict[str, list[Job]]]) -> None:
    """A dot for each seed at 512 segments: hollow without the deadband, filled with it."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 4.2), layout="constrained")
    for place, by_band in enumerate(found.values()):
        for side, (band, jobs) in enumerate(by_band.items()):
            points = [curve(job).set_index("length").loc["512seg"] for job in jobs]
            spread = [
                [point["accuracy"] - point["ci_low"] for point in points],
                [point["ci_high"] - point["accuracy"] for point in points],
            ]
            middle = place + 0.26 * (side - (len(by_band) - 1) / 2)
            places = [middle + 0.04 * (number - (len(jobs) - 1) / 2) for number in range(len(jobs))]
            color, marker, face, _ = LOOKS[band]
            axes.errorbar(
                places, [point["accuracy"] for point in points], yerr=spread, fmt=marker, markersize=5, capsize=2,
                elinewidth=0.8, color=color, mfc=face,
            )  # fmt: skip
    for color, marker, face, label in LOOKS.values():
        axes.plot([], [], marker, color=color, mfc=face, label=label)
    (chance,) = {
        chance for by_band in found.values() for jobs in by_band.values() for chance in curve(jobs[0])["chance"]
    }
    axes.axhline(chance, color="0.45", linestyle=":", label="chance")
    axes.set_xticks(range(len(found)), [kind.replace(", ", ",\n") for kind in found])
    axes.set(ylim=(0, 1.03), ylabel="accuracy at 512 segments, with 95% interval")
    figure.legend(frameon=False, loc="outside upper right", ncols=len(LOOKS) + 1, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "report/holding.png", dpi=140)
    plt.close(figure)


def table(found: dict[str, dict[str, list[Job]]]) -> str:
    """What all readers came to."""
    rows = [f"| reader | deadband | {' | '.join(LENGTHS)} | seeds that hold |", "|---" * (len(LENGTHS) + 3) + "|"]
    for kind, by_band in found.items():
        for band, jobs in by_band.items():
            thresholds = bands(kind)[band]
            each = ", ".join(map(str, thresholds if band == "own" else thresholds[:1]))
            said = {"none": "none", "one": each, "own": f"own:<br>{each}"}[band]
            cells = " | ".join(cell(jobs, length) for length in LENGTHS)
            rows.append(f"| {kind} | {said} | {cells} | {holding(jobs)} of {len(jobs)} |")
    return "\n".join(rows)


def scale(chosen: list[tuple[str, dict[float, Job]]]) -> str:
    """How many validation questions were right with each threshold."""
    every = sorted({threshold for _, jobs in chosen for threshold in jobs})
    rows = [f"| training | {' | '.join(map(str, every))} | chosen |", "|---" * (len(every) + 2) + "|"]
    for label, jobs in chosen:
        right = [str(int(curve(jobs[threshold])["correct"].sum())) if threshold in jobs else "" for threshold in every]
        rows.append(f"| {label} | {' | '.join(right)} | {best(jobs)} |")
    return "\n".join(rows)


def make_page() -> None:
    """The page, of the kinds that are there."""
    found = results()
    draw(found)
    chosen = [(label, jobs) for kind in found for label, jobs in validations(kind) if all_there(jobs.values())]
    asked = [job for by_band in found.values() for jobs in by_band.values() for job in jobs]
    page = PAGE.format(
        table=table(found),
        thresholds=scale(chosen),
        validation=int(curve(next(iter(chosen[0][1].values())))["n"].sum()),
        behind=behind([*(job for _, jobs in chosen for job in jobs.values()), *asked]),
    )
    (DOCS / "holding.md").write_text(page, encoding="utf-8")


def main() -> None:
    """Choose thresholds, ask, make the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="make the page of what there is")
    parser.add_argument("--only", default="", metavar="TEXT", help="run the kinds whose name has this in it")
    parser.add_argument("--at-once", type=int, default=None, help="jobs side by side [default: one a core]")
    options = parser.parse_args()
    if not options.page:
        wanted = [kind for kind in KINDS if options.only in kind]
        every = [job for kind in wanted for _, jobs in validations(kind) for job in jobs.values()]
        run_missing(every, options.at_once)
        asked = [job for kind in wanted for each in bands(kind).values() for job in tests(kind, each)]
        run_missing(asked, options.at_once)
    make_page()


if __name__ == "__main__":
    main()
