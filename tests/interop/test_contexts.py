import numpy as np
import pytest

from rmt_bench.generators.tokens import Encoder
from rmt_bench.interop.contexts import continuation_tokens, read_context

TEXT = "Rain fell on the roof. Mary went to the garden. The river rose. Where is Mary?"


def _parts(encoder, text, segment=64, question=""):
    document = read_context(encoder, text).document(segment, question)
    tokens = np.concatenate([*document.tokens, document.question])
    assert tokens.tolist() == encoder.text(text).tolist()
    assert document.n_tokens == len(tokens) - len(document.question)
    return encoder.tokenizer.decode(document.question).strip()


def test_a_context_is_cut_before_its_last_sentence_and_no_token_is_lost(byte_bpe, wordpiece):
    for tokenizer in (byte_bpe, wordpiece):
        said = _parts(Encoder(tokenizer), TEXT)
        assert said.replace(" ", "") == "WhereisMary?"


def test_the_question_that_a_sample_names_is_kept_whole(byte_bpe):
    question = "The river rose. Where is Mary?"
    assert _parts(Encoder(byte_bpe), TEXT, question=question) == question


def test_a_question_longer_than_a_segment_gives_its_beginning_to_the_document(byte_bpe):
    document = read_context(Encoder(byte_bpe), TEXT).document(3)
    assert len(document.question) == 3


def test_an_empty_context_is_an_empty_document(byte_bpe):
    document = read_context(Encoder(byte_bpe), "").document(8)
    assert (document.n_tokens, len(document.question)) == (0, 0)


@pytest.mark.parametrize("context", [TEXT, TEXT + " ", "Question: who?\nAnswer:", "word"])
@pytest.mark.parametrize("continuation", [" office", "ing", " the hallway\n"])
def test_the_tokens_of_a_continuation_are_those_that_the_whole_text_has_behind_the_context(
    byte_bpe, context, continuation
):
    encoder = Encoder(byte_bpe)
    bare, behind = continuation_tokens(encoder, context, continuation)
    assert bare == context.rstrip()
    assert behind.tolist() == encoder.text(context + continuation).tolist()[len(encoder.text(bare)) :]
