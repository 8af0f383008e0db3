"""The strict scorer: what counts as an answer, and as the right one."""

import pytest

from rmt_bench.tasks.scoring import strict

ROOMS = ("garden", "kitchen", "office")
THINGS = ("apple", "football", "milk", "nothing")


@pytest.mark.parametrize(
    "output", ["garden", "The garden.", "GARDEN", "It is in the garden, I believe", "garden\ngarden"]
)
def test_the_label_counts_however_it_is_worded(output: str):
    score = strict(output, "garden", ROOMS)
    assert (score.correct, score.answer, score.status) == (True, "garden", "answered")


def test_another_label_is_an_answer_and_wrong():
    score = strict("In the kitchen.", "garden", ROOMS)
    assert (score.correct, score.answer, score.status) == (False, "kitchen", "answered")


@pytest.mark.parametrize("output", ["garden or kitchen", "garden, kitchen and office"])
def test_naming_several_labels_is_no_answer(output: str):
    score = strict(output, "garden", ROOMS)
    assert (score.correct, score.status, score.reason) == (False, "invalid", "several labels")


@pytest.mark.parametrize("output", ["", "I do not know", "gardens", "kitchenette", "the_garden"])
def test_labels_match_as_whole_words_only(output: str):
    assert strict(output, "garden", ROOMS).status == "invalid"


def test_none_is_not_found_inside_other_words_nor_one_inside_none():
    counts = ("none", "one", "two", "three")
    assert strict("none", "none", counts).correct
    assert strict("nonexistent", "none", counts).status == "invalid"
    assert not strict("none", "one", counts).correct


def test_yes_i_know_is_yes():
    assert strict("Yes, I know.", "yes", ("yes", "no")).correct


@pytest.mark.parametrize("output", ["apple,milk", "the milk and the apple", "milk, apple."])
def test_lists_are_compared_as_sets(output: str):
    assert strict(output, "apple,milk", THINGS).correct


@pytest.mark.parametrize("output", ["apple", "apple, milk, football", "apple, milk or nothing"])
def test_a_list_with_an_item_missing_or_too_many_is_wrong(output: str):
    assert not strict(output, "apple,milk", THINGS).correct


def test_a_list_of_one_admits_one_label_only():
    assert strict("apple", "apple", THINGS).correct
    assert strict("apple and milk", "apple", THINGS).status == "invalid"


@pytest.mark.parametrize(("output", "right"), [("n,e", True), ("n, e", True), ("e,n", False), ("n", False)])
def test_a_path_is_one_label_and_its_order_counts(output: str, right: bool):
    assert strict(output, "n,e", ("e,n", "n,e", "n,n")).correct is right


def test_labels_of_several_words_match_across_white_space():
    boxes = ("box", "box of chocolates")
    assert strict("the box  of\nchocolates", "box of chocolates", boxes).correct
    assert not strict("the box of chocolates", "box", boxes).correct


def test_without_choices_texts_are_compared_after_folding():
    assert strict(" A7F3.\n", "a7f3", ()).correct
    assert strict("", "a7f3", ()).status == "invalid"


@pytest.mark.parametrize("output", ["12,34,56", "56, 12 and 34.", "34\n12\n56", "12, 34, and 56"])
def test_without_choices_a_list_is_compared_as_a_set_of_its_items(output: str):
    assert strict(output, "12,34,56", ()).correct


@pytest.mark.parametrize("output", ["12,34", "12,34,56,78", "the numbers are 12, 34 and 56", ""])
def test_without_choices_a_list_lacks_nothing_and_holds_nothing_else(output: str):
    assert not strict(output, "12,34,56", ()).correct


def test_labels_that_the_question_names_are_set_aside_in_a_whole_sentence():
    asked = "Where was the apple before the kitchen?"
    said = "Before the kitchen, the apple was in the garden."
    assert strict(said, "garden", ROOMS, asked).correct
    assert strict(said, "garden", ROOMS).status == "invalid"
    assert not strict("It was in the office before the kitchen.", "garden", ROOMS, asked).correct


def test_naming_two_labels_that_the_question_does_not_name_is_still_no_answer():
    score = strict("garden or office, not the kitchen", "garden", ROOMS, "Where was it before the kitchen?")
    assert (score.correct, score.status) == (False, "invalid")


def test_a_single_label_of_the_question_is_an_answer():
    question = "Is she in the garden or in the kitchen?"
    assert strict("garden", "garden", ROOMS, question).correct
    assert strict("garden or kitchen", "garden", ROOMS, question).status == "invalid"
