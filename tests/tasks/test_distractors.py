"""Sentences like the facts, about others."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from rmt_bench.tasks.babi.cast import FRESH
from rmt_bench.tasks.distractors import OTHERS, Distractors
from rmt_bench.tasks.lexicon import OFFICIAL, collisions
from rmt_bench.tasks.registry import TASKS, load_task

NAMES = ("memorize", "detect", "reasoning", *(f"qa{number}" for number in range(1, 21)))
KNOBS = ({}, {"lexicon": "fresh"}, {"paraphrase": True})


def draw(facts: tuple[str, ...], lexicon: frozenset[str] = OFFICIAL, count: int = 20, seed: int = 0) -> list[str]:
    return list(itertools.islice(Distractors(facts, lexicon).draw(np.random.default_rng(seed)), count))


def test_no_word_of_any_task_stands_in_for_another():
    fresh = {part.lower() for half in FRESH.values() for words in half.values() for w in words for part in w.split()}
    every = frozenset(OFFICIAL | fresh)
    others = [word for words in OTHERS.values() for word in words]
    assert [word for word in others if collisions(word, every) or word.lower() in every] == []
    assert [word for word in fresh | OFFICIAL if collisions(word, frozenset(map(str.lower, others)))] == []
    assert len(others) == len(set(others))


@pytest.mark.parametrize("knobs", KNOBS, ids=("official", "fresh", "paraphrase"))
@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_distractors_without_a_word_of_its_own(name: str, knobs: dict[str, object]):
    task = load_task(name, **(knobs if name.startswith("qa") else {}))
    lexicon = OFFICIAL | task.lexicon
    for seed in range(20):
        facts = task.episode(np.random.Generator(np.random.Philox(key=seed))).facts
        drawn = draw(facts, lexicon, 5, seed)
        assert not any(collisions(sentence, lexicon) for sentence in drawn)
        assert not any(sentence in facts for sentence in drawn)
        assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in drawn)


@pytest.mark.parametrize(
    ("fact", "form"),
    [
        ("Mary went back to the garden.", r"[A-Z]\w+ went back to the [a-z]+\."),
        ("Fred handed the milk to Jeff.", r"([A-Z]\w+) handed the [a-z]+ to (?!\1)[A-Z]\w+\."),
        ("Wolves are afraid of mice.", r"([A-Z][a-z]+s) are afraid of (?!\1)[a-z]+s\."),
        ("Lily is a frog.", r"[A-Z]\w+ is a [a-z]+\."),
        ("The box of chocolates fits inside the suitcase.", r"The (\w+) fits inside the (?!\1)\w+\."),
        ("The red square is above the triangle.", r"The (\w+) (\w+) is above the (?!\2)\w+\."),
        ("Yesterday Bill moved to the cinema.", r"Yesterday [A-Z]\w+ moved to the [a-z]+\."),
        ("Sumit is hungry.", r"[A-Z]\w+ is [a-z]+\."),
    ],
)
def test_distractor_says_of_others_what_the_fact_says(fact: str, form: str):
    assert all(re.fullmatch(form, sentence) for sentence in draw((fact,)))


def test_article_fits_its_word():
    assert {sentence.split()[2] for sentence in draw(("Priya is an otter.",), frozenset({"priya", "otter"}))} == {"a"}


def test_numbers_are_other_numbers_of_as_many_digits():
    drawn = draw(("The code of Mary is 7391.",))
    assert all(re.fullmatch(r"The code of \w+ is \d{4}\.", sentence) for sentence in drawn)
    assert len({sentence[-5:-1] for sentence in drawn}) > 10


@pytest.mark.parametrize(
    "facts",
    [
        ("Mary went to the garden.", "Then she moved to the office."),
        ("Mary and John went to the garden.", "After that they moved to the office."),
    ],
)
def test_no_other_person_acts_in_a_story_with_pronouns(facts: tuple[str, ...]):
    assert all(re.fullmatch(r"The [a-z]+ went to the [a-z]+\.", sentence) for sentence in draw(facts))


def test_first_distractors_are_the_same_however_many_are_drawn():
    facts = ("Mary went to the garden.", "The office is north of the kitchen.")
    assert draw(facts, count=50)[:7] == draw(facts, count=7)


def test_no_distractor_is_made_of_facts_without_a_name():
    assert Distractors(("It rains.",), OFFICIAL).frames == []


def test_words_that_a_task_claims_for_itself_are_not_used():
    lexicon = OFFICIAL | {"walter", "cellar"}
    assert not any(re.search("Walter|cellar", s) for s in draw(("Mary went to the garden.",), lexicon, 300))


def test_every_task_of_this_file_is_registered():
    assert set(NAMES) <= set(TASKS.names())
