"""Make docs/holding.md: what makes a memory hold. Rolling, carried streams, a deadband, each with and without.

    python scripts/make_holding_page.py           run what is missing, then make the page: four hours of one core
    python scripts/make_holding_page.py --page    make the page of what there is

Thresholds of the deadband are chosen on validation questions (seed 2) of the first training of a kind; what the page
shows was asked with other ones (seed 1). What docs/report/data holds is not run again; see experiments.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import matplotlib as mpl
from experiments import Job, curve
from report_parts import DOCS, NEAR, behind, best, evaluated, run_missing, there, validation
from trainings import SEEDS, ablated, trained

THRESHOLDS = (0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)
#: Every kind of reader here, made with a seed, and how many seeds: four trainings of one RMT, and readers that rolled.
KINDS: dict[str, tuple[Callable[[int], Job], int]] = {
    "RMT": (partial(ablated, "", ""), 5),
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

## Which threshold

Chosen for each kind on {validation} validation questions at 512 segments, of seed 0's weights: the threshold with most
right answers, the middle one of equals.

{thresholds}

{behind}
"""


def seeds(kind: str) -> list[Job]:
    """The trainings of a kind."""
    made, count = KINDS[kind]
    return [made(seed) for seed in list(SEEDS)[:count]]


def validated(kind: str) -> dict[float, Job]:
    """An evaluation of the first training of a kind for each threshold."""
    return validation(seeds(kind)[0], "detect", THRESHOLDS)


def chosen(kind: str) -> float:
    """The threshold that did best on validation questions."""
    return best(validated(kind))


def tests(kind: str, threshold: float) -> list[Job]:
    """All seeds of a kind, asked with a deadband; 0 is without."""
    band = f"-{threshold}" if threshold else ""
    how = f" --model-arg memory_deadband={threshold}" if threshold else ""
    return [
        evaluated(f"{job.name.removeprefix('trained/')}-near{band}", job, f"--tasks detect {NEAR}{how}")
        for job in seeds(kind)
    ]


def is_chosen(kind: str) -> bool:
    """Whether all validation is there."""
    return len(there(validated(kind).values())) == len(THRESHOLDS)


def cell(jobs: list[Job], length: str) -> str:
    """What all seeds came to at one length, and each of them."""
    points = [curve(job).set_index("length").loc[length] for job in jobs]
    each = ", ".join(f"{point['correct']:.0f}" for point in points)
    return f"{sum(point['correct'] for point in points):.0f}/{sum(point['n'] for point in points):.0f}<br>{each}"


def holding(jobs: list[Job]) -> int:
    """How many of the trainings are right in 99% of what is asked at 512 segments."""
    return sum(curve(job).set_index("length").loc["512seg", "accuracy"] >= 0.99 for job in jobs)


def results() -> dict[str, dict[float, list[Job]]]:
    """Of each kind that is there: what was asked without the deadband, and with the one that was chosen."""
    return {
        kind: found
        for kind in KINDS
        if is_chosen(kind) and all((found := {band: there(tests(kind, band)) for band in (0, chosen(kind))}).values())
    }


def draw(found: dict[str, dict[float, list[Job]]]) -> None:
    """A dot for each seed at 512 segments: hollow without the deadband, filled with it."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for place, bands in enumerate(found.values()):
        for side, (band, jobs) in zip((-0.12, 0.12), bands.items(), strict=True):
            points = [curve(job).set_index("length").loc["512seg"] for job in jobs]
            spread = [
                [point["accuracy"] - point["ci_low"] for point in points],
                [point["ci_high"] - point["accuracy"] for point in points],
            ]
            places = [place + side + 0.03 * (number - (len(jobs) - 1) / 2) for number in range(len(jobs))]
            axes.errorbar(
                places, [point["accuracy"] for point in points], yerr=spread, fmt="o", markersize=5, capsize=2,
                elinewidth=0.8, color="#0072b2" if band else "#d55e00", mfc=None if band else "white",
                label=("with a deadband" if band else "without") if place == 0 else None,
            )  # fmt: skip
    axes.axhline(1 / 6, color="0.45", linestyle=":", label="chance")
    axes.set_xticks(range(len(found)), [kind.replace(", ", ",\n") for kind in found])
    axes.set(ylim=(0, 1.03), ylabel="accuracy at 512 segments, with 95% interval")
    figure.legend(frameon=False, loc="outside upper right", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "report/holding.png", dpi=140)
    plt.close(figure)


def make_page() -> None:
    """The page, of the kinds that are there."""
    found = results()
    draw(found)
    rows = [f"| reader | deadband | {' | '.join(LENGTHS)} | seeds that hold |", "|---" * (len(LENGTHS) + 3) + "|"]
    for kind, bands in found.items():
        for band, jobs in bands.items():
            cells = " | ".join(cell(jobs, length) for length in LENGTHS)
            rows.append(f"| {kind} | {band or 'none'} | {cells} | {holding(jobs)} of {len(jobs)} |")
    scale = ["| reader | " + " | ".join(map(str, THRESHOLDS)) + " | chosen |", "|---" * (len(THRESHOLDS) + 2) + "|"]
    for kind in found:
        right = [str(int(curve(job)["correct"].sum())) for job in validated(kind).values()]
        scale.append(f"| {kind} | {' | '.join(right)} | {chosen(kind)} |")
    asked = [job for bands in found.values() for jobs in bands.values() for job in jobs]
    choosing = [job for kind in found for job in validated(kind).values()]
    page = PAGE.format(
        table="\n".join(rows),
        thresholds="\n".join(scale),
        validation=int(curve(choosing[0])["n"].sum()),
        behind=behind([*choosing, *asked]),
    )
    (DOCS / "holding.md").write_text(page, encoding="utf-8")


def main() -> None:
    """Choose thresholds, ask, make the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="make the page of what there is")
    parser.add_argument("--only", default="", metavar="TEXT", help="run the kinds whose name has this in it")
    parser.add_argument("--at-once", type=int, default=None, help="jobs side by side [default: one a core]")
    options = parser.parse_args()
    wanted = [kind for kind in KINDS if options.only in kind and not options.page]
    run_missing((job for kind in wanted for job in validated(kind).values()), options.at_once)
    asked = (job for kind in wanted for threshold in (0, chosen(kind)) for job in tests(kind, threshold))
    run_missing(asked, options.at_once)
    make_page()


if __name__ == "__main__":
    main()
