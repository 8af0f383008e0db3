"""What each task beyond bAbI says of itself: needles, tracing, recall, capacity, order and number."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from rmt_bench.tasks.episode import Episode
from rmt_bench.tasks.reader import read
from rmt_bench.tasks.registry import load_task
from rmt_bench.tasks.suites import SUITES
from rmt_bench.tasks.tracing import FrequentWords


def draw(name: str, count: int = 40, **knobs: object) -> list[Episode]:
    task = load_task(name, **knobs)
    return [task.episode(np.random.Generator(np.random.Philox(key=i))) for i in range(count)]


def proven(episodes: list[Episode]) -> bool:
    told = ((" ".join(episode.facts), question) for episode in episodes for question in episode.questions)
    return all(set(read(text, q.text).split(",")) == set(q.answer.split(",")) for text, q in told)


def test_the_eight_needles_have_the_numbers_that_ruler_gives_them():
    episodes = {name: draw(name, 1)[0] for name in SUITES["ruler"][1][:8]}
    answers = [len(episode.questions[0].answer.split(",")) for episode in episodes.values()]
    assert [len(episode.facts) for episode in episodes.values()] == [1, 1, 1, 4, 100, 40, 4, 4]
    assert answers == [1, 1, 1, 1, 1, 1, 4, 4]


@pytest.mark.parametrize("key_type", ["words", "uuids"])
@pytest.mark.parametrize("value_type", ["numbers", "words", "uuids"])
def test_needles_of_every_type_are_read(key_type: str, value_type: str):
    assert proven(draw("niah_multiquery", 10, needles=8, queries=3, values=2, key_type=key_type, value_type=value_type))


def test_candidates_are_other_needles_first():
    for episode in draw("niah_multikey_2", 5):
        told = {fact.rpartition(": ")[2].rstrip(".") for fact in episode.facts}
        assert set(episode.questions[0].choices) <= told


def test_the_place_of_the_right_answer_among_the_candidates_tells_nothing():
    places = Counter(e.questions[0].choices.index(e.questions[0].answer) for e in draw("passkey", 1000))
    assert all(count == pytest.approx(100, abs=40) for count in places.values())


@pytest.mark.parametrize(("chains", "hops"), [(1, 0), (1, 4), (3, 2), (4, 8)])
def test_a_chain_has_one_variable_more_than_hops_and_only_its_facts_support(chains: int, hops: int):
    episodes = draw("vt", 20, chains=chains, hops=hops)
    assert proven(episodes)
    for question in (episode.questions[0] for episode in episodes):
        assert len(question.answer.split(",")) == len(question.supporting) == hops + 1


def test_common_words_come_as_often_as_the_knobs_say():
    episode = draw("cwe", 1, common=3, times=9, others=5, other_times=2, row=4)[0]
    words = Counter(word for fact in episode.facts for word in fact[len("Wordlist: ") : -1].split(", "))
    assert sorted(words.values(), reverse=True) == [9, 9, 9, 2, 2, 2, 2, 2]
    assert all(fact.count(",") <= 3 for fact in episode.facts)


@pytest.mark.parametrize("alpha", [1.5, 2.0, 3.5])
def test_word_frequencies_fall_as_zipf_has_it(alpha: float):
    counts = FrequentWords(alpha=alpha, words=10_000).counts
    assert counts[0] / counts[1] == pytest.approx((3 / 2) ** alpha, rel=0.01)
    assert counts[1] / counts[2] == pytest.approx((4 / 3) ** alpha, rel=0.01)


def test_the_last_value_written_counts():
    for episode in draw("rewrite") + draw("interference", moves=9, others=3):
        question = episode.questions[0]
        who = question.text.split()[2:4] if "carry" in question.text else [question.text.split()[-1].rstrip("?")]
        last = max(i for i, fact in enumerate(episode.facts) if fact.startswith(" ".join(who)))
        assert question.supporting == (last,)
        assert episode.facts[last].endswith(f" the {question.answer}.")


@pytest.mark.parametrize("name", ["remember", "recall_multi", "rewrite", "interference"])
def test_in_token_form_key_and_value_stand_alone_and_are_read(name: str):
    episodes = draw(name, 20, form="tokens", unanswerable=0.3)
    assert all(len(fact.split()) == 2 for episode in episodes for fact in episode.facts)
    assert all(len(question.text.split()) == 1 for episode in episodes for question in episode.questions)
    assert proven(episodes)


def test_no_one_is_given_what_they_have():
    for episode in draw("interference", moves=30):
        places = [fact.split()[-1] for fact in episode.facts]
        assert all(here != there for here, there in pairwise(places))


@pytest.mark.parametrize("after", [0, 1, 7])
def test_so_many_moves_of_others_follow_as_after_says(after: int):
    for episode in draw("interference", moves=3, others=5, after=after):
        assert episode.questions[0].supporting == (len(episode.facts) - 1 - after,)


@pytest.mark.parametrize("facts", [1, 4, 5, 64, 1024])
def test_capacity_tells_of_so_many_people_any_of_whom_is_asked_about(facts: int):
    episodes = draw("capacity", 12 if facts < 1024 else 3, facts=facts)
    assert proven(episodes)
    assert all(len(episode.facts) == facts for episode in episodes)
    if facts > 4:
        assert len({episode.questions[0].supporting for episode in episodes}) > 1


def test_up_to_four_facts_are_told_in_the_words_of_detect():
    assert {fact.split()[0] for episode in draw("capacity", facts=4) for fact in episode.facts} == {
        "Daniel", "John", "Mary", "Sandra",
    }  # fmt: skip
    assert load_task("capacity").labels == load_task("detect").labels


@pytest.mark.parametrize("name", ["remember", "rewrite", "recall_multi", "capacity", "interference"])
@pytest.mark.parametrize("paraphrase", [False, True])
def test_questions_left_open_are_unknown_in_either_wording(name: str, paraphrase: bool):
    episodes = draw(name, unanswerable=0.5, paraphrase=paraphrase)
    answers = [question.answer for episode in episodes for question in episode.questions]
    assert proven(episodes)
    assert answers.count("unknown") / len(answers) == pytest.approx(0.5, abs=0.25)
    assert all("unknown" in question.choices for episode in episodes for question in episode.questions)


def test_several_questions_share_one_text():
    assert {len(episode.questions) for episode in draw("recall_multi")} == {4}
    assert all(len({q.text for q in episode.questions}) == 4 for episode in draw("recall_multi"))


def test_all_positions_asked_for_at_once_are_a_copy():
    for episode in draw("selective_copy", facts=5, questions=5):
        assert [f"{q.answer}." for q in episode.questions] == [fact.split()[-1] for fact in episode.facts]


def test_the_first_to_arrive_is_named_first_or_second_equally_often():
    questions = [episode.questions[0] for episode in draw("order", 600)]
    assert sum(q.answer == q.choices[0] for q in questions) / 600 == pytest.approx(0.5, abs=0.08)


def test_every_number_of_times_is_as_likely():
    counts = Counter(episode.questions[0].answer for episode in draw("count", 1100))
    assert len(counts) == 11
    assert all(count == pytest.approx(100, abs=40) for count in counts.values())
