"""Three real novels under a real WordPiece tokenizer: what holds for toys holds for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy.stats import kstest

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import parse_lengths
from rmt_bench.generators.plain_text import PlainText
from rmt_bench.generators.samples import Sample, Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.lexicon import collisions
from rmt_bench.tasks.registry import load_task

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bert(real_data: Path) -> Any:
    return load_tokenizer(str(real_data / "tokenizers" / "bert-base-cased"))


@pytest.fixture(scope="module")
def source(real_data: Path, bert: Any) -> Source:
    return Source(load_background(str(real_data / "books")), bert, segment_length=499)


def _sample(source: Source, task: str, length: str, index: int) -> Sample:
    return source.samples(task, load_task(task), parse_lengths(length)[0], index)[0]


@pytest.mark.parametrize("task", ["memorize", "detect", "reasoning"])
@pytest.mark.parametrize(("length", "n"), [("0", 20), ("512", 50), ("4k", 20), ("7seg", 20), ("32k", 5), ("2M", 1)])
def test_text_read_again_has_the_tokens_and_the_facts_where_they_should_be(
    source: Source, bert: Any, task: str, length: str, n: int
) -> None:
    for index in range(n):
        sample = _sample(source, task, length, index)
        again = bert(sample.text, add_special_tokens=False, return_offsets_mapping=True)
        assert len(again["input_ids"]) == sample.n_tokens
        question = len(source.encoder.short(sample.question))
        nominal = parse_lengths(length)[0].context_tokens(question, 499)
        assert abs(sample.n_tokens - nominal) <= 0.005 * nominal or length == "0"
        filler = sample.text
        for fact in reversed(sample.facts):
            assert sample.text[fact.char_start : fact.char_end] == fact.text
            assert again["offset_mapping"][fact.token_start][0] == fact.char_start
            filler = filler[: fact.char_start] + filler[fact.char_end :]
        assert collisions(filler) == []


def test_depths_are_uniform(source: Source) -> None:
    depths = [_sample(source, "detect", "8k", index).facts[0].depth for index in range(1_000)]
    assert kstest(depths, "uniform").pvalue > 0.001


def test_sentences_are_those_of_the_novels(real_data: Path) -> None:
    sentences = list(PlainText(str(real_data / "books")).sentences(0, "test"))
    text = sum(len(path.read_text(encoding="utf-8")) for path in (real_data / "books").glob("*.txt"))
    assert sum(map(len, sentences)) > 0.97 * text
    assert not [s for s in sentences if s.lower().startswith("chapter ") and len(s) < 60]
    assert sum(s[0].islower() for s in sentences) < 0.001 * len(sentences)
    assert sum(s[-1] in '.!?…"”’)]*:;,—-' for s in sentences) > 0.995 * len(sentences)
