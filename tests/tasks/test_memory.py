"""Memorize, detect and reasoning: the three tasks of the RMT report."""

import numpy as np
import pytest

from rmt_bench.tasks.babi.reader import read
from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.lexicon import PLACES, collisions
from rmt_bench.tasks.registry import load_task

NAMES = ("memorize", "detect", "reasoning")


def draw(name: str, count: int = 300) -> list[Episode]:
    task = load_task(name)
    return [task.episode(np.random.Generator(np.random.Philox(key=i))) for i in range(count)]


@pytest.mark.parametrize("name", NAMES)
def test_the_text_alone_determines_every_answer(name: str):
    for episode in draw(name):
        assert read(" ".join(episode.facts), episode.questions[0].text) == episode.questions[0].answer


@pytest.mark.parametrize("name", NAMES)
def test_all_six_places_are_answers_about_equally_often(name: str):
    answers = [episode.questions[0].answer for episode in draw(name, 1200)]
    assert all(answers.count(place) == pytest.approx(200, abs=60) for place in PLACES)
    assert load_task(name).chance == pytest.approx(1 / 6)


def test_reasoning_needs_the_question_to_tell_which_fact_holds_the_answer():
    for episode in draw("reasoning"):
        first, second = episode.facts
        shared = [place for place in PLACES if place in first and place in second]
        assert len(shared) == 1
        assert shared[0] in episode.questions[0].text
        assert episode.questions[0].answer in episode.facts[episode.questions[0].supporting[0]]


def test_both_facts_of_reasoning_are_asked_about_in_either_order():
    assert {episode.questions[0].supporting for episode in draw("reasoning")} == {(0,), (1,)}


def test_a_literal_question_puts_a_gap_into_the_words_of_its_fact():
    literal, turned = (load_task("reasoning", level=level) for level in (2, 3))
    as_said = {True: 0, False: 0}
    for index in range(300):
        for task in (literal, turned):
            episode = task.episode(np.random.Generator(np.random.Philox(key=index)))
            question = episode.questions[0]
            fact = episode.facts[question.supporting[0]]
            asked = question.text.removeprefix("What is ").removesuffix("?")
            if asked.startswith("the "):
                said = f"{asked[:4].title()}{asked[4:].replace(' ', ' is ', 1)} the {question.answer}."
            else:
                said = f"The {question.answer} is {asked}."
            as_said[task is literal] += said == fact
            assert read(" ".join(episode.facts), question.text) == question.answer
    assert as_said[True] == 300
    assert 100 < as_said[False] < 200


@pytest.mark.parametrize("name", NAMES)
def test_the_lexicon_finds_every_name_in_the_facts(name: str):
    task = load_task(name)
    assert all(collisions(fact, task.lexicon) for episode in draw(name, 20) for fact in episode.facts)


def test_memorize_belongs_at_the_start_and_the_others_anywhere():
    assert [load_task(name).placement for name in NAMES] == ["start", "uniform", "uniform"]
