"""What can be had without reading."""

import pytest

from rmt_bench.tasks.priors import priors
from rmt_bench.tasks.registry import load_task


def test_a_task_that_gives_nothing_away_is_at_chance_by_every_measure():
    found = priors(load_task("qa1"), 3000)
    assert found.chance == pytest.approx(1 / 6)
    assert found.majority == pytest.approx(1 / 6, abs=0.04)
    assert found.question_only == pytest.approx(1 / 6, abs=0.04)


def test_the_questions_of_qa20_give_most_answers_away():
    found = priors(load_task("qa20"), 2000)
    assert found.question_only > 0.6 > 0.3 > found.majority


def test_known_sizes_help_with_official_words_and_not_with_fresh_ones():
    assert priors(load_task("qa18"), 1500).question_only > 0.8
    assert priors(load_task("qa18", lexicon="fresh"), 1500).question_only < 0.6


def test_no_is_the_commoner_answer_of_qa9():
    assert 0.58 < priors(load_task("qa9"), 2000).majority < 0.7
