"""A causal language model taken apart: what comes before its layers, the layers one by one, what comes after them.

    words(tokens) -> embeddings -> enter(embeddings) -> hidden, arguments
                                   layer(hidden, **arguments) -> hidden        for each layer
                                   leave(hidden) -> hidden

This is the forward of the Hugging Face class, with room for something between the layers. Nothing is masked: attention
is causal, so what stands after a position (padding, too) does not touch it. Knows nothing of memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from ...base.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Of each architecture: its word embeddings, its layers, its last norm.
_PARTS = {
    "gpt2": ("wte", "h", "ln_f"),
    "gpt_neox": ("embed_in", "layers", "final_layer_norm"),
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3"), ("embed_tokens", "layers", "norm")),
}
_GROUPED = "rmt_bench_grouped"


class LayerwiseDecoder:
    """`backbone`, a base model without a head, layer by layer; it holds no weights of its own.

    Raises `UserError` for an architecture that is not known here.
    """

    def __init__(self, backbone: nn.Module):
        config: PreTrainedConfig = backbone.config  # type: ignore[assignment]
        if config.model_type not in _PARTS:
            raise UserError(f"a decoder is read layer by layer if it is a {', '.join(_PARTS)}, not {config.model_type}")
        self._backbone: Any = backbone
        self._backbone.set_attn_implementation("sdpa")
        self.config = config
        words, layers, norm = _PARTS[config.model_type]
        self.words: nn.Embedding = getattr(backbone, words)
        self.layers: nn.ModuleList = getattr(backbone, layers)
        self.leave: nn.Module = getattr(backbone, norm)

    @property
    def positions(self) -> int:
        """How many positions it has; where it sees a window only, the width of that."""
        window = getattr(self.config, "sliding_window", None)
        return min(self.config.max_position_embeddings, window or self.config.max_position_embeddings)

    @property
    def is_uniform(self) -> bool:
        """Whether its layers differ in their weights only."""
        return not getattr(self.config, "scale_attn_by_inverse_layer_idx", False)

    def enter(self, embeddings: torch.Tensor) -> tuple[torch.Tensor, dict[str, Any]]:
        """[batch, positions, hidden], ready for the first layer, and what every layer is told beside it."""
        backbone = self._backbone
        positions = torch.arange(embeddings.shape[1], device=embeddings.device)[None]
        if self.config.model_type == "gpt2":
            return backbone.drop(embeddings + backbone.wpe(positions)), {}
        hidden = backbone.emb_dropout(embeddings) if self.config.model_type == "gpt_neox" else embeddings
        return hidden, {"position_embeddings": backbone.rotary_emb(hidden, positions)}

    def run(self, index: int, hidden: torch.Tensor, arguments: dict[str, Any]) -> torch.Tensor:
        """Layer `index`: [batch, positions, hidden] to the same."""
        return _hidden(self.layers[index](hidden, **arguments))

    def stacked(self) -> Callable[[torch.Tensor, slice, dict[str, Any]], torch.Tensor]:
        """A function that runs a group of layers, each on a hidden state of its own, in the launches of one layer.

        It takes [group, batch, positions, hidden], the layers, and their arguments. The weights are stacked now, in a
        copy; gradients reach the layers' own.
        """
        template = self._template()
        names = [name for name, _ in template.named_parameters()]
        weights = {name: torch.stack([layer.get_parameter(name) for layer in self.layers]) for name in names}

        def run(hidden: torch.Tensor, layers: slice, arguments: dict[str, Any]) -> torch.Tensor:
            def one(own: dict[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
                return _hidden(functional_call(template, own, (hidden,), arguments))

            own = {name: weight[layers] for name, weight in weights.items()}
            return vmap(one, randomness="different")(own, hidden)

        return run

    def _template(self) -> nn.Module:
        """A layer without weights, whose attention can be mapped over a group."""
        from transformers import AttentionInterface

        AttentionInterface.register(_GROUPED, _attend)
        config = copy.deepcopy(self.config)
        config._attn_implementation = _GROUPED
        template = copy.deepcopy(self.layers[0]).to("meta").train(self._backbone.training)
        for module in template.modules():
            if hasattr(module, "config"):
                module.config = config  # type: ignore[assignment]
        return template


def _hidden(output: Any) -> torch.Tensor:
    """What a layer gives: a tensor, or a tuple that begins with it."""
    return output[0] if isinstance(output, tuple) else output


class _Attention(torch.autograd.Function):
    """Causal attention that, under `vmap`, takes the mapped dimension into the batch.

    PyTorch has no batching rule for its fused attention on the CPU, and would run the layers of a group one by one.
    """

    @staticmethod
    def forward(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float, dropout: float) -> Any:
        """[batch, heads, positions, width]; fewer heads of keys and values are shared among the queries'."""
        return F.scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=True, scale=scale, enable_gqa=query.shape[1] != key.shape[1]
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: gradients go through the operations of `vmap` themselves."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> tuple[torch.Tensor, int]:
        """The same for [group, batch, heads, positions, width]."""
        folded = [part.movedim(dim, 0).flatten(0, 1) for part, dim in zip(inputs[:3], in_dims[:3], strict=True)]
        return _Attention.forward(*folded, *inputs[3:]).unflatten(0, (info.batch_size, -1)), 0


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """What `transformers` calls for attention in a group of layers: [batch, positions, heads, width]."""
    return _Attention.apply(query, key, value, scaling, dropout).transpose(1, 2), None  # type: ignore[union-attr]
