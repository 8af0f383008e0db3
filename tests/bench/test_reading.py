from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmt_bench.bench.documents import Document, LockStep
from rmt_bench.bench.reading import KeepNothing, Round, Visit, read_through
from rmt_bench.bench.visits import read_batch

from .toys import Rolling

_CPU = torch.device("cpu")


def _document(n_tokens: int, question: int = 5, first: int = 0, pieces: int = 7) -> Document:
    tokens = np.arange(first, first + n_tokens, dtype=np.uint16)
    return Document(iter(np.array_split(tokens, pieces)), n_tokens, np.full(question, 60_000, dtype=np.uint16))


class _Listener:
    """A model that keeps what it was given: its state is a tuple of segments, never changed."""

    segment_length = 16

    def start(self, batch_size):
        return ()

    def read(self, state, segment):
        assert torch.is_inference_mode_enabled()
        return (*state, segment)

    def answer(self, state, prompts, choices):
        return [
            ",".join(map(str, torch.cat([*(segment[row] for segment in state), prompt]).tolist()))
            for row, prompt in enumerate(prompts)
        ]


@given(st.integers(0, 200), st.integers(1, 16), st.integers(1, 9))
def test_a_model_is_given_every_token_once_and_in_order(n_tokens, question, pieces):
    document = _document(n_tokens, question, pieces=pieces)
    (heard,) = read_batch(_Listener(), [document], [()])  # type: ignore[arg-type]
    assert heard.text == ",".join(map(str, [*range(n_tokens), *[60_000] * question]))


@given(st.integers(0, 200), st.integers(1, 16))
def test_the_prompt_never_exceeds_a_segment_and_segments_are_whole_but_for_the_last(n_tokens, question):
    batch = LockStep([_document(n_tokens, question)], 16, _CPU)
    sizes = [segment.shape[1] for segment in batch.segments()]
    assert all(size == 16 for size in sizes[:-1])
    assert len(batch.prompts()[0]) <= 16
    assert batch.shape.segments == len(sizes) + 1


def test_the_tail_travels_with_the_question_where_both_fit_a_segment():
    assert _document(36).shape(16).segments == 3
    assert LockStep([_document(36)], 16, _CPU).shape.short == 0
    assert LockStep([_document(44)], 16, _CPU).shape.short == 12


def test_rows_of_one_batch_may_have_tails_of_different_length():
    documents = [_document(34), _document(40, first=1_000)]
    heard = [reply.text for reply in read_batch(_Listener(), documents, [(), ()])]  # type: ignore[arg-type]
    assert heard[0].startswith("0,1,")
    assert heard[1].startswith("1000,1001,")
    assert [len(row.split(",")) for row in heard] == [39, 45]


def test_documents_of_different_shapes_do_not_mix():
    with pytest.raises(ValueError, match="unpack"):
        LockStep([_document(16), _document(64)], 16, _CPU)


def test_a_document_that_ends_before_its_stated_length_is_an_error():
    short = Document(iter([np.arange(20)]), 100, np.arange(5))
    with pytest.raises(ValueError, match="ended 76 tokens before"):
        read_batch(_Listener(), [short], [()])  # type: ignore[arg-type]


def test_too_few_answers_are_an_error():
    model = SimpleNamespace(
        segment_length=16, start=lambda n: None, read=lambda state, segment: None, answer=lambda *_: ["one"]
    )
    with pytest.raises(ValueError, match="1 answers to 2 questions"):
        read_batch(model, [_document(5), _document(5)], [(), ()])  # type: ignore[arg-type]


def test_progress_hears_of_every_token_that_was_read_in_segments():
    heard: list[int] = []
    read_batch(_Listener(), [_document(160), _document(160)], [(), ()], heard.append)  # type: ignore[arg-type]
    assert sum(heard) == 320


def test_every_whole_segment_is_in_one_piece_so_that_a_compiler_sees_one_shape():
    batch = LockStep([_document(16 * 70, question=16), _document(16 * 70, first=5, question=16)], 16, _CPU)
    segments = list(batch.segments())
    assert len(segments) == 70
    assert all(segment.is_contiguous() for segment in segments)
    assert torch.cat(segments, 1)[1].tolist() == list(range(5, 5 + 16 * 70))


class _Clock(KeepNothing):
    """Knows whether the model is at work, and how often it was said to be."""

    def __init__(self):
        self.at_work, self.told = False, 0

    def busy(self, at_work):
        self.at_work, self.told = at_work, self.told + at_work


def test_the_time_in_which_a_text_is_made_ready_is_not_the_model_s(byte_bpe):
    clock, seen = _Clock(), []

    def pieces():
        for _ in range(3):
            seen.append(clock.at_work)
            yield np.zeros(32, dtype=np.int64)

    class Seen(Rolling):
        def read(self, state, segment):
            reads.append(clock.at_work)
            return super().read(state, segment)

    reads: list[bool] = []
    document = Document(pieces(), 96, np.zeros(4, dtype=np.int64))
    read_through(Seen(byte_bpe), [document], [Visit(3, ())], keeper=clock)
    assert seen == [False] * 3
    assert reads == [True] * 3


def test_a_sign_of_life_is_given_before_every_question(byte_bpe):
    clock = _Clock()
    asked = Round((np.zeros(4, dtype=np.int64),), (("yes", "no"),), (None,))
    document = Document([], 0, np.zeros(4, dtype=np.int64))
    read_through(Rolling(byte_bpe), [document], [Visit(0, (asked,) * 5)], keeper=clock)
    assert clock.told >= 5
