"""Guessing knows the question and its choices, and is uniform among the answers that it allows."""

from collections import Counter

import numpy as np
import pytest

from rmt_bench.tasks.guessing import guess, odds
from rmt_bench.tasks.registry import TASKS, load_task

WORDS = ("otter", "sauna", "bagel", "zebra")


def drawn(question: str, choices: tuple[str, ...], count: int = 1200) -> Counter[str]:
    rng = np.random.default_rng(0)
    return Counter(",".join(sorted(guess(question, choices, rng).split(","))) for _ in range(count))


@pytest.mark.parametrize(
    ("question", "choices", "answers"),
    [
        ("Where is Mary?", WORDS, 4),
        ("Which 2 words are the most frequent in the wordlists?", WORDS, 6),
        ("What are all 3 special magic words for it?", WORDS, 4),
        ("What is Mary carrying?", ("apple", "milk", "nothing"), 4),
        ("What is Mary carrying?", ("apple", "milk", "nothing", "unknown"), 5),
    ],
)
def test_every_answer_that_a_question_allows_is_as_likely(question: str, choices: tuple[str, ...], answers: int):
    counts = drawn(question, choices)
    assert odds(question, choices) == pytest.approx(1 / answers)
    assert len(counts) == answers
    assert all(count == pytest.approx(1200 / answers, abs=75) for count in counts.values())


def test_free_text_cannot_be_guessed():
    assert guess("What is the passkey?", (), np.random.default_rng(0)) == ""
    assert odds("What is the passkey?", ()) == 0


@pytest.mark.parametrize("name", TASKS.names())
def test_the_odds_of_a_question_are_the_chance_of_its_task(name: str):
    task = load_task(name)
    question = task.episode(np.random.default_rng(0)).questions[0]
    assert odds(question.text, question.choices) == pytest.approx(task.chance)
