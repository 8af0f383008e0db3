"""Collisions: the forms of a task's words that filler must not hold."""

import pytest

from rmt_bench.tasks.lexicon import OFFICIAL, PEOPLE, PLACES, collisions


@pytest.mark.parametrize(
    "text", ["the gardens", "Gardener", "garden-gate", "flowery gardens,", "rose_garden", "GARDEN", "the Garden's end"]
)
def test_a_long_word_is_found_in_every_form(text: str):
    assert len(collisions(text)) == 1


@pytest.mark.parametrize("text", ["cats", "Mary's", "cat-like", "Fred’s", "reddish", "milky", "water-lilies"])
def test_a_short_word_is_found_with_its_endings(text: str):
    assert len(collisions(text)) == 1


@pytest.mark.parametrize(
    "text", ["catch", "education", "summary", "Frederick", "boxing day is far", "hundred", "spark", "summaries"]
)
def test_a_short_word_is_not_found_inside_others(text: str):
    assert collisions(text, OFFICIAL - {"box"}) == []


def test_collisions_come_as_found_and_in_order():
    assert collisions("Mary left the Kitchens for gardening") == ["Mary", "Kitchen", "garden"]


def test_another_lexicon_forbids_other_words():
    assert collisions("the zoo near the garden", {"zoo"}) == ["zoo"]
    assert collisions("anything", frozenset()) == []


def test_the_official_words_hold_the_cast_of_the_memory_tasks():
    assert {word.lower() for word in PEOPLE + PLACES} <= OFFICIAL
