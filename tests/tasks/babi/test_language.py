"""Frames: what the sentences are made of, official and paraphrased."""

import string

import pytest

from rmt_bench.tasks.babi.language import (
    FACTS,
    PARAPHRASED_FACTS,
    PARAPHRASED_QUESTIONS,
    QUESTIONS,
    article,
    fill,
    overlap,
)


def slots(frame: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(frame) if name}


@pytest.mark.parametrize(("official", "reworded"), [(FACTS, PARAPHRASED_FACTS), (QUESTIONS, PARAPHRASED_QUESTIONS)])
def test_every_meaning_has_a_paraphrase(official: dict[str, tuple[str, ...]], reworded: dict[str, tuple[str, ...]]):
    assert official.keys() == reworded.keys()


@pytest.mark.parametrize("meaning", FACTS)
def test_a_paraphrased_fact_says_as_much_as_the_official_one(meaning: str):
    assert {frozenset(slots(frame)) for frame in (*FACTS[meaning], *PARAPHRASED_FACTS[meaning])} == {
        frozenset(slots(FACTS[meaning][0]))
    }


def test_a_slot_at_the_start_is_made_a_capital():
    assert fill("{animals} are afraid of {feared}.", {"animals": "wolves", "feared": "mice"}) == (
        "Wolves are afraid of mice."
    )
    assert fill("{time} {actor} moved to the {place}.", {"time": "this morning", "actor": "Mary", "place": "park"}) == (
        "This morning Mary moved to the park."
    )


@pytest.mark.parametrize(
    ("word", "wanted"), [("otter", "an"), ("cat", "a"), ("unicorn", "a"), ("ewe", "a"), ("ibis", "an")]
)
def test_articles_follow_the_sound(word: str, wanted: str):
    assert article(word) == wanted


def test_overlap_counts_content_words_and_leaves_names_out():
    fact = "Fred gave the milk to Bill."
    assert overlap("Who gave the milk?", [fact], {"milk", "fred"}) == (1, 1)
    assert overlap("What did Fred give to Bill?", [fact], {"milk", "fred", "bill"}) == (1, 1)
    assert overlap("Which person supplied the milk?", [fact], {"milk"}) == (0, 2)
