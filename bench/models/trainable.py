"""What small recurrent readers share: an embedding, a reader of embeddings with a state, a classifier of its output.

    w1 ... w64 --> embeddings --> reader(state) --> outputs, next state          outputs of reading are not looked at
    tail, question ------------------------------> output at the last token --> logits of the labels

They know nothing before they are trained, in minutes on a processor: rmt-bench train NAME --tasks detect --output DIR
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ...generators.tokens import load_tokenizer
from ...tasks.lexicon import PLACES
from .backbone import SEGMENT, refuse_below_1
from .labels import as_labels, label_columns


class TrainableReader(nn.Module):
    """A reader that goes from left to right, so that a segment may be cut anywhere and padding behind is not seen.

    `reader(embedded, state)` takes float [batch, n, hidden] and gives outputs of that shape and the next state;
    `reader.start(batch_size)` is the first. `name` and `options` make this model again.
    """

    chunk_invariant = True

    def __init__(
        self,
        reader: nn.Module,
        hidden: int,
        name: str,
        options: dict[str, Any],
        segment_length: int = SEGMENT,
        labels: str | Sequence[str] = PLACES,
        tokenizer: str | None = None,
    ):
        super().__init__()
        refuse_below_1(segment_length=segment_length)
        self.tokenizer = load_tokenizer(tokenizer)
        self.segment_length = segment_length
        self.labels = as_labels(labels)
        self.embedding = nn.Embedding(len(self.tokenizer), hidden)
        self.reader = reader
        self.head = nn.Linear(hidden, len(self.labels))
        own = {"hidden": hidden, "segment_length": segment_length, "labels": list(self.labels)}
        self._made_of = name, {**options, **own}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    @property
    def flat_after(self) -> int:
        """Tokens after which the state has its full size."""
        return getattr(self.reader, "window", 0)

    def start(self, batch_size: int) -> Any:
        """The state before anything is read."""
        return self.reader.start(batch_size)  # type: ignore[operator]

    def read(self, state: Any, segment: torch.Tensor) -> Any:
        """The state after one more segment: int64 [batch, n]."""
        return self.reader(self.embedding(segment), state)[1]

    def score(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> torch.Tensor:
        """The classifier's logits for each row's choices: [batch, n_choices].

        Raises `UserError` when a choice is no label of the classifier.
        """
        columns = label_columns(self.labels, choices).to(self.device)
        padded = nn.utils.rnn.pad_sequence(list(prompts), batch_first=True)
        outputs, _ = self.reader(self.embedding(padded), state)
        last = torch.tensor([len(prompt) - 1 for prompt in prompts], device=self.device)
        return self.head(outputs[torch.arange(len(prompts), device=self.device), last]).gather(1, columns)

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        return self._made_of
