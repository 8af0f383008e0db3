"""The scorers of others, their faults included: each test names one."""

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.tasks.scoring import SCORERS, Asked, strict
from rmt_bench.tasks.scoring_babilong import LABELS

ROOMS = LABELS["qa1"]


def _babilong(output, target, task="qa1", question="Where is Mary?"):
    return SCORERS.get("babilong")(output, Asked(target, LABELS.get(task, ()), question, task)).correct


def _lm_eval(output, target):
    return SCORERS.get("lm-eval")(output, Asked(target, ROOMS)).correct


def test_scorers_are_found_by_name():
    assert {"strict", "babilong", "lm-eval"} <= set(SCORERS.names())
    with pytest.raises(UserError, match="did you mean 'babilong'"):
        SCORERS.get("babylong")


def test_the_strict_scorer_by_name_is_the_strict_scorer():
    asked = Asked("garden", ROOMS, "Where was the apple before the kitchen?")
    said = "The apple was in the garden before the kitchen."
    assert SCORERS.get("strict")(said, asked) == strict(said, "garden", ROOMS, asked.question)


class TestBabilong:
    def test_a_plain_answer_is_right(self):
        assert _babilong("The most recent location of Mary is garden.", "garden")
        assert not _babilong("kitchen", "garden")

    def test_a_gold_none_can_never_score_since_one_is_inside_it(self):
        assert not _babilong("none", "none", "qa7")
        assert _babilong("one", "one", "qa7")

    @pytest.mark.parametrize("output", ["None", "NA", "null", "nan"])
    def test_what_pandas_takes_for_missing_is_an_empty_answer(self, output):
        assert not _babilong(output, "no", "qa6")
        assert _babilong(output + "!", "no", "qa6") == ("no" in output.lower())

    def test_labels_match_inside_words(self):
        assert not _babilong("Yes, I know", "yes", "qa6")
        assert _babilong("I do not know", "no", "qa6")

    def test_the_answer_ends_at_the_first_full_stop(self):
        assert not _babilong("Ms. Smith is in the garden", "garden")
        assert _babilong("garden. Or the kitchen", "garden")

    @pytest.mark.parametrize("mark", ["<context>", "<example>"])
    def test_the_answer_ends_at_an_example(self, mark):
        assert _babilong(f"garden {mark} kitchen", "garden")

    def test_the_cut_at_question_never_fires(self):
        assert not _babilong("garden Question: is it the kitchen", "garden")

    def test_labels_of_the_question_are_taken_out_of_the_answer(self):
        assert _babilong("the garden is north of the kitchen", "garden", "qa4", "What is north of the kitchen?")
        assert not _babilong("kitchen", "kitchen", "qa4", "What is north of the kitchen?")

    def test_a_list_with_a_space_after_its_comma_never_scores(self):
        assert _babilong("apple and milk", "apple,milk", "qa8", "What is Mary carrying?")
        assert not _babilong("apple and milk", "apple, milk", "qa8", "What is Mary carrying?")

    def test_a_path_is_no_list(self):
        assert _babilong("s,w", "s,w", "qa19", "How do you go from the garden to the office?")

    def test_a_task_that_it_does_not_know_is_judged_by_the_choices(self):
        judge = SCORERS.get("babilong")
        assert judge("garden", Asked("garden", ("garden", "kitchen"), "Where?", "detect")).correct


class TestLmEval:
    def test_naming_every_label_is_always_right(self):
        assert all(_lm_eval(", ".join(ROOMS), room) for room in ROOMS)

    def test_case_and_control_characters_do_not_matter(self):
        assert _lm_eval("\x01 THE GARDEN\x02", " garden ")

    def test_an_answer_without_it_is_wrong(self):
        assert not _lm_eval("kitchen", "garden")
