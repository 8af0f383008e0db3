from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmt_bench.base.errors import UserError
from rmt_bench.generators import corpus
from rmt_bench.generators.corpus import Index, cached_index
from rmt_bench.generators.indexing import colliding
from rmt_bench.generators.plain_text import PlainText
from rmt_bench.generators.tokens import Encoder
from rmt_bench.tasks.lexicon import OFFICIAL, collisions


def _build(root: Path, tokenizer: Any, story: Path, lexicon: frozenset[str] = OFFICIAL) -> Index:
    return cached_index(root, ("story",), Encoder(tokenizer), lexicon, PlainText(str(story)).sentences(0, "test"))


def _folder(root: Path) -> Path:
    (folder,) = (path for path in root.iterdir() if path.is_dir())
    return folder


def _bytes(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _folder(root).iterdir()}


def test_slices_of_text_and_of_tokens_are_the_same_sentences(tmp_path: Path, tokenizer: Any, story: Path) -> None:
    index, encoder = _build(tmp_path, tokenizer, story), Encoder(tokenizer)
    for start, stop in [(0, 1), (3, 40), (0, len(index))]:
        text = index.slice_text(start, stop)
        tokens = index.tokens[index.token_offsets[start] : index.token_offsets[stop]]
        assert encoder.encode([text])[0] == tokens.tolist()
        assert len(text) + 1 == index.char_offsets[stop] - index.char_offsets[start]
        assert len(text.encode()) + 1 == index.byte_offsets[stop] - index.byte_offsets[start]


def test_sentences_with_words_of_the_tasks_are_left_out_by_word_and_by_token(
    tmp_path: Path, tokenizer: Any, story: Path
) -> None:
    index = _build(tmp_path, tokenizer, story)
    text = index.slice_text(0, len(index))
    assert collisions(text) == []
    assert index.meta["rejected"] >= 5
    assert "Mary Trewin" in story.read_text()
    encoder = Encoder(tokenizer)
    forms = [form for word in OFFICIAL for form in (word, word.capitalize(), f" {word}", f" {word.capitalize()}")]
    whole = {int(ids[0]) for form in forms if len(ids := encoder.text(form)) == 1}
    assert whole
    assert whole.isdisjoint(index.tokens.tolist())


def test_index_is_built_once_and_then_found(tmp_path: Path, wordpiece: Any, story: Path) -> None:
    _build(tmp_path, wordpiece, story)

    def nothing() -> Iterator[str]:
        raise AssertionError("read again")
        yield ""

    assert len(cached_index(tmp_path, ("story",), Encoder(wordpiece), OFFICIAL, nothing())) > 50
    with pytest.raises(AssertionError):
        cached_index(tmp_path, ("story",), Encoder(wordpiece), OFFICIAL | {"tide"}, nothing())
    with pytest.raises(AssertionError):
        cached_index(tmp_path, ("another",), Encoder(wordpiece), OFFICIAL, nothing())


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "tokens.npy").unlink(),
        lambda folder: (folder / "text.npy").write_bytes((folder / "text.npy").read_bytes()[:-7]),
        lambda folder: _flip(folder / "tokens.npy"),
        lambda folder: _flip(folder / "text.npy"),
        lambda folder: (folder / "meta.json").write_text("{"),
        lambda folder: (folder / "meta.json").write_text('{"files": {}}'),
        lambda folder: (folder / "meta.json").unlink(),
    ],
    ids=["missing", "cut", "flipped tokens", "flipped text", "damaged meta", "empty meta", "no meta"],
)
def test_damaged_index_is_built_again(tmp_path: Path, wordpiece: Any, story: Path, damage: Any) -> None:
    _build(tmp_path, wordpiece, story)
    before = _bytes(tmp_path)
    damage(_folder(tmp_path))
    _build(tmp_path, wordpiece, story)
    assert _bytes(tmp_path) == before


def test_large_index_is_checked_by_sizes_alone(tmp_path: Path, wordpiece: Any, story: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(corpus, "_HASHED", 100)
    _build(tmp_path, wordpiece, story)
    _flip(_folder(tmp_path) / "text.npy")
    flipped = _bytes(tmp_path)
    _build(tmp_path, wordpiece, story)
    assert _bytes(tmp_path) == flipped


def test_what_a_killed_build_left_is_removed(tmp_path: Path, wordpiece: Any, story: Path) -> None:
    _build(tmp_path, wordpiece, story)
    folder = _folder(tmp_path)
    left = tmp_path / f".{folder.name}.abc.tmp"
    folder.rename(left)
    _build(tmp_path, wordpiece, story)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{folder.name}.lock", folder.name]


@pytest.mark.slow
def test_processes_that_want_one_index_at_once_get_the_same(tmp_path: Path, wordpiece: Any, story: Path) -> None:
    _build(tmp_path / "alone", wordpiece, story)
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may wait for ever
    processes = [context.Process(target=_build, args=(tmp_path / "shared", wordpiece, story)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert _bytes(tmp_path / "shared") == _bytes(tmp_path / "alone")


def test_tokenizer_that_cannot_write_the_text_is_refused_with_the_share(tmp_path: Path, wordpiece: Any) -> None:
    sentences = ["Rain fell on the boat."] * 9 + ["雨 雪."]
    with pytest.raises(UserError, match=r"'toy-wordpiece' turns \d\.\d% of the background into the unknown token"):
        cached_index(tmp_path, ("x",), Encoder(wordpiece), OFFICIAL, sentences)
    assert not any(path.is_dir() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sentences", "said"),
    [
        ([], "holds no sentence"),
        (["Mary went to the garden.", "Gardens!"], "all 2 sentences .* hold a word of the tasks"),
    ],
)
def test_background_without_a_usable_sentence_is_refused(
    tmp_path: Path, wordpiece: Any, sentences: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        cached_index(tmp_path, ("x",), Encoder(wordpiece), OFFICIAL, sentences)


def test_tokenizer_that_reads_sentences_otherwise_together_is_refused(tmp_path: Path, wordpiece: Any) -> None:
    encoder = Encoder(wordpiece)
    one_by_one = encoder.encode
    encoder.encode = lambda sentences: [ids[::-1] for ids in one_by_one(sentences)]  # type: ignore[method-assign]
    with pytest.raises(UserError, match="cannot be spliced"):
        cached_index(tmp_path, ("x",), encoder, OFFICIAL, ["The tide turned.", "They waited."])


def test_tokens_take_the_smallest_type_that_holds_them(tmp_path: Path, wordpiece: Any, story: Path) -> None:
    assert _build(tmp_path, wordpiece, story).tokens.dtype == np.uint16


@given(
    st.lists(st.sampled_from([*sorted(OFFICIAL), "s", "-", "'", " ", "er", "ſ", "ı", "the"]), max_size=5), st.booleans()
)
def test_quick_look_for_words_of_the_tasks_misses_none(parts: list[str], upper: bool) -> None:
    text = "".join(parts).upper() if upper else "".join(parts)
    for written in (text, text.replace("s", "ſ"), text.replace("K", "\u212a"), text.replace("i", "ı")):
        assert colliding(OFFICIAL)([written]).tolist() == [bool(collisions(written))]
