from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.samples import Sample, Source, _stream
from rmt_bench.tasks.episode import Episode, Question, Task
from rmt_bench.tasks.registry import load_task

TASKS = ("memorize", "detect", "reasoning")


@pytest.fixture
def source(story: Path, wordpiece: Any) -> Source:
    return Source(load_background(str(story)), wordpiece, segment_length=120)


def _sample(source: Source, task: str | Task, length: str, index: int = 0) -> Sample:
    made = load_task(task) if isinstance(task, str) else task
    name = task if isinstance(task, str) else "toy"
    return source.samples(name, made, parse_lengths(length)[0], index)[0]


@pytest.mark.parametrize("task", TASKS)
def test_sample_has_the_same_story_at_every_length(source: Source, task: str) -> None:
    for index in range(5):
        samples = [_sample(source, task, length, index) for length in ("0", "200", "2k", "7seg")]
        assert len({(s.question, s.answer, tuple(f.text for f in s.facts)) for s in samples}) == 1
        assert len({tuple(f.supporting for f in s.facts) for s in samples}) == 1
        assert len({s.id for s in samples}) == 4


def test_sample_has_the_same_depths_and_the_same_beginning_at_every_length(source: Source) -> None:
    for index in range(10):
        short, long = (_sample(source, "reasoning", length, index) for length in ("2k", "20k"))
        for one, other in zip(short.facts, long.facts, strict=True):
            assert one.depth == pytest.approx(other.depth, abs=0.04)
        begin = min(*(fact.char_start for fact in short.facts), 1_000)
        assert short.text[:begin] == long.text[:begin]


def test_another_process_makes_the_same_samples(source: Source) -> None:
    source.watch = lambda what, total: (_ for _ in ()).throw(AssertionError)  # whoever watches stays behind
    there = pickle.loads(pickle.dumps(source))
    assert there.fingerprint == source.fingerprint
    source = Source(source.background, source.encoder.tokenizer, segment_length=120)
    assert _sample(there, "detect", "500").text == _sample(source, "detect", "500").text


def test_samples_do_not_depend_on_order_or_company(story: Path, wordpiece: Any) -> None:
    def make() -> Source:
        return Source(load_background(str(story)), wordpiece)

    one, other = make(), make()
    forth = {index: _sample(one, "detect", "500", index) for index in range(6)}
    back = {index: _sample(other, "detect", "500", index) for index in reversed(range(6))}
    assert forth == back
    assert [forth[i].text for i in range(6)] == [back[i].text for i in range(6)]


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"split": "train"}, {"placement": "end"}], ids=["seed", "split", "placement"]
)
def test_whatever_a_sample_depends_on_changes_its_id_and_text(
    story: Path, wordpiece: Any, change: dict[str, Any]
) -> None:
    background = load_background(str(story))
    one = [_sample(Source(background, wordpiece), "detect", "500", i) for i in range(20)]
    other = [_sample(Source(background, wordpiece, **change), "detect", "500", i) for i in range(20)]
    assert {s.id for s in one}.isdisjoint(s.id for s in other)
    assert {s.text for s in one}.isdisjoint(s.text for s in other)
    assert one != [_sample(Source(background, wordpiece), "detect", "500", i + 20) for i in range(20)]


def test_sample_does_not_change_with_where_its_background_lies(tmp_path: Path, story: Path, wordpiece: Any) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(story.read_bytes())
    here, there = (_sample(Source(load_background(str(p)), wordpiece), "detect", "300") for p in (story, copy))
    assert here == there
    assert here.text == there.text


def test_random_stream_of_a_key_is_what_it_was() -> None:
    """When this fails on purpose, raise GENERATOR_VERSION: the same call gives other samples than before."""
    assert _stream("detect", {"facts": 2}, 0).integers(1_000, size=5).tolist() == [719, 646, 333, 871, 517]
    assert _stream("detect", {"facts": 2}, 1).integers(1_000, size=5).tolist() != [719, 646, 333, 871, 517]


def test_length_in_segments_fills_them_with_the_question(source: Source) -> None:
    sample = _sample(source, "detect", "7seg")
    assert sample.n_tokens + len(source.encoder.short(sample.question)) == 7 * 120


@pytest.mark.parametrize("placement", ["uniform", "start", "end", "depth=0.5"])
def test_placement_asked_for_is_the_one_that_is_made(story: Path, wordpiece: Any, placement: str) -> None:
    source = Source(load_background(str(story)), wordpiece, placement=placement)
    depths = np.array([_sample(source, "memorize", "2k", index).facts[0].depth for index in range(40)])
    expected = {"start": 0.0, "end": 1.0, "depth=0.5": 0.5}
    if placement in expected:
        assert np.abs(depths - expected[placement]).max() < 0.03
    else:
        assert depths.min() < 0.2
        assert depths.max() > 0.8


def test_memorize_puts_its_fact_first_and_detect_anywhere(source: Source) -> None:
    assert {_sample(source, "memorize", "1k", index).facts[0].char_start for index in range(10)} == {0}
    assert len({_sample(source, "detect", "1k", index).facts[0].char_start for index in range(10)}) == 10


@pytest.mark.parametrize(("length", "n"), [("4k", 600), ("1k", 600)])
def test_uniform_depths_are_uniform_in_the_text(source: Source, length: str, n: int) -> None:
    depths = [_sample(source, "detect", length, index).facts[0].depth for index in range(n)]
    assert kstest(depths, "uniform").pvalue > 0.001


def test_uniform_depths_lean_to_no_side_in_a_short_text(source: Source) -> None:
    """Facts stand between sentences, so a text of a few sentences has a few depths; their mean is the middle."""
    samples = [_sample(source, "detect", "120", index) for index in range(600)]
    middle = [fact.depth + len(source.encoder.short(fact.text)) / 120 / 2 for s in samples for fact in s.facts]
    assert abs(np.mean(middle) - 0.5) < 4 * np.std(middle) / np.sqrt(len(middle))


@dataclass(frozen=True)
class _Toy(Task):
    """A story whose words depend on the split; two questions."""

    word: str = "lamp"

    @property
    def lexicon(self) -> frozenset[str]:
        return frozenset({self.word})

    def of_split(self, split: str) -> Task:
        return replace(self, word="candle") if split == "train" else self

    def episode(self, rng: np.random.Generator) -> Episode:
        who = Question("Where is Mary?", self.word, (self.word, "rope"), (0,))
        return Episode((f"Mary is by the {self.word}.",), (who, Question("Who is there?", "Mary", (), (0,))))


def test_words_of_the_split_are_the_tasks_own_and_not_in_the_filler(story: Path, wordpiece: Any) -> None:
    for split, word in (("test", "lamp"), ("train", "candle")):
        source = Source(load_background(str(story)), wordpiece, split=split)
        sample = _sample(source, _Toy(), "3k")
        assert sample.answer == word
        assert sample.text.count(word) == 1


def test_questions_of_one_story_share_its_document(source: Source) -> None:
    first, second = source.samples("toy", _Toy(), parse_lengths("500")[0], 0)
    assert first.haystack_id == second.haystack_id
    assert first.text == second.text
    assert first.id != second.id
    assert (first.question, second.question) == ("Where is Mary?", "Who is there?")


def test_train_and_test_never_tell_the_same_sequence_of_stories(story: Path, wordpiece: Any) -> None:
    background = load_background(str(story))
    stories = {
        split: [_sample(Source(background, wordpiece, split=split), "reasoning", "0", i).text for i in range(50)]
        for split in ("test", "train")
    }
    same = sum(a == b for a, b in zip(stories["test"], stories["train"], strict=True))
    assert same < 5
