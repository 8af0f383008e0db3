"""A fact in its surroundings is what stands in the text, and costs no text."""

from __future__ import annotations

import functools

import pytest

import rmt_bench
from rmt_bench.generators.passages import AROUND, passages


@pytest.fixture
def plan_of(story, wordpiece):
    """Makes a plan over a short story."""
    return functools.partial(rmt_bench.generate, tokenizer=wordpiece, background=str(story))


@pytest.mark.parametrize("options", [{}, {"distractors": 4.0, "style": "match"}, {"placement": "start"}])
@pytest.mark.parametrize("length", ["0", "300", "4k"])
def test_a_passage_is_a_piece_of_the_text_with_the_fact_where_it_stands(plan_of, length, options):
    plan = plan_of(["detect", "qa2"], length, samples=4, **options)
    for sample in plan:
        found = passages(plan, sample.task, length, sample.index, sample.id)
        assert [passage.fact for passage in found] == [fact.text for fact in sample.facts if fact.supporting]
        for passage, fact in zip(found, [fact for fact in sample.facts if fact.supporting], strict=True):
            whole = " ".join(filter(None, (passage.before, passage.fact, passage.after)))
            start = fact.char_start - len(passage.before) - bool(passage.before)
            assert sample.text[start : start + len(whole)] == whole
            assert passage.depth == fact.depth
            assert passage.cut_before == (start > 0)
            assert passage.cut_after == (start + len(whole) < len(sample.text))
            assert max(len(passage.before), len(passage.after)) <= AROUND


def test_each_question_about_one_text_has_the_facts_of_its_own(plan_of):
    plan = plan_of(["capacity"], "2k", samples=1, task_args={"facts": "4", "questions": "3"})
    facts = [tuple(p.fact for p in passages(plan, "capacity", "2k", 0, sample.id)) for sample in plan]
    assert len(set(facts)) == 3


def test_what_a_plan_does_not_have_has_no_passages(plan_of):
    plan = plan_of(["detect"], "1k", samples=1)
    assert passages(plan, "qa1", "1k", 0, "x") == []
    assert passages(plan, "detect", "2k", 0, "x") == []
    assert passages(plan, "detect", "1k", 0, "x") == []
