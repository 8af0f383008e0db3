from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.tokens import Encoder, load_tokenizer


def test_sentences_joined_have_the_tokens_of_their_text(tokenizer: Any) -> None:
    encoder = Encoder(tokenizer)
    sentences = ["They waited.", '"Well," she said.', "What do you do?", "The Petrel!"]
    joined = [token for ids in encoder.encode(sentences) for token in ids]
    assert joined == encoder.encode([" ".join(sentences)])[0]


def test_space_before_a_sentence_is_in_its_tokens_where_the_tokenizer_marks_it(wordpiece: Any, byte_bpe: Any) -> None:
    assert not Encoder(wordpiece).marks_space
    assert Encoder(byte_bpe).marks_space
    assert Encoder(byte_bpe).encode(["The tide"])[0] == Encoder(byte_bpe).text(" The tide").tolist()


def test_truncation_and_padding_that_the_owner_sets_change_nothing(tokenizer: Any) -> None:
    before = Encoder(tokenizer)
    expected = before.text("The tide turned before dawn.").tolist()
    owner = copy.deepcopy(tokenizer)
    owner.backend_tokenizer.enable_truncation(2)
    after = Encoder(owner)
    owner.backend_tokenizer.enable_padding(length=50)
    assert after.text("The tide turned before dawn.").tolist() == expected
    assert after.encode(["The tide turned before dawn."]) == before.encode(["The tide turned before dawn."])
    assert after.fingerprint == before.fingerprint


def test_fact_that_the_tokenizer_cannot_write_is_refused(wordpiece: Any) -> None:
    with pytest.raises(UserError, match=r"'toy-wordpiece' cannot write '雨 is here.'"):
        Encoder(wordpiece).short("雨 is here.")


def test_tokenizer_of_a_folder_is_named_by_it_and_known_by_what_it_does(wordpiece: Any, tmp_path: Path) -> None:
    for place in ("here", "there"):
        wordpiece.save_pretrained(tmp_path / place / "toy")
    here, there = (Encoder(load_tokenizer(str(tmp_path / place / "toy"))) for place in ("here", "there"))
    assert here.name == there.name == "toy"
    assert here.fingerprint == there.fingerprint
    assert np.array_equal(here.text("They waited."), Encoder(wordpiece).text("They waited."))


def test_tokenizer_that_is_not_a_fast_one_is_refused() -> None:
    class Slow:
        name_or_path = "slow"

    with pytest.raises(UserError, match="'slow' is not a fast one"):
        Encoder(Slow())  # type: ignore[arg-type]
