"""A harness's text as what a model reads: a document, then a question. Knows tokens; nothing of harnesses.

    context    Rain fell. Mary went to the garden. The river rose. Where is Mary?
               document ...................................... | question          cut where the question begins

The tokens are those of the whole text. A text is cut before the question that its sample names, else before its last
sentence; a question longer than a segment gives what does not fit to the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import UserError
from ..bench.documents import Document
from ..bench.models.kept_text import sentences
from ..generators.tokens import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Characters at a text's end among which its last sentence is looked for.
_END = 2_000


@dataclass(frozen=True)
class Context:
    """A text, tokenised; `ends` are the places in the text, in characters, where its tokens end."""

    text: str
    tokens: np.ndarray
    ends: np.ndarray

    def document(self, segment_length: int, question: str = "") -> Document:
        """The text in two: what is read, and what is asked in the last segment."""
        if not len(self.tokens):
            return Document([self.tokens], 0, self.tokens)
        if not (question and self.text.endswith(question)):
            question = (sentences(self.text[-_END:]) or [""])[-1]
        begins = len(self.text.rstrip()) - len(question.rstrip())
        first = int(np.searchsorted(self.ends, begins, side="right"))
        cut = max(first, len(self.tokens) - segment_length)
        return Document([self.tokens[:cut]], cut, self.tokens[cut:])


def read_context(encoder: Encoder, text: str) -> Context:
    """The tokens of `text`, no special ones among them, and where they end."""
    (encoding,) = encoder.encodings([text])
    ends = np.array([stop for _, stop in encoding.offsets], dtype=np.int64)
    return Context(text, np.asarray(encoding.ids, dtype=encoder.dtype), ends)


def opener(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that begins a text, for a model that was given nothing else. Raises `UserError` when there is none."""
    tokens = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
    found = [token for token in tokens if isinstance(token, int)]
    if not found:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no token that begins a text (bos, eos, cls or sep), so a "
            "text has no likelihood from its first token on: give the model something to read before it"
        )
    return found[0]


def continuation_tokens(encoder: Encoder, context: str, continuation: str) -> tuple[str, np.ndarray]:
    """The context without the white space at its end, and the tokens of that and `continuation` behind it.

    White space belongs to the word behind it, so a context that ends with some would be tokenised as nobody does. Only
    the end of the context is tokenised again, from a space on.
    """
    bare = context.rstrip()
    near = bare[max(bare.rfind(" "), 0) :]
    whole = encoder.text(near + context[len(bare) :] + continuation)
    return bare, whole[len(encoder.text(near)) :]
