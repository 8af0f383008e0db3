"""What can be had without reading: chance, the commonest answer, and the best guess from the question alone.

    where will yann go?           kitchen in half of all stories: two of the four moods lead there
    why did yann get the apple?   hungry, always: a question that gives its answer away

A model's accuracy means little below the last of the three. Knows tasks, no models.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .episode import Question, Task

#: A question must have been seen this often for its answers to be believed rather than those of its kind.
_ENOUGH = 12
#: What a guess may depend on, the most telling first.
Keys = Callable[[Question], tuple[str, ...]]


@dataclass(frozen=True)
class Priors:
    """Accuracies without the context: of a uniform guess, of the commonest answer, of the best guess by question."""

    chance: float
    majority: float
    question_only: float


def priors(task: Task, episodes: int = 20_000, seed: int = 0) -> Priors:
    """Estimate the priors of a task: fitted on one half of so many episodes, measured on the other.

    The guess by question is the commonest answer to the very same question; where that was seldom asked, to questions
    that differ in the words of the lexicon only. Lists are compared as sets.
    """
    streams = (np.random.Generator(np.random.Philox(key=[seed, i])) for i in range(episodes))
    questions = [question for rng in streams for question in task.episode(rng).questions]
    fitted, measured = questions[: len(questions) // 2], questions[len(questions) // 2 :]
    return Priors(
        chance=task.chance,
        majority=_accuracy(fitted, measured, lambda question: ("",)),
        question_only=_accuracy(fitted, measured, lambda question: (question.text, _masked(question.text, task), "")),
    )


def _accuracy(fitted: Sequence[Question], measured: Sequence[Question], keys: Keys) -> float:
    """How often the commonest answer under the first of a question's keys that was seen often enough is right."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for question in fitted:
        for key in keys(question):
            answers[key][_canonical(question)] += 1
    right = 0
    for question in measured:
        counts = next((answers[key] for key in keys(question) if answers[key].total() >= _ENOUGH), answers[""])
        right += _commonest(counts, question.choices) == _canonical(question)
    return right / len(measured)


def _commonest(counts: Counter[str], choices: Iterable[str]) -> str:
    """The commonest answer that the question's own choices allow."""
    allowed = set(choices)
    possible = (answer for answer, _ in counts.most_common() if answer in allowed or set(answer.split(",")) <= allowed)
    return next(possible, "")


def _canonical(question: Question) -> str:
    """The answer; a list in one order."""
    return question.answer if question.answer in question.choices else ",".join(sorted(question.answer.split(",")))


def _masked(text: str, task: Task) -> str:
    words = (("_" if word.lower() in task.lexicon else word) for word in re.findall(r"\w+", text))
    return " ".join(words)
