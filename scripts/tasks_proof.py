"""The proof of every task: the symbolic reader's score and that of a guess, on samples at several lengths, as a table.

    python scripts/tasks_proof.py [--samples 500] [--lengths 0,4k,128k] [--tasks ruler,recurrent] [--background prose]

`read` is how many samples the reader answers rightly, `guessed` the accuracy of `random`'s guess beside the stated
chance, with the probability of a guess so far off (two-sided binomial). Exits with 1 where the reader misses one or a
guess is further off than one in a million.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import chain

import numpy as np
from scipy.stats import binomtest

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import Length, parse_lengths
from rmt_bench.generators.plan import load_tasks
from rmt_bench.generators.samples import Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.episode import Task
from rmt_bench.tasks.guessing import guess
from rmt_bench.tasks.reader import Reader
from rmt_bench.tasks.registry import TASKS
from rmt_bench.tasks.scoring import strict


def prove(source: Source, name: str, task: Task, length: Length, count: int) -> bool:
    """Print one row; whether the reader is right everywhere and guessing is at chance."""
    started, tokens, asked, read, guessed = time.perf_counter(), 0, 0, 0, 0
    rng = np.random.default_rng(0)
    for sample in chain.from_iterable(source.samples(name, task, length, index) for index in range(count)):
        found = Reader(sample.text).answer(sample.question)
        right = strict(found, sample.answer, sample.choices).correct
        if not right:
            print(f"      {sample.id}: {sample.question} {sample.answer}, read: {found}")
        read += right
        guessed += strict(guess(sample.question, sample.choices, rng), sample.answer, sample.choices).correct
        asked, tokens = asked + 1, tokens + sample.n_tokens
    p = binomtest(guessed, asked, task.chance).pvalue
    print(
        f"{name:16} {length.label:>5} {tokens / asked:9.0f} {read:6} of {asked:<5} {guessed / asked:8.4f} "
        f"{task.chance:8.4f} {p:7.3f} {time.perf_counter() - started:6.0f} s",
        flush=True,
    )
    return read == asked and p > 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500, help="documents of each task at each length")
    parser.add_argument("--lengths", default="0,4k,128k")
    parser.add_argument("--tasks", default=",".join(TASKS.names()))
    parser.add_argument("--background", default="prose")
    parser.add_argument("--distractors", type=float, default=0.0)
    parser.add_argument("--style", default="none")
    parser.add_argument("--task-arg", action="append", default=[], help="KEY=VALUE")
    options = parser.parse_args()
    source = Source(
        load_background(options.background),
        load_tokenizer(),
        distractors=options.distractors,
        style=options.style,
    )
    print("task            length    tokens         read        guessed   chance       p")
    tasks = load_tasks(options.tasks.split(","), dict(pair.split("=", 1) for pair in options.task_arg))
    rows = [
        prove(source, name, task, length, options.samples)
        for length in parse_lengths(options.lengths)
        for name, task in tasks.items()
    ]
    print("all proven" if all(rows) else "NOT proven: see above")
    sys.exit(not all(rows))


if __name__ == "__main__":
    main()
