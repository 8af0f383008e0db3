"""What holds for all twenty tasks: knobs, determinism, choices, fresh words, open questions."""

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.babi.cast import FRESH
from rmt_bench.tasks.babi.family import BabiTask
from rmt_bench.tasks.babi.reader import Reader
from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.lexicon import collisions
from rmt_bench.tasks.registry import TASKS, load_task
from rmt_bench.tasks.scoring import strict

NAMES = [f"qa{number}" for number in range(1, 21)]
#: Knob settings that every task has.
SETTINGS = {
    "official": {},
    "open": {"unanswerable": 0.5},
    "fresh": {"lexicon": "fresh", "unanswerable": 0.5},
    "paraphrased": {"paraphrase": True, "lexicon": "fresh"},
    "two questions": {"questions": 2, "unanswerable": 0.3},
}

each_task = pytest.mark.parametrize("name", NAMES)


each_task_and_setting = pytest.mark.parametrize(
    ("name", "setting"), [(name, s) for name in NAMES for s in SETTINGS if (name, s) != ("qa16", "two questions")]
)


def make(name: str, **knobs: object) -> BabiTask:
    task = load_task(name, **knobs)
    assert isinstance(task, BabiTask)
    return task


def episode(task: BabiTask, seed: int) -> Episode:
    return task.episode(np.random.Generator(np.random.Philox(key=seed)))


@each_task_and_setting
def test_the_reader_answers_every_question_from_the_facts_alone(name: str, setting: str):
    task = make(name, **SETTINGS[setting])
    for seed in range(40):
        told = episode(task, seed)
        reader = Reader(" ".join(told.facts))
        assert [reader.answer(q.text) for q in told.questions] == [q.answer for q in told.questions]


@each_task_and_setting
def test_the_right_answer_scores_and_is_made_of_choices_that_are_labels(name: str, setting: str):
    task = make(name, **SETTINGS[setting])
    for seed in range(20):
        for question in episode(task, seed).questions:
            assert strict(question.answer, question.answer, question.choices).correct
            assert set(question.choices) <= set(task.labels)
            assert len(set(question.choices)) == len(question.choices)


@each_task
def test_the_same_stream_gives_the_same_episode_and_another_one_another(name: str):
    task = make(name, lexicon="fresh", questions=1)
    assert episode(task, 1) == episode(task, 1)
    assert len({episode(task, seed).facts for seed in range(12)}) > 6


@each_task
def test_an_answerable_question_names_what_it_follows_from_and_an_open_one_nothing(name: str):
    task = make(name, unanswerable=0.5)
    for seed in range(40):
        for question in episode(task, seed).questions:
            assert bool(question.supporting) == (question.answer != "unknown")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("qa3", "qa20")])
def test_the_supporting_facts_alone_give_the_answer(name: str):
    """The official files leave out what a reader needs besides: who took the thing (qa3), the deed itself (qa20)."""
    for seed in range(80):
        told = episode(make(name), seed)
        question = told.questions[0]
        assert (
            Reader(" ".join(told.facts[i] for i in sorted(question.supporting))).answer(question.text)
            == question.answer
        )


@pytest.mark.parametrize("name", ["qa1", "qa4", "qa14", "qa15", "qa16", "qa17", "qa18", "qa19", "qa20"])
def test_without_any_one_of_its_supporting_facts_there_is_another_answer_or_none(name: str):
    """Elsewhere what was told before can have the same answer: no is no, and nothing is nothing."""
    for seed in range(80):
        told = episode(make(name), seed)
        question = told.questions[0]
        for missing in question.supporting:
            kept = [fact for i, fact in enumerate(told.facts) if i != missing]
            assert Reader(" ".join(kept)).answer(question.text) != question.answer


@each_task
def test_the_share_of_open_questions_is_what_the_knob_says(name: str):
    def opened(share: float) -> list[bool]:
        task = make(name, unanswerable=share)
        return [episode(task, seed).questions[0].answer == "unknown" for seed in range(100)]

    assert not any(opened(0.0))
    assert all(opened(1.0))
    assert 30 <= sum(opened(0.5)) <= 70


@each_task
def test_unknown_is_a_choice_only_where_a_question_can_be_open(name: str):
    assert "unknown" not in make(name).labels
    open_too = make(name, unanswerable=0.5)
    assert "unknown" in open_too.labels
    assert "unknown" in episode(open_too, 0).questions[0].choices
    assert open_too.chance < make(name).chance


@each_task
def test_a_story_has_the_number_of_facts_it_is_asked_for(name: str):
    kind = TASKS.get(name)
    assert issubclass(kind, BabiTask)
    for facts in range(kind.least_facts, kind.most_facts or 9, kind.step_facts):
        assert len(episode(make(name, facts=facts), 3).facts) == facts


@pytest.mark.parametrize("name", [name for name in NAMES if name != "qa16"])
def test_two_questions_about_one_story_differ(name: str):
    task = make(name, questions=2)
    for seed in range(20):
        one, other = episode(task, seed).questions
        assert (one.text, one.answer) != (other.text, other.answer)


@each_task
def test_the_lexicon_holds_every_name_that_is_drawn(name: str):
    task = make(name, lexicon="fresh")
    for seed in range(15):
        told = episode(task, seed)
        assert all(collisions(fact, task.lexicon) for fact in told.facts)
        assert all(word in task.labels for word in told.questions[0].choices)


@each_task
def test_train_and_test_share_no_fresh_word_in_any_form(name: str):
    task = make(name, lexicon="fresh")
    train = task.of_split("train")
    fixed = {"kitchen", "garden", "bedroom", "milk", "apple", "football", "pajamas"}
    fixed |= {"hungry", "thirsty", "bored", "tired"}
    assert collisions(" ".join(train.lexicon - fixed), task.lexicon - fixed) == []
    assert collisions(" ".join(task.lexicon - fixed), train.lexicon - fixed) == []


def test_the_official_words_are_the_same_in_both_splits():
    task = make("qa1")
    assert task.of_split("train") == task


def test_fresh_words_are_single_in_their_half_and_enough_for_every_cast():
    for half in FRESH.values():
        for role, words in half.items():
            assert len(set(words)) == len(words)
            assert len(words) >= 10, role


@each_task
def test_a_paraphrase_shares_no_content_word_between_question_and_facts(name: str):
    from rmt_bench.tasks.babi.language import overlap

    task = make(name, paraphrase=True)
    for seed in range(30):
        told = episode(task, seed)
        for question in told.questions:
            facts = [told.facts[i] for i in question.supporting]
            assert overlap(question.text, facts, task.lexicon)[0] == 0


@pytest.mark.parametrize(
    ("name", "knobs", "message"),
    [
        ("qa3", {"facts": 2}, "3 or more"),
        ("qa1", {"facts": -1}, "1 or more"),
        ("qa11", {"facts": 5}, "in steps of 2"),
        ("qa16", {"facts": 4}, "3 to 9 in steps of 2"),
        ("qa15", {"facts": 9}, "2 to 8"),
        ("qa15", {"facts": 8, "unanswerable": 0.5}, "2 to 7 where questions are left open"),
        ("qa1", {"questions": 0}, "1 or more to ask"),
        ("qa16", {"questions": 2}, "just 1 to ask"),
        ("qa1", {"lexicon": "frsh"}, "did you mean 'fresh'"),
        ("qa1", {"unanswerable": 1.5}, "from 0 to 1"),
        ("qa1", {"unanswerable": "nan"}, "from 0 to 1"),
        ("qa1", {"half": "dev"}, "test and train"),
    ],
)
def test_a_knob_that_makes_no_sense_is_refused_with_what_would(name: str, knobs: dict[str, object], message: str):
    with pytest.raises(UserError, match=message):
        load_task(name, **knobs)


def test_more_questions_than_a_story_can_answer_are_refused_rather_than_looked_for_without_end():
    with pytest.raises(UserError, match="ask fewer questions, or tell more facts"):
        episode(make("qa1", facts=2, questions=5), 0)


@each_task
def test_chance_is_that_of_a_uniform_guess_among_the_choices(name: str):
    task = make(name)
    choices = episode(task, 0).questions[0].choices
    assert task.chance == pytest.approx(1 / 8 if name == "qa8" else 1 / len(choices))
