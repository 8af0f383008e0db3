from __future__ import annotations

import hashlib
import itertools
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmt_bench.generators import haystack
from rmt_bench.generators.background import Background
from rmt_bench.generators.haystack import Haystack, Shelf, lay_out
from rmt_bench.generators.plain_text import PlainText
from rmt_bench.generators.tokens import Encoder
from rmt_bench.tasks.lexicon import OFFICIAL

FACTS = ("Mary went to the kitchen.", "John moved to the office.", "Daniel journeyed to the garden.")


class Volumes(Background):
    """Volumes of a few sentences each; `volumes` None: they go on for ever."""

    name = "volumes"
    fingerprint = "volumes"

    def __init__(self, sentences: Sequence[str], volumes: int | None = None, first_volumes: int = 1):
        self.told, self.volumes, self.first_volumes = sentences, volumes, first_volumes

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        number = ["first", "second", "third"][volume % 3]
        return (f"{sentence[:-1]} for the {number} time." for sentence in self.told)


@pytest.fixture(scope="module", params=["wordpiece", "byte_bpe"])
def shelf(request: pytest.FixtureRequest, story: Path) -> Shelf:
    return Shelf(PlainText(str(story)), Encoder(request.getfixturevalue(request.param)), OFFICIAL, "test")


def _lay_out(shelf: Shelf, depths: list[float], n_tokens: int, seed: int = 0) -> Haystack:
    return lay_out(shelf, FACTS[: len(depths)], np.array(sorted(depths)), n_tokens, np.random.default_rng(seed))


def _sentences(shelf: Shelf) -> set[str]:
    index = shelf.volume(0)
    return {index.slice_text(i, i + 1) for i in range(len(index))}


def _assert_sound(hay: Haystack, nominal: int) -> None:
    """The whole promise: exact length, exact spans, facts in order between whole sentences, both routes equal."""
    text, encoder = hay.text(), hay.shelf.encoder
    tokens = encoder.text(text)
    assert len(text) == hay.n_chars()
    assert "".join(hay.text_pieces()) == hay.utf8().decode() == text
    assert hay.sha256() == hashlib.sha256(text.encode()).hexdigest()
    assert len(tokens) == hay.n_tokens
    assert np.concatenate(list(hay.tokens())).tolist() == tokens.tolist()
    places = hay.places((0,))
    assert [place.text for place in places] == list(hay.facts)
    for place in places:
        assert text[place.char_start : place.char_end] == place.text
        assert encoder.text(text[: place.char_start].rstrip(" ")).size == place.token_start
        assert place.depth == place.token_start / hay.n_tokens
    assert [place.supporting for place in places] == [index == 0 for index in range(len(places))]
    assert [place.char_start for place in places] == sorted(place.char_start for place in places)
    if nominal >= 100:
        assert hay.n_tokens == nominal


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), max_size=3),
    st.integers(0, 6_000),
    st.integers(0, 10**6),
)
def test_any_layout_is_exact_to_the_token_and_to_the_character(
    shelf: Shelf, depths: list[float], n_tokens: int, seed: int
) -> None:
    if depths:
        _assert_sound(_lay_out(shelf, depths, n_tokens, seed), n_tokens)


def test_text_is_streamed_in_small_pieces_between_sentences(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haystack, "_PIECE", 500)
    longest = max(map(len, _sentences(shelf)))
    hay = _lay_out(shelf, [0.3, 0.8], 5_000)
    pieces = list(hay.text_pieces())
    assert "".join(pieces) == hay.text()
    assert max(len(piece.encode()) for piece in pieces) <= max(500, longest) + 1
    assert len(pieces) > 20


def test_very_long_document_takes_the_memory_of_a_piece(shelf: Shelf) -> None:
    hay = _lay_out(shelf, [0.5], 300_000)
    tracemalloc.start()
    try:
        characters = sum(map(len, hay.text_pieces()))
        tokens = sum(map(len, hay.tokens()))
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert (characters, tokens) == (hay.n_chars(), hay.n_tokens)


def test_facts_stand_between_whole_sentences(shelf: Shelf) -> None:
    whole = _sentences(shelf)
    for seed in range(20):
        hay = _lay_out(shelf, [0.2, 0.5, 0.9], 1_000, seed)
        text = hay.text()
        bounds = [0, *itertools.chain.from_iterable((p.char_start, p.char_end) for p in hay.places(())), len(text)]
        for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
            rest = text[start:stop].strip()
            while rest:
                first = max((sentence for sentence in whole if rest.startswith(sentence)), key=len, default="")
                assert first, f"no whole sentence begins {rest[:60]!r}"
                rest = rest[len(first) :].strip()


def test_depth_is_kept_to_within_a_sentence(shelf: Shelf) -> None:
    longest = int(np.diff(shelf.volume(0).token_offsets).max())
    for depth in np.linspace(0, 1, 21):
        for n_tokens in (300, 1_000, 5_000):
            (place,) = _lay_out(shelf, [float(depth)], n_tokens, 3).places(())
            assert abs(place.depth - depth) <= (longest + 10) / n_tokens


def test_first_and_last_place_are_the_very_ends(shelf: Shelf) -> None:
    text = _lay_out(shelf, [0.0, 1.0], 700).text()
    assert text.startswith(FACTS[0])
    assert text.endswith(FACTS[1])


def test_text_begins_alike_at_every_length(shelf: Shelf) -> None:
    short, middle, long = (_lay_out(shelf, [1.0], n, seed=7).text() for n in (500, 1_000, 4_000))
    assert short[:800] == middle[:800] == long[:800]
    assert middle[:2_000] == long[:2_000]
    assert short[:200] != _lay_out(shelf, [1.0], 500, seed=8).text()[:200]


def test_length_0_holds_the_facts_alone(shelf: Shelf) -> None:
    hay = _lay_out(shelf, [0.1, 0.5, 0.9], 0)
    assert hay.text() == " ".join(FACTS)
    assert hay.n_tokens > 0
    assert hay.wraps == 0


def test_short_background_begins_again_and_says_how_often(shelf: Shelf) -> None:
    whole = int(shelf.volume(0).token_offsets[-1])
    for times in (0, 1, 2, 5):
        hay = _lay_out(shelf, [0.5], times * whole + 200, seed=1)
        assert hay.wraps in (times, times + 1)
        _assert_sound(hay, times * whole + 200)
    assert {_lay_out(shelf, [0.5], 300, seed).wraps for seed in range(30)} == {0, 1}


@pytest.mark.parametrize(("volumes", "wraps"), [(None, 0), (3, 2)])
def test_reading_goes_on_from_volume_to_volume(wordpiece: Any, story: Path, volumes: int | None, wraps: int) -> None:
    told = list(PlainText(str(story)).sentences(0, "test"))[:30]
    shelf = Shelf(Volumes(told, volumes), Encoder(wordpiece), OFFICIAL, "test")
    one = int(shelf.volume(0).token_offsets[-1])
    hay = _lay_out(shelf, [0.5], 8 * one, seed=0)
    _assert_sound(hay, 8 * one)
    assert hay.wraps in (wraps, wraps + 1) if volumes else hay.wraps == 0
    order = [hay.text().find(f"for the {number} time") for number in ("first", "second", "third")]
    assert order == sorted(order)


def test_text_may_begin_in_any_of_the_first_volumes(wordpiece: Any, story: Path) -> None:
    told = list(PlainText(str(story)).sentences(0, "test"))[:30]
    shelf = Shelf(Volumes(told, None, first_volumes=3), Encoder(wordpiece), OFFICIAL, "test")
    texts = [_lay_out(shelf, [1.0], 400, seed).text() for seed in range(30)]
    begun = [re.findall(r"for the (first|second|third) time", text)[0] for text in texts]
    assert set(begun) == {"first", "second", "third"}


def test_filler_of_one_sentence_falls_short_by_less_than_it(wordpiece: Any) -> None:
    class One(Volumes):
        def sentences(self, volume: int, split: str) -> Iterator[str]:
            yield "The tide turned before dawn."

    shelf = Shelf(One([], 1), Encoder(wordpiece), OFFICIAL, "test")
    size = int(shelf.volume(0).token_offsets[-1])
    for n_tokens in range(60, 100):
        hay = _lay_out(shelf, [0.5], n_tokens)
        assert 0 <= n_tokens - hay.n_tokens < size


def test_length_is_exact_whatever_sentence_comes_first(shelf: Shelf) -> None:
    """With a tokenizer that marks spaces the first sentence has other tokens than in the index; so has a fact."""
    depths = np.linspace(0, 0.2, 100)
    assert {_lay_out(shelf, [depth], 150, seed).n_tokens for seed, depth in enumerate(depths)} == {150}
