"""What every RMT has, encoder or decoder: memory tokens that go from segment to segment.

    memory --> [read segment 1] --> memory --> [read segment 2] --> memory --> ... --> [answer]

Knows memory and gradients; how a segment is read is told by those who build on this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from ...base.errors import UserError
from .backbone import refuse_short_vocabulary
from .last_layer import split

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase


class RecurrentMemory(nn.Module):
    """Memory tokens around a Hugging Face backbone. The state is the memory: float [batch, memory_tokens, hidden].

    While training, Gaussian noise of `memory_noise` is added to the memory after every segment that is read with
    gradients (0: the RMT of the report). With `bptt_depth` gradients reach at most that many segments back from where
    the loss is taken; none: as far as there are gradients. `compiled` has whole segments read by `torch.compile`.
    """

    segment_length: int
    _options: ClassVar[dict[str, Any]] = {}  #: What the backbone is always called with.

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        memory: torch.Tensor,
        memory_noise: float = 0.0,
        bptt_depth: int | None = None,
        compiled: bool = False,
    ):
        super().__init__()
        refuse_short_vocabulary(backbone, tokenizer)
        _refuse_two_widths(backbone)
        if bptt_depth is not None and bptt_depth < 0:
            raise UserError(f"bptt_depth is a number of segments, 0 or more, not {bptt_depth}")
        self.backbone = backbone
        self.config: PreTrainedConfig = backbone.config  # type: ignore[assignment]
        self.tokenizer = tokenizer
        self.memory_noise = memory_noise
        self.bptt_depth = bptt_depth
        self.memory = nn.Parameter(memory.to(self._words().weight.dtype))
        self._last_layer = split(backbone.base_model)  # type: ignore[arg-type]
        self._written_whole = torch.compile(self._written) if compiled else self._written

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.memory.device

    @property
    def dtype(self) -> torch.dtype:
        """What the backbone computes in."""
        return self.memory.dtype

    def start(self, batch_size: int) -> torch.Tensor:
        """The learned first memory, for each document."""
        return self.memory.expand(batch_size, -1, -1)

    def rebuild(self) -> tuple[str, dict[str, Any]]:
        """The name and options that make this model again, without its weights: what a checkpoint stores."""
        return "rmt", {
            **made_again(self.config, self.dtype, self.bptt_depth),
            "memory_tokens": len(self.memory),
            "segment_length": self.segment_length,
            "memory_noise": self.memory_noise,
        }

    def _words(self) -> nn.Embedding:
        return self.backbone.get_input_embeddings()  # type: ignore[operator]

    def _hidden(self, embedded: torch.Tensor) -> torch.Tensor:
        """The last hidden states, and no others: [batch, positions, hidden]."""
        return self.backbone.base_model(inputs_embeds=embedded, **self._options).last_hidden_state  # type: ignore[operator]

    def _attention(self, embedded: torch.Tensor, **options: Any) -> torch.Tensor:
        """What each position attends to: [layers, batch, heads, queries, keys]. Eager attention alone gives it away."""
        backbone: Any = self.backbone
        implementation = backbone.config._attn_implementation
        backbone.set_attn_implementation("eager")
        try:
            given = backbone.base_model(inputs_embeds=embedded, output_attentions=True, **options).attentions
        finally:
            backbone.set_attn_implementation(implementation)
        return torch.stack(given)

    def _memory_after(
        self, embedded: torch.Tensor, rows: slice, previous: torch.Tensor, is_whole: bool
    ) -> torch.Tensor:
        """The memory that a segment, `embedded` with `previous`, leaves at the positions `rows`."""
        written = self._written_whole if is_whole else self._written
        return self._hand_over(written(embedded, rows), previous)

    def _written(self, embedded: torch.Tensor, rows: slice) -> torch.Tensor:
        """The last hidden states at the positions `rows`; others are computed no further than they are needed."""
        if self._last_layer is not None and not self.training:
            return self._last_layer(embedded, rows, **self._options)
        return self._hidden(embedded)[:, rows]

    def _hand_over(self, memory: torch.Tensor, previous: torch.Tensor) -> torch.Tensor:
        """`memory`, just written by a segment that was read with `previous`, as the next segment gets it."""
        if not (self.training and memory.requires_grad):
            return memory
        if self.memory_noise:
            memory = memory + self.memory_noise * torch.randn_like(memory)
        return memory if self.bptt_depth is None else limit_depth(memory, previous, self.bptt_depth)


def _refuse_two_widths(backbone: Any) -> None:
    """What is written as a state is read as a word: raises `UserError` where the two are not of one width."""
    words = backbone.get_input_embeddings().embedding_dim
    states = getattr(backbone.config, "word_embed_proj_dim", backbone.config.hidden_size)  # OPT projects them back
    if words != states:
        raise UserError(
            f"this {backbone.config.model_type!r} model cannot read its own states as memory: its words are {words} "
            f"wide, states {states}; choose one that has both alike"
        )


def made_again(config: PreTrainedConfig, dtype: torch.dtype, bptt_depth: int | None) -> dict[str, Any]:
    """The options with which `rmt` or `armt` makes such a model again; where its backbone lay is none of them."""
    said = {**config.to_diff_dict(), "model_type": config.model_type}
    for elsewhere in ("dtype", "_name_or_path"):
        said.pop(elsewhere, None)
    options: dict[str, Any] = {"config": said}
    if bptt_depth is not None:
        options["bptt_depth"] = bptt_depth
    if dtype != torch.float32:
        options["dtype"] = str(dtype).removeprefix("torch.")
    return options


def limit_depth(memory: torch.Tensor, previous: torch.Tensor, depth: int) -> torch.Tensor:
    """`memory`, through which gradients go back until they have passed `depth` such calls in a row.

    Truncated back-propagation through time. Where a text ends is known only when it is asked about, so every call
    closes the gate that is now too far back. The graph behind a closed gate is not computed, but is kept until the loss
    is done with; `torch.no_grad` around early segments saves its memory, too.
    """
    passed = _Gate.apply(memory)
    gate: Any = passed.grad_fn
    gate.is_open, gate.previous = True, previous.grad_fn
    for _ in range(depth):
        gate = getattr(gate, "previous", None)
    if hasattr(gate, "is_open"):
        gate.is_open = False
    return passed


class _Gate(torch.autograd.Function):
    """The identity; gradients pass while it is open."""

    @staticmethod
    def forward(ctx: Any, memory: torch.Tensor) -> torch.Tensor:
        return memory.view_as(memory)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor | None:
        return gradients[0] if ctx.is_open else None
