"""The tasks beyond bAbI, all by the same claims: provable, at chance, in either mode, in disjoint words."""

from math import comb

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.asking import WordTask
from rmt_bench.tasks.episode import Episode, Task
from rmt_bench.tasks.guessing import guess
from rmt_bench.tasks.lexicon import OFFICIAL, collisions
from rmt_bench.tasks.reader import Reader
from rmt_bench.tasks.registry import TASKS, load_task
from rmt_bench.tasks.scoring import strict

NAMES = [name for name in TASKS.names() if issubclass(TASKS.get(name), WordTask)]


def draw(task: Task, count: int = 60) -> list[Episode]:
    return [task.episode(np.random.Generator(np.random.Philox(key=i))) for i in range(count)]


@pytest.mark.parametrize("name", NAMES)
def test_the_text_alone_determines_every_answer(name: str):
    for episode in draw(load_task(name)):
        reader = Reader(" ".join(episode.facts))
        for question in episode.questions:
            assert strict(reader.answer(question.text), question.answer, question.choices).correct


@pytest.mark.parametrize("name", NAMES)
def test_the_supporting_facts_alone_give_the_answer(name: str):
    for episode in draw(load_task(name), 30):
        for question in episode.questions:
            told = " ".join(episode.facts[i] for i in question.supporting)
            assert strict(Reader(told).answer(question.text), question.answer, question.choices).correct


@pytest.mark.parametrize("name", NAMES)
def test_there_are_as_many_choices_as_stated_and_the_answer_is_among_them(name: str):
    task = load_task(name)
    assert isinstance(task, WordTask)
    n_choices, n_answers = task.odds
    for question in (question for episode in draw(task, 20) for question in episode.questions):
        answers = question.answer.split(",")
        assert len(question.choices) == len(set(question.choices)) == n_choices
        assert len(set(answers)) == n_answers
        assert set(answers) <= set(question.choices)
    assert task.chance == pytest.approx(1 / comb(n_choices, n_answers))


@pytest.mark.parametrize("name", NAMES)
def test_guessing_is_at_the_stated_chance(name: str):
    task, rng = load_task(name), np.random.default_rng(1)
    questions = [question for episode in draw(task, 150) for question in episode.questions]
    right = sum(strict(guess(q.text, q.choices, rng), q.answer, q.choices).correct for q in questions)
    deviation = (task.chance * (1 - task.chance) / len(questions)) ** 0.5
    assert right / len(questions) == pytest.approx(task.chance, abs=4 * deviation + 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_mode_generate_asks_the_same_without_choices(name: str):
    for chosen, free in zip(draw(load_task(name), 5), draw(load_task(name, mode="generate"), 5), strict=True):
        assert chosen.facts == free.facts
        assert [(q.text, q.answer, ()) for q in chosen.questions] == [
            (q.text, q.answer, q.choices) for q in free.questions
        ]
    assert load_task(name, mode="generate").chance == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_of_words_holds_one_that_no_filler_has(name: str):
    task = load_task(name)
    uuids = name == "niah_multikey_3"
    assert all(uuids or collisions(fact, task.lexicon) for episode in draw(task, 10) for fact in episode.facts)


def test_training_has_other_words_and_they_share_one_lexicon():
    for split in ("test", "train"):
        made = [load_task(name).of_split(split) for name in NAMES]
        assert len({task.lexicon | OFFICIAL for task in made}) == 1
    test, train = (load_task("remember").of_split(split).lexicon for split in ("test", "train"))
    assert test & train == {"passkey", "wordlist"}


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("vt", {"mode": "choose"}, r"mode='choose'; did you mean 'choice'\?"),
        ("vt", {"chains": 20}, "20 chains of 4 hops take 100 names; there are 39"),
        ("remember", {"form": "token"}, "did you mean 'tokens'"),
        ("remember", {"form": "tokens", "paraphrase": True}, "leave out form=tokens"),
        ("remember", {"form": "tokens", "facts": 40}, "40 are too many"),
        ("fwe", {"words": 10}, "raise words or alpha, or lower top"),
        ("cwe", {"times": 3}, "times=3: it is 4 or more"),
        ("niah_multiquery", {"needles": 3}, "needles=3: it is from 4"),
        ("niah_single_1", {"value_type": "letters"}, "there is: numbers, words, uuids"),
        ("capacity", {"facts": 1025}, "facts=1025: it is from 1 to 1024"),
        ("interference", {"after": 3}, "after=3: it is from -1 to 0"),
        ("remember", {"questions": 17}, "questions=17: it is from 1 to 16"),
        ("induction", {"facts": 1}, "facts=1"),
    ],
)
def test_a_knob_that_makes_no_sense_is_refused_with_what_does(name: str, knobs: dict[str, object], said: str):
    with pytest.raises(UserError, match=said):
        load_task(name, **knobs)
