"""What pages of experiments are put together from: tables, pictures, the trainings behind them, commands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pandas as pd
from experiments import ROOT, Job, curve, provenance, run_all, training
from trainings import EVERY

from rmt_bench.leaderboard.plots import plot_curves

DOCS = ROOT / "docs"
#: In segments of 64 tokens: what most evaluations ask.
NEAR = (
    "--lengths 1seg,4seg,7seg,15seg,64seg,512seg,4096seg --samples 256 --min-samples 32 --token-budget 8M "
    "--batch-size 64"
)


def evaluated(name: str, model: Job, what: str, seed: int = 1) -> Job:
    """An evaluation of a trained model; `seed` is that of the questions."""
    return Job(f"held/{name}", f"eval runs/{model.name} --name {name} {what} --seed {seed}", needs=(model.name,))


def validation(model: Job, task: str, thresholds: Iterable[float]) -> dict[float, Job]:
    """Evaluations that a deadband's threshold is chosen by: other questions (seed 2) than those that pages show."""
    name = model.name.removeprefix("trained/")
    asked = f"--tasks {task} --lengths 512seg --samples 128 --batch-size 64"
    return {
        threshold: evaluated(f"{name}-valid-{threshold}", model, f"{asked} --model-arg memory_deadband={threshold}", 2)
        for threshold in thresholds
    }


def best(found: dict[float, Job]) -> float:
    """The threshold with most right answers, the middle one of equals."""
    right = {threshold: int(curve(job)["correct"].sum()) for threshold, job in found.items()}
    equals = sorted(threshold for threshold, count in right.items() if count == max(right.values()))
    return equals[(len(equals) - 1) // 2]


def there(jobs: Iterable[Job]) -> list[Job]:
    """Those of `jobs` whose outcome is kept."""
    return [job for job in jobs if job.kept.is_file()]


def all_there(jobs: Collection[Job]) -> bool:
    """Whether the outcome of each of `jobs` is kept."""
    return len(there(jobs)) == len(jobs)


def shown(row: pd.Series) -> str:
    """A point of a curve: right answers of questions, and the interval."""
    return f"{row['correct']:.0f}/{row['n']:.0f} ({row['ci_low']:.1%}-{row['ci_high']:.1%})"


def table(jobs: Sequence[Job], labels: Sequence[str], head: str) -> str:
    """One row for each evaluation and task, one column for each length."""
    curves = [(label, curve(job)) for job, label in zip(jobs, labels, strict=True)]
    tokens = {length: count for _, one in curves for length, count in zip(one["length"], one["n_tokens"], strict=True)}
    lengths = sorted(tokens, key=lambda length: tokens[length])
    rows = [f"| {head} | {' | '.join(lengths)} |", "|---" * (len(lengths) + 1) + "|"]
    for label, one in curves:
        for task, points in one.set_index("length").groupby("task", sort=False):
            cells = [shown(points.loc[length]) if length in points.index else "" for length in lengths]
            rows.append(f"| {label}, {task} | {' | '.join(cells)} |")
    return "\n".join(rows)


def trainings(jobs: Sequence[Job]) -> str:
    """Steps and minutes of the trainings that `jobs` need."""
    rows = ["| training | steps | minutes | gradient, memory [segments] | stages |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(need for job in jobs for need in job.needs):
        said = training(Job(name, "train "))
        seen = said["trained_segments"]
        stages = ", ".join(f"{stage['stage']} {stage['steps']}" for stage in said["stages"])
        minutes = said["seconds"] / 60
        rows.append(f"| {name} | {said['steps']} | {minutes:.1f} | {seen['gradient']}, {seen['memory']} | {stages} |")
    return "\n".join(rows)


def behind(jobs: Sequence[Job]) -> str:
    """What folds out: the trainings behind `jobs`, their commands, days and machines."""
    head = '<details markdown="1">\n<summary>Trainings and commands</summary>'
    return "\n\n".join([head, trainings(jobs), provenance(jobs).strip(), "</details>"])


def draw(jobs: Sequence[Job], labels: Sequence[str], name: str, title: str) -> str:
    """A picture of one line for each evaluation, as Markdown."""
    curves = [curve(job).assign(model=label) for job, label in zip(jobs, labels, strict=True)]
    plot_curves(pd.concat(curves), DOCS / f"report/{name}.png", title)
    return f"![{title}](report/{name}.png)"


def section(title: str, text: str, jobs: Sequence[Job], labels: Sequence[str], head: str, picture: str = "") -> str:
    """A part of the page: what it says, its picture, its table, and how it was made."""
    parts = [f"## {title}", text, picture, table(jobs, labels, head), behind(jobs)]
    return "\n\n".join(part.strip() for part in parts if part)


def run_missing(jobs: Iterable[Job], at_once: int | None = None) -> None:
    """Run what is not kept of `jobs`, each after the trainings that it needs. Raises `SystemExit` when one failed."""
    ordered: dict[str, Job] = {}
    for job in jobs:
        ordered |= {one.name: one for one in _before(job)} | {job.name: job}
    run_all(ordered.values(), at_once)


def _before(job: Job) -> list[Job]:
    """The trainings that a job needs, and those that they need, first things first."""
    return [one for name in job.needs for one in (*_before(EVERY[name]), EVERY[name])]
