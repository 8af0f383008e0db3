"""Generated stories against the official bAbI files, task by task, as a table.

    RMT_BENCH_DATA=/path/to/data python scripts/babi_against_official.py [--samples 4000] [--tasks qa1,qa2]

Distributions are compared by total variation distance (TV): 0 is equal, 1 is nothing in common. An official file is
itself a small sample (a few hundred stories, asked up to twelve times each), so two numbers stand beside the answers'
TV: `noise`, between the official answers and as many stories drawn again from them (90th percentile), and `uneven`,
between the official answers and the same with every place (person, thing, animal, colour) equally often, as generated
stories have it by design.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rmt_bench.tasks.babi.archive import TASK_NAMES, load_archive
from rmt_bench.tasks.babi.family import BabiTask
from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.registry import load_task


@dataclass(frozen=True)
class Row:
    """What is compared of one task. Pairs are (official, generated)."""

    task: str
    only_official: list[str]
    only_generated: list[str]
    facts: tuple[float, float]
    supporting: tuple[float, float]
    supporting_tv: float
    answers_tv: float
    answers_noise: float
    answers_uneven: float | None
    distance: tuple[float, float]
    distance_tv: float


def words(episodes: Iterable[Episode]) -> set[str]:
    texts = {text for e in episodes for text in (*e.facts, *(q.text for q in e.questions))}
    return {word for text in texts for word in re.findall(r"[\w']+", text.lower())}


def total_variation(one: Sequence[object], other: Sequence[object]) -> float:
    a, b = Counter(one), Counter(other)
    return sum(abs(a[key] / len(one) - b[key] / len(other)) for key in a | b) / 2


def answer(episode: Episode) -> str:
    """The answer; a list in alphabetical order."""
    question = episode.questions[0]
    return question.answer if question.answer in question.choices else ",".join(sorted(question.answer.split(",")))


def distance(episode: Episode) -> int:
    """Facts between the last supporting one and the question."""
    return len(episode.facts) - 1 - max(episode.questions[0].supporting)


def stories(episodes: Sequence[Episode]) -> list[list[Episode]]:
    """Official episodes by the story they are from: each holds the facts of the one before it."""
    told: list[list[Episode]] = []
    for episode in episodes:
        if told and episode.facts[: len(told[-1][-1].facts)] == told[-1][-1].facts:
            told[-1].append(episode)
        else:
            told.append([episode])
    return told


def noise(episodes: Sequence[Episode]) -> float:
    """The 90th percentile of the answers' TV between the file and stories drawn from it again."""
    told, rng = stories(episodes), np.random.default_rng(0)
    answers = [answer(episode) for episode in episodes]
    again = ([answer(e) for i in rng.integers(len(told), size=len(told)) for e in told[i]] for _ in range(200))
    return float(np.quantile([total_variation(answers, drawn) for drawn in again], 0.9))


def uneven(name: str, episodes: Sequence[Episode]) -> float | None:
    """The TV between the official answers and the same made even within each role; `None` where they have no role."""
    task = load_task(name)
    assert isinstance(task, BabiTask)
    shares = Counter(answer(episode) for episode in episodes)
    roles = [task.cast[role] for role in task.answer_roles]
    means = {word: sum(shares[w] for w in role) / len(role) for role in roles for word in role}
    return sum(abs(shares[word] - mean) for word, mean in means.items()) / 2 / len(episodes) if means else None


def compare(name: str, official: Sequence[Episode], generated: Sequence[Episode]) -> Row:
    both = (official, generated)
    supporting = [[len(e.questions[0].supporting) for e in episodes] for episodes in both]
    distances = [[distance(e) for e in episodes] for episodes in both]
    facts = [statistics.mean(len(e.facts) for e in episodes) for episodes in both]
    known, made = map(words, both)
    return Row(
        task=name,
        only_official=sorted(known - made),
        only_generated=sorted(made - known),
        facts=(facts[0], facts[1]),
        supporting=(statistics.mean(supporting[0]), statistics.mean(supporting[1])),
        supporting_tv=total_variation(*supporting),
        answers_tv=total_variation(*([answer(e) for e in episodes] for episodes in both)),
        answers_noise=noise(official),
        answers_uneven=uneven(name, official),
        distance=(statistics.mean(distances[0]), statistics.mean(distances[1])),
        distance_tv=total_variation(*distances),
    )


def show(row: Row) -> str:
    vocabulary = " ".join([*(f"-{word}" for word in row.only_official), *(f"+{word}" for word in row.only_generated)])
    own = "" if row.answers_uneven is None else f"{row.answers_uneven:.3f}"
    return (
        f"{row.task:5} {row.facts[0]:7.2f} {row.facts[1]:7.2f}   {row.supporting[0]:5.2f} {row.supporting[1]:5.2f} "
        f"{row.supporting_tv:5.3f}   {row.answers_tv:6.3f} ({row.answers_noise:5.3f}, {own:>5})   "
        f"{row.distance[0]:5.2f} {row.distance[1]:5.2f} {row.distance_tv:5.3f}   {vocabulary or 'same'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4000, help="generated stories of each task")
    parser.add_argument("--tasks", default=",".join(TASK_NAMES))
    options = parser.parse_args()
    if "RMT_BENCH_DATA" not in os.environ:
        sys.exit("set RMT_BENCH_DATA to the folder that holds babi/en-10k")
    archive = load_archive(Path(os.environ["RMT_BENCH_DATA"]) / "babi/en-10k")
    print(f"official test files (1,000 questions a task) | generated ({options.samples:,} stories a task)")
    print("       facts off/gen   supporting off/gen/TV   answers TV (noise, uneven)  distance off/gen/TV   vocabulary")
    for name in options.tasks.split(","):
        task = load_task(name)
        made = [task.episode(np.random.Generator(np.random.Philox(key=i))) for i in range(options.samples)]
        print(show(compare(name, archive.episodes(int(name[2:])), made)), flush=True)


if __name__ == "__main__":
    main()
