"""The official bAbI files: read to the last question, and matched by the generated stories."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from rmt_bench.tasks.babi.archive import Archive, load_archive
from rmt_bench.tasks.babi.reader import read
from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.registry import load_task

pytestmark = pytest.mark.skipif(
    "RMT_BENCH_DATA" not in os.environ, reason="RMT_BENCH_DATA is not set: no official files"
)

#: Questions of qa5 to which two gifts are an answer; the file wants the earlier one.
AMBIGUOUS = {("What did Bill give to Mary?", "football"), ("What did Fred give to Bill?", "milk")}


@pytest.fixture(scope="module")
def archive() -> Archive:
    return load_archive(Path(os.environ["RMT_BENCH_DATA"]) / "babi/en-10k")


def misses(episodes: list[Episode]) -> list[tuple[str, str]]:
    asked = ((episode, episode.questions[0]) for episode in episodes)
    return [(q.text, q.answer) for episode, q in asked if read(" ".join(episode.facts), q.text) != q.answer]


@pytest.mark.parametrize("number", range(1, 21))
def test_the_reader_answers_a_sample_of_the_official_questions(archive: Archive, number: int):
    episodes = archive.episodes(number)
    assert set(misses(random.Random(0).sample(episodes, 100))) <= AMBIGUOUS


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 21))
def test_the_reader_answers_every_official_question_but_two_that_have_two_answers(archive: Archive, number: int):
    found = misses(archive.episodes(number))
    assert set(found) <= AMBIGUOUS
    assert len(found) == (2 if number == 5 else 0)


def words(episodes: list[Episode]) -> set[str]:
    texts = {text for e in episodes for text in (*e.facts, e.questions[0].text)}
    return {word.strip(".?").lower() for text in texts for word in text.split()}


@pytest.mark.parametrize("number", range(1, 21))
def test_generated_stories_use_the_words_of_the_official_ones(archive: Archive, number: int):
    task = load_task(f"qa{number}")
    made = [task.episode(np.random.Generator(np.random.Philox(key=i))) for i in range(600)]
    assert words(made) == words(archive.episodes(number))


@pytest.mark.parametrize("number", range(1, 21))
def test_generated_choices_are_the_official_answers(archive: Archive, number: int):
    official = archive.episodes(number)[0].questions[0].choices
    assert set(load_task(f"qa{number}").labels) == set(official)


def test_no_official_story_is_copied(archive: Archive):
    official = {episode.facts for episode in archive.episodes(1) if len(episode.facts) > 2}
    task = load_task("qa1")
    made = {task.episode(np.random.Generator(np.random.Philox(key=i))).facts for i in range(1000)}
    assert not official & made
