"""Models whose state is the text itself: it is kept whole while it is read, and looked at when the question comes.

Such a state grows with the text, and says so. Knows nothing of what is done with the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch

from ...base.errors import UserError
from ...generators.tokens import load_tokenizer

#: Tokens that a model which keeps everything is given at a time; what it says does not depend on them.
SEGMENT = 512
_SENTENCE_END = re.compile(r"""[.!?]["'”’)\]]*\s+(?=\S)""")
_TRIAL = 'Mary went to the garden, didn\'t she? "No; to the KITCHEN," he said.'


class KeepsText:
    """Keeps every token it reads: a chain of segments whose links are never changed, so that states may share them.

    Raises `UserError` when `tokenizer` does not give back the text it was given.
    """

    state_grows = True
    chunk_invariant = True
    counts_flops = False  # reading is keeping; whatever is computed is computed when the question comes

    def __init__(self, segment_length: int = SEGMENT, tokenizer: str | None = None):
        self.tokenizer = load_tokenizer(tokenizer)
        refuse_lossy(self.tokenizer)
        self.segment_length = segment_length

    def start(self, batch_size: int) -> Any:
        """An empty chain of segments."""
        return None

    def read(self, state: Any, segment: torch.Tensor) -> Any:
        """The chain with one more link: int32 [batch, segment]."""
        return state, segment.to("cpu", torch.int32)

    def segments(self, state: Any) -> list[torch.Tensor]:
        """What was read, in order: int32 [batch, segment] each."""
        segments = []
        while state is not None:
            state, segment = state
            segments.append(segment)
        segments.reverse()
        return segments

    def tokens(self, state: Any, prompts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """All tokens of each row, those of its prompt last: int32 [n] each."""
        segments = self.segments(state)
        return [
            torch.cat([*(segment[i] for segment in segments), prompt.to("cpu", torch.int32)])
            for i, prompt in enumerate(prompts)
        ]

    def texts(self, state: Any, prompts: Sequence[torch.Tensor]) -> list[tuple[str, str]]:
        """What each row's document says, and its question."""
        return [parted(self.tokenizer, row) for row in self.tokens(state, prompts)]


def parted(tokenizer: Any, tokens: torch.Tensor) -> tuple[str, str]:
    """What tokens say before their last sentence, and that sentence: the question.

    A question is one sentence. Where the text before it ends without a full stop (in a heading), that heading counts
    as the question's beginning.
    """
    text = written(tokenizer, tokens)
    ends = max((match.end() for match in _SENTENCE_END.finditer(text, max(len(text) - 2_000, 0))), default=0)
    return text[:ends].strip(), text[ends:].strip()


def sentences(text: str) -> list[str]:
    """A text cut behind its sentences."""
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [cut for start, stop in itertools.pairwise(cuts) if (cut := text[start:stop].strip())]


def last_end(text: str) -> int:
    """Where the last sentence that ends within a text ends, the white space after it counted in; 0 if none does."""
    return min(max((match.end() for match in _SENTENCE_END.finditer(f"{text} .")), default=0), len(text))


def written(tokenizer: Any, tokens: torch.Tensor | Sequence[int]) -> str:
    """The text of some tokens, special ones left out."""
    text = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert isinstance(text, str)
    return text


def refuse_lossy(tokenizer: Any) -> None:
    """Raise `UserError` unless a tokenizer gives back the text it was given, for those who need its words again."""
    if written(tokenizer, tokenizer.encode(_TRIAL, add_special_tokens=False)) != _TRIAL:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} does not give back the text it reads (case or spaces are lost); "
            "choose another, or leave out `tokenizer` for the embedded one"
        )
