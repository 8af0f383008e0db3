"""Retrieval: keep the text, look up the few sentences that match the question's words, and let a reader read those.

    text        Rain fell. | Mary went to the kitchen. | The miller looked up. | Mary went to the garden. | ...
    question    Where is Mary?
    k = 2       Mary went to the kitchen. Mary went to the garden.       in text order, to the reader

BABILong's RAG row (arXiv 2406.10149, section 3.2), with BM25 in place of embeddings, so that it needs no GPU.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...base.errors import UserError, did_you_mean
from ...generators.tokens import Encoder
from ..documents import Document, Shape, too_long
from ..model import Reply, load_model, model
from ..visits import read_batch
from .baselines import entailed
from .kept_text import SEGMENT, KeepsText, sentences

#: Words that make a sentence a question and say nothing of what is asked for; bm25s drops articles and the like.
_ASKING = frozenset("where what which who whom whose when why how did does do has have many much".split())
_PREFIX = "reader_"


@model("retrieval")
class Retrieval(KeepsText, torch.nn.Module):
    """BM25 over the text's sentences: the `k` best, in text order, go to a reader, as in `retrieval:rmt-tiny`.

    The reader is `symbolic` (it understands the tasks' language, and has nothing but what was found) or any model that
    answers (`retrieval:server:NAME`); its options are given as `reader_OPTION=value`. Sentences
    without a word of the question are not handed over, be they fewer than `k`. Of two that match equally the later one
    goes first, since what a text says last holds. The state is the text, so it grows.
    """

    def __init__(
        self,
        reader: str = "symbolic",
        k: int = 5,
        segment_length: int = SEGMENT,
        tokenizer: str | None = None,
        **reader_options: Any,
    ):
        torch.nn.Module.__init__(self)
        KeepsText.__init__(self, segment_length, tokenizer)
        options = _readers(reader, reader_options)
        if k < 1:
            raise UserError(f"k is a number of sentences from 1 on, not {k}")
        self.k = k
        self.reader: Any = None if reader == "symbolic" else load_model(reader, **options)
        self._bm25 = _library()
        self._encoder = None if self.reader is None else Encoder(self.reader.tokenizer)
        self.identity = {"k": k, "reader": getattr(self.reader, "identity", {})}
        self.incidental = tuple(f"{_PREFIX}{option}" for option in getattr(self.reader, "incidental", ()))

    def answer(
        self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]
    ) -> Sequence[str | Reply]:
        """What the reader says to each row's question, given the sentences found for it."""
        found = [(self.find(text, question), question) for text, question in self.texts(state, prompts)]
        if self.reader is None:
            return [entailed(text, question) for text, question in found]
        return self._read(found, choices)

    def find(self, text: str, question: str) -> str:
        """The sentences of `text` that match `question` best, in text order."""
        units = sentences(text)
        words = self._words([question])[0]
        words = [word for word in words if word not in _ASKING]
        held = self._words(units) if words and units else []
        if not any(held):  # an index of no words divides by their number
            return ""
        index = self._bm25.BM25()
        index.index(held, show_progress=False)
        scores = index.get_scores(words)
        best = np.lexsort((-np.arange(len(units)), -scores))[: self.k]
        return " ".join(units[place] for place in sorted(best) if scores[place] > 0)

    def _words(self, texts: list[str]) -> list[list[str]]:
        return self._bm25.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)

    def _read(self, found: Sequence[tuple[str, str]], choices: Sequence[Sequence[str]]) -> list[Reply]:
        """The reader's replies, in order; it is given what it can read side by side."""
        replies: dict[int, Reply] = {}
        batches: dict[Shape, list[int]] = defaultdict(list)
        documents = [self._document(*told) for told in found]
        for row, document in enumerate(documents):
            if reason := too_long(document, self.reader):
                replies[row] = Reply("", "skipped", f"of the reader: {reason}")
            else:
                batches[document.shape(self.reader.segment_length)].append(row)
        for rows in batches.values():
            said = read_batch(self.reader, [documents[row] for row in rows], [choices[row] for row in rows])
            replies.update(zip(rows, said, strict=True))
        return [replies[row] for row in range(len(found))]

    def _document(self, text: str, question: str) -> Document:
        assert self._encoder is not None
        tokens = self._encoder.text(text)
        return Document(iter([tokens]), len(tokens), self._encoder.short(question))


def _readers(reader: str, options: dict[str, Any]) -> dict[str, Any]:
    """The reader's own options, without their prefix."""
    own = ("reader", "k", "segment_length", "tokenizer")
    for option in options:
        if not option.startswith(_PREFIX):
            raise UserError(
                f"model 'retrieval' takes no option {option!r}{did_you_mean(option, own)} "
                f"(it takes: {', '.join(own)}, and {_PREFIX}OPTION for an option of the reader)"
            )
        if reader == "symbolic":
            raise UserError(f"the symbolic reader takes no options: leave out {option}")
    return {option.removeprefix(_PREFIX): value for option, value in options.items()}


def _library() -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise UserError("retrieval needs the package bm25s: pip install 'rmt-bench[retrieval]'") from error
    return bm25s
