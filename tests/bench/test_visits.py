"""Many questions from one reading are answered as each of them is alone: the model is given the very same calls."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmt_bench.bench.documents import Document, shared_tokens
from rmt_bench.bench.reading import read_through
from rmt_bench.bench.visits import Ask, Bundle, Text, bundles, make_visits, read_batch

_SEGMENT = 8


class _Writer:
    """Its state is a tensor that it changes in place: the calls it was given, token by token, a -1 after each."""

    segment_length = _SEGMENT

    def __init__(self):
        self.reads = 0

    def start(self, batch_size):
        return SimpleNamespace(calls=torch.full((batch_size, 4_096), -2), at=0)

    def read(self, state, segment):
        self.reads += 1
        state.calls[:, state.at : state.at + segment.shape[1]] = segment
        state.calls[:, state.at + segment.shape[1]] = -1
        state.at += segment.shape[1] + 1
        return state

    def answer(self, state, prompts, choices):
        return [f"{state.calls[i, : state.at].tolist()} {prompt.tolist()}" for i, prompt in enumerate(prompts)]


def _document(n_tokens: int, first: int = 0, changed: int | None = None, question: int = 1) -> Document:
    tokens = np.arange(first, first + n_tokens)
    if changed is not None:
        tokens[changed:] += 5_000
    return Document(np.array_split(tokens, 3), n_tokens, np.full(question, 60_000))


def _question(number: int, size: int) -> np.ndarray:
    return np.full(size, 60_000 + number)


def _alone(document: Document, question: np.ndarray) -> str:
    document = Document(document.tokens, document.n_tokens, question)
    return read_batch(_Writer(), [document], [()])[0].text


@settings(deadline=None)
@given(st.integers(0, 60), st.lists(st.integers(1, _SEGMENT), min_size=1, max_size=6))
def test_questions_of_any_size_about_one_text_hear_what_each_hears_alone(n_tokens, sizes):
    questions = [_question(number, size) for number, size in enumerate(sizes)]
    document = _document(n_tokens, question=max(sizes))
    text = Text(document, tuple(Ask(question, (), number) for number, question in enumerate(questions)))
    model = _Writer()
    heard = read_through(model, [document], make_visits([Bundle((text,), _SEGMENT)]))
    assert [heard[number].reply.text for number in range(len(sizes))] == [_alone(document, q) for q in questions]
    assert model.reads <= n_tokens // _SEGMENT + 1


def test_rows_with_fewer_questions_and_other_stops_do_not_disturb_each_other():
    rows = []
    for row, (count, after) in enumerate([(3, 2), (1, 5), (2, 2)]):
        document = _document(50, first=1_000 * row, question=4)
        asks = [Ask(_question(10 * row + number, 4), (), (row, number)) for number in range(count)]
        rows.append(Bundle((Text(document, (*asks, Ask(_question(row, 4), (), (row, "probe"), after))),), _SEGMENT))
    heard = read_through(_Writer(), [bundle.trunk for bundle in rows], make_visits(rows))
    assert set(heard) == {(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (0, "probe"), (1, "probe"), (2, "probe")}
    for (row, number), said in heard.items():
        if number == "probe":
            read = _SEGMENT * (5 if row == 1 else 2)
            document = _document(read, first=1_000 * row)
            assert said.reply.text == _alone(document, _question(row, 4))
        else:
            assert said.reply.text == _alone(_document(50, first=1_000 * row), _question(10 * row + number, 4))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 12)), min_size=1, max_size=5, unique_by=lambda x: x[0]))
def test_texts_of_several_lengths_from_one_pass_hear_what_each_hears_alone(sizes):
    """Each is the beginning of the longest one, but for its last tokens."""
    longest = max(size for size, _ in sizes)
    documents = [_document(n, changed=None if n == longest else max(n - last, 0), question=5) for n, last in sizes]
    texts = [Text(document, (Ask(document.question, (), n),)) for n, document in enumerate(documents)]
    model, heard = _Writer(), {}
    for bundle in bundles(texts, _SEGMENT):
        heard |= read_through(model, [bundle.trunk], make_visits([bundle]))
    assert [heard[n].reply.text for n in range(len(texts))] == [_alone(d, d.question) for d in documents]
    assert model.reads <= longest // _SEGMENT + 4 * len(sizes)


def test_texts_that_part_early_are_read_each_by_itself():
    texts = [Text(_document(n, changed=40 if n < 4_000 else None), ()) for n in (1_000, 3_000, 4_000, 4_008)]
    found = [[text.document.n_tokens for text in bundle.texts] for bundle in bundles(texts, _SEGMENT)]
    assert found == [[4_000, 4_008], [1_000, 3_000]]


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_what_two_documents_share_is_counted_to_the_token(one, other, changed):
    documents = _document(one), _document(other, changed=min(changed, other))
    assert shared_tokens(*documents) == min(one, other, changed)


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_slice_of_a_document_is_its_tokens(start, size):
    document = _document(200)
    assert document.slice(start, start + size).tolist() == list(range(start, start + size))
