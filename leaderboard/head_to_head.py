"""Two runs, task by task and length by length, on the samples that both were asked. Knows only runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .compare import Difference, Entrant, difference
from .metrics import groups
from .records import Run, read_run


def head_to_head(first: str | Path, second: str | Path, scorer: str = "strict") -> list[tuple[str, str, Difference]]:
    """Task, length and the difference of two runs' accuracies, for each that both hold judged answers of.

    Raises `UserError` when one of them is no run.
    """
    ours, theirs = (dict(entrants(read_run(folder, scorer))) for folder in (first, second))
    shared = [cell for cell in ours if cell in theirs]
    return [(*cell, difference(ours[cell], theirs[cell])) for cell in shared]


def entrants(run: Run) -> Iterator[tuple[tuple[str, str], Entrant]]:
    """The judged answers of a run, for each task and length that has some."""
    judged = run.answers["status"].isin(["answered", "invalid"]).to_numpy()
    samples, haystacks, correct = (run.answers[name].to_numpy() for name in ("sample", "haystack", "correct"))
    for cell, rows in groups(run.answers).items():
        at = rows[judged[rows]]
        if len(at):
            yield cell, Entrant.of(samples[at], haystacks[at], correct[at])
