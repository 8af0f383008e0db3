import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.generators.background import load_background
from rmt_bench.generators.corpus import cached_index
from rmt_bench.generators.prose_background import ProseBackground
from rmt_bench.generators.tokens import EMBEDDED, Encoder, load_tokenizer
from rmt_bench.tasks.lexicon import OFFICIAL
from rmt_bench.tasks.memory import Detect, Reasoning

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_tokenizer.py"
FACTS = (
    "Mary went to the garden.",
    "Wolves are afraid of mice.",
    "7 of them left.",
    '"Is 1,024 right?" he asked.',
    "It's I!",
)


@pytest.fixture(scope="module")
def encoder():
    return Encoder(load_tokenizer())


@pytest.fixture(scope="module")
def filler():
    return list(itertools.islice(ProseBackground().sentences(1, "test"), 3_000))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_tokenizer", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_embedded_tokenizer_has_4096_tokens_special_ones_first(encoder):
    tokenizer = encoder.tokenizer
    assert len(tokenizer) == 4096
    assert tokenizer.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, 1, 4)
    assert encoder.name == "embedded"
    assert encoder.dtype == np.uint16


def test_every_official_word_is_one_token(encoder, script):
    words = {
        *OFFICIAL,
        *script.PEOPLE,
        *Detect().labels,
        *Reasoning().labels,
        *"yes no maybe none three north west".split(),
    }
    assert {word for word in words if len(encoder.text(f" {word}")) != 1} == set()
    starts = {*script.PEOPLE, "Wolves", "Mice", "Sheep", "Cats"}
    assert {word for word in starts if len(encoder.text(word)) != 1} == set()


def test_sentences_can_be_spliced(encoder, filler):
    sentences = [*FACTS, *filler[:300], *FACTS]
    first, *rest = sentences
    joined = encoder.text(first).tolist() + list(itertools.chain.from_iterable(encoder.encode(rest)))
    assert joined == encoder.text(" ".join(sentences)).tolist()


@pytest.mark.parametrize("text", [*FACTS, "Ünïcode — and “quotes”…", "two  spaces,\n\nlines\tand 😀"])
def test_text_comes_back_as_it_was(encoder, text):
    assert encoder.tokenizer.decode(encoder.text(text)) == text
    assert encoder.tokenizer.unk_token_id not in encoder.text(text)


def test_digits_and_marks_are_tokens_of_their_own(encoder):
    tokens = encoder.tokenizer.convert_ids_to_tokens(encoder.text("It cost 1,024 crowns!").tolist())
    assert [token for token in tokens if not token.strip("Ġ").isalpha()] == ["Ġ1", ",", "0", "2", "4", "!"]


def test_a_fact_is_tokenised_once_and_as_it_stands_after_another(encoder):
    fact = "Mary went to the garden."
    assert encoder.short(fact).tolist() == encoder.encode([fact])[0]
    assert encoder.short(fact) is encoder.short(fact)
    assert len(encoder.short(fact)) == 6


def test_filler_takes_few_tokens_and_other_english_not_many(encoder, filler, story):
    def per_word(sentences):
        return sum(map(len, encoder.encode(sentences))) / sum(len(sentence.split()) for sentence in sentences)

    assert per_word(filler) < 1.5
    assert per_word(list(load_background(str(story)).sentences(0, "test"))) < 2.5


def test_hardly_a_sentence_of_filler_holds_the_token_of_a_tasks_word(encoder, filler, tmp_path):
    index = cached_index(tmp_path, ("prose",), encoder, OFFICIAL, filler)
    assert index.meta["rejected"] < 0.01 * len(filler)


def test_training_again_gives_the_same_file(script, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--output", str(tmp_path / "again.json")])
    assert script.main() == 0
    assert (tmp_path / "again.json").read_bytes() == EMBEDDED.read_bytes()


def test_a_tokenizer_that_breaks_an_official_word_is_not_written(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--output", str(tmp_path / "broken.json")])
    monkeypatch.setattr(script, "_WEIGHT", 0)
    monkeypatch.setattr(script, "_VOLUMES", 1)
    monkeypatch.setattr(script, "task_sentences", lambda _: iter(()))
    assert script.main() == 1
    assert "should be one token each: ' Antoine'" in capsys.readouterr().err
    assert not (tmp_path / "broken.json").exists()


def test_a_tokenizer_can_be_loaded_from_a_folder(encoder, tmp_path):
    encoder.tokenizer.save_pretrained(tmp_path)
    other = Encoder(load_tokenizer(str(tmp_path)))
    assert other.encode(list(FACTS)) == encoder.encode(list(FACTS))


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(UserError, match="no tokenizer could be loaded from"):
        load_tokenizer(str(tmp_path))


def test_one_fingerprint_is_one_tokenizer(encoder):
    assert encoder.fingerprint == Encoder(load_tokenizer()).fingerprint
