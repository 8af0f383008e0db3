"""Distractors and style matching: they change no answer, no length, no story, and they hide the facts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.samples import Sample, Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.babi.reader import read
from rmt_bench.tasks.lexicon import OFFICIAL
from rmt_bench.tasks.reader import read as beyond
from rmt_bench.tasks.registry import load_task

TASKS = ("memorize", "detect", "reasoning", *(f"qa{number}" for number in range(1, 21)))


def _source(background: str | Path, tokenizer: Any, distractors: float = 0.0, style: str = "none") -> Source:
    return Source(load_background(str(background)), tokenizer, distractors=distractors, style=style)


def _sample(source: Source, task: str, length: str, index: int = 0) -> Sample:
    return source.samples(task, load_task(task), parse_lengths(length)[0], index)[0]


@pytest.fixture(scope="module")
def hidden(story: Path) -> Source:
    """Facts among distractors, behind lead-ins."""
    return _source(story, load_tokenizer(), 5.0, "match")


def test_without_a_disguise_samples_are_what_they_were(story: Path) -> None:
    """When this fails on purpose, raise GENERATOR_VERSION: the same call gives other samples than before."""
    source = _source(story, load_tokenizer())
    for task, id_, text in (
        ("detect", "8c164d057947c64eb87d7644f57ab6d7", "cc0582e690f65fb6"),
        ("memorize", "0d2a79ab001c6a085554d822f37c45e3", "12cad03da6ba1a41"),
    ):
        sample = _sample(source, task, "4k", 3)
        assert (sample.id, hashlib.sha256(sample.text.encode()).hexdigest()[:16]) == (id_, text)
        assert sample.n_distractors == 0


@pytest.fixture(scope="module")
def prose() -> Source:
    """The same in the embedded prose."""
    return _source("prose", load_tokenizer(), 5.0, "match")


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_disguise_in_prose_changes_no_answer_and_no_length(prose: Source, task: str) -> None:
    _assert_sound(prose, task, 200)


@pytest.mark.parametrize("task", TASKS)
def test_disguise_changes_no_answer_and_no_length(hidden: Source, task: str) -> None:
    _assert_sound(hidden, task, 20)


def test_with_many_distractors_needles_are_nine_tenths_of_the_text(story: Path) -> None:
    sample = _sample(_source(story, load_tokenizer(), 60.0), "niah_multikey_2", "8k")
    needles = sum(map(len, re.findall(r"One of the special magic numbers for [^:]+: \d{7}\.", sample.text)))
    assert 0.85 < needles / sample.n_chars < 0.97
    assert beyond(sample.text, sample.question) == sample.answer


def _assert_sound(source: Source, task: str, samples: int) -> None:
    for index in range(samples):
        for length in ("0", "4k"):
            sample = _sample(source, task, length, index)
            text = sample.text
            assert read(text, sample.question) == sample.answer
            assert sample.n_tokens == 4_000 or length == "0"
            assert sample.n_distractors == 20 or length == "0" or task == "qa3"  # whose stories may leave no room
            assert all(text[fact.char_start : fact.char_end] == fact.text for fact in sample.facts)


@pytest.mark.parametrize(("distractors", "style"), [(0.0, "match"), (8.0, "none"), (8.0, "match")])
def test_text_read_again_has_the_tokens_and_the_facts_where_they_should_be(
    story: Path, tokenizer: Any, distractors: float, style: str
) -> None:
    source = _source(story, tokenizer, distractors, style)
    for task in ("memorize", "qa2", "qa11", "qa18"):
        for index in range(8):
            sample = _sample(source, task, "1500", index)
            assert len(source.encoder.text(sample.text)) == sample.n_tokens == 1_500
            for fact in sample.facts:
                before = source.encoder.text(sample.text[: fact.char_start].rstrip(" "))
                assert len(before) == fact.token_start
            assert [fact.char_start for fact in sample.facts] == sorted(fact.char_start for fact in sample.facts)


def test_sample_has_the_same_story_and_depths_at_every_length(hidden: Source) -> None:
    for index in range(10):
        short, long = (_sample(hidden, "qa1", length, index) for length in ("4k", "32k"))
        assert (short.question, short.answer) == (long.question, long.answer)
        for one, other in zip(short.facts, long.facts, strict=True):
            assert (one.text, one.supporting) == (other.text, other.supporting)
            assert one.depth == pytest.approx(other.depth, abs=0.06)
        assert (short.n_distractors, long.n_distractors) == (20, 160)


def test_disguise_is_part_of_what_a_sample_is_and_changes_no_story(story: Path, wordpiece: Any) -> None:
    options = [(0.0, "none"), (2.0, "none"), (4.0, "none"), (0.0, "match"), (2.0, "match")]
    samples = [_sample(_source(story, wordpiece, *option), "qa1", "1k", 3) for option in options]
    assert len({sample.id for sample in samples}) == len({sample.text for sample in samples}) == 5
    assert len({(sample.question, tuple(fact.text for fact in sample.facts)) for sample in samples}) == 1


def test_same_disguise_gives_the_same_bytes(story: Path, wordpiece: Any) -> None:
    one, other = (_source(story, wordpiece, 5.0, "match") for _ in range(2))
    forth = [_sample(one, "qa3", "4k", index).text for index in range(4)]
    assert forth == [_sample(other, "qa3", "4k", index).text for index in reversed(range(4))][::-1]


def test_fractions_of_a_distractor_are_made_up_over_many_samples(story: Path, wordpiece: Any) -> None:
    source = _source(story, wordpiece, 0.25)
    counts = [_sample(source, "detect", "1k", index).n_distractors for index in range(200)]
    assert set(counts) == {0, 1}
    assert np.mean(counts) == pytest.approx(0.25, abs=0.1)


def test_distractors_lie_anywhere(story: Path, wordpiece: Any) -> None:
    from rmt_bench.tasks.distractors import OTHERS

    source = _source(story, wordpiece, 1.0)
    texts = [_sample(source, "detect", "1k", index).text for index in range(60)]
    depths = [text.find(name) / len(text) for text in texts for name in OTHERS["people"] if name in text]
    assert len(depths) > 20
    assert min(depths) < 0.2 < 0.8 < max(depths)


def test_story_that_leaves_no_room_has_no_disguise(story: Path, wordpiece: Any) -> None:
    sample = _sample(_source(story, wordpiece, 20.0, "match"), "qa3", "0", 1)
    assert sample.n_distractors == 0
    assert sample.text == " ".join(fact.text for fact in sample.facts)


def test_lead_ins_are_sentences_of_the_filler_and_facts_that_point_back_have_none(hidden: Source) -> None:
    led = 0
    for index in range(40):
        sample = _sample(hidden, "qa11", "4k", index)
        for fact in sample.facts:
            behind = sample.text[: fact.char_start].endswith(("; ", ": "))
            assert not (behind and (" she " in fact.text or " he " in fact.text))
            led += behind
    assert led > 20


def test_style_brings_facts_to_the_length_of_filler(story: Path) -> None:
    def lengths(style: str) -> float:
        source = _source(story, load_tokenizer(), style=style)
        found = []
        for index in range(200):
            sample = _sample(source, "detect", "1k", index)
            fact = sample.facts[0]
            start = max(sample.text.rfind(mark, 0, fact.char_start) for mark in ".!?") + 1
            found.append(len(sample.text[start : fact.char_end].split()))
        return float(np.mean(found))

    shelf = _source(story, load_tokenizer())._shelf(load_task("detect"))
    index = shelf.volume(0)
    filler = np.mean([len(index.slice_text(i, i + 1).split()) for i in range(len(index))])
    assert abs(lengths("match") - filler) < 0.7 * abs(lengths("none") - filler)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"distractors": -1.0}, "distractors=-1: for each thousand tokens, from 0 to 100"),
        ({"distractors": 1000.0}, "from 0 to 100"),
        ({"style": "mach"}, "unknown style 'mach'; did you mean 'match'"),
    ],
)
def test_wrong_disguise_is_a_users_error(story: Path, wordpiece: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        _source(story, wordpiece, **options)


def test_task_without_names_to_change_has_no_distractors(story: Path, wordpiece: Any) -> None:
    from dataclasses import dataclass

    from rmt_bench.tasks.episode import Episode, Question, Task

    @dataclass(frozen=True)
    class Bare(Task):
        """Facts without a name."""

        @property
        def lexicon(self) -> frozenset[str]:
            return frozenset()

        def episode(self, rng: np.random.Generator) -> Episode:
            return Episode(("It rains.",), (Question("Does it rain?", "yes", ("yes", "no"), (0,)),))

    source = _source(story, wordpiece, 5.0)
    with pytest.raises(UserError, match=r"no distractor can be made of 'It rains\.': leave out --distractors"):
        source.samples("bare", Bare(), parse_lengths("1k")[0], 0)


def test_official_words_are_never_in_the_disguise(hidden: Source) -> None:
    from rmt_bench.tasks.lexicon import collisions

    for index in range(20):
        sample = _sample(hidden, "qa5", "4k", index)
        filler = sample.text
        for fact in reversed(sample.facts):
            filler = filler[: fact.char_start] + filler[fact.char_end :]
        assert collisions(filler, OFFICIAL) == []
