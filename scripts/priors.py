"""What each task gives away without its text, and how much the questions' words help to find the facts: a table.

    python scripts/priors.py [--episodes 20000] [--tasks qa1,detect] [--lexicon fresh]

`overlap` is the share of a question's content words (names apart) that its supporting facts hold, as the official files
word both, and paraphrased.
"""

from __future__ import annotations

import argparse
import re

import numpy as np

from rmt_bench.tasks.babi.family import BabiTask
from rmt_bench.tasks.babi.language import overlap
from rmt_bench.tasks.episode import Task
from rmt_bench.tasks.priors import priors
from rmt_bench.tasks.registry import TASKS, load_task


def mean_overlap(task: Task, episodes: int = 500) -> float:
    """The share of the questions' content words that occur in their supporting facts."""
    held = asked = 0
    for i in range(episodes):
        episode = task.episode(np.random.Generator(np.random.Philox(key=i)))
        for question in episode.questions:
            facts = [episode.facts[fact] for fact in question.supporting]
            found, words = overlap(question.text, facts, task.lexicon)
            held, asked = held + found, asked + words
    return held / asked if asked else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=20_000, help="half to fit, half to measure")
    parser.add_argument("--tasks", default=",".join(name for name in TASKS.names() if re.fullmatch(r"qa\d+", name)))
    parser.add_argument("--lexicon", default="official", help="official or fresh (bAbI tasks)")
    options = parser.parse_args()
    print("task        chance  majority  question only   overlap official  paraphrased")
    for name in options.tasks.split(","):
        task = load_task(name)
        if isinstance(task, BabiTask):
            task = load_task(name, lexicon=options.lexicon)
        found = priors(task, options.episodes)
        line = f"{name:10} {found.chance:7.3f} {found.majority:9.3f} {found.question_only:14.3f}"
        if isinstance(task, BabiTask):
            reworded = load_task(name, lexicon=options.lexicon, paraphrase=True)
            line += f" {mean_overlap(task):18.2f} {mean_overlap(reworded):12.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
