"""The last hidden states of a few positions only, without the last layer's work for all the others.

    layers 1 .. L-1     all positions
    layer L             keys and values of all positions; queries, sums and feed-forward of the memory's alone

A memory reader throws the other positions away. With the same equations on fewer rows it comes to the same numbers; a
2-layer encoder reads in two thirds of the time, one of 12 layers in 93% (bench/perf/rmt_speed.py). For the families
named here, in evaluation; others run whole.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

#: last(layer, hidden, rows, base): what the last layer makes of `rows`; hidden is [batch, positions, width].
_Last = Callable[[Any, torch.Tensor, slice, Any], torch.Tensor]


@dataclass(frozen=True)
class LastLayer:
    """A base model split before its last layer; both parts share the model's weights."""

    base: Any
    before: Any
    last: _Last

    def __call__(self, embedded: torch.Tensor, rows: slice, **options: Any) -> torch.Tensor:
        """The last hidden states of the positions `rows`: [batch, rows, width]. `embedded` holds no padding."""
        hidden = self.before(inputs_embeds=embedded, **options).last_hidden_state
        return self.last(_layers(self.base)[-1], hidden, rows, self.base)


def split(base: nn.Module) -> LastLayer | None:
    """`base` split before its last layer, or None where this module does not know how."""
    config: Any = base.config
    if config.model_type in ("bert", "roberta", "xlm-roberta") and not config.is_decoder:
        return LastLayer(base, _without_last(base, pooler=None), _bert)
    if config.model_type == "gpt2" and not (config.scale_attn_by_inverse_layer_idx or config.reorder_and_upcast_attn):
        return LastLayer(base, _without_last(base, ln_f=nn.Identity()), _gpt2)
    if config.model_type == "eurobert":
        return LastLayer(base, _without_last(base, norm=nn.Identity()), _llama)
    if config.model_type in ("llama", "qwen2", "qwen3") and getattr(config, "sliding_window", None) is None:
        return LastLayer(base, _without_last(base, norm=nn.Identity()), _llama)
    return None


def _layers(base: Any) -> nn.ModuleList:
    return base.encoder.layer if hasattr(base, "encoder") else base.h if hasattr(base, "h") else base.layers


def _without_last(base: Any, **replaced: nn.Module | None) -> Any:
    """A second view of `base`, with one layer fewer and some modules replaced. The weights are the same tensors."""
    view, layers = _view(base), nn.ModuleList(list(_layers(base))[:-1])
    if hasattr(base, "encoder"):
        view._modules["encoder"] = _view(base.encoder)
        view.encoder._modules["layer"] = layers
    else:
        view._modules["h" if hasattr(base, "h") else "layers"] = layers
    view._modules.update(replaced)
    return view


def _view(module: nn.Module) -> Any:
    view = copy.copy(module)
    view._modules = dict(module._modules)
    return view


def _bert(layer: Any, hidden: torch.Tensor, rows: slice, base: Any) -> torch.Tensor:
    inner, kept = layer.attention.self, hidden[:, rows]
    heads = inner.num_attention_heads
    query, key, value = inner.query(kept), inner.key(hidden), inner.value(hidden)
    mixed = F.scaled_dot_product_attention(_heads(query, heads), _heads(key, heads), _heads(value, heads))
    kept = layer.attention.output(_joined(mixed), kept)
    return layer.output(layer.intermediate(kept), kept)


def _gpt2(layer: Any, hidden: torch.Tensor, rows: slice, base: Any) -> torch.Tensor:
    normed, width, joint = layer.ln_1(hidden), hidden.shape[-1], layer.attn.c_attn
    query = normed[:, rows] @ joint.weight[:, :width] + joint.bias[:width]
    key, value = (normed @ joint.weight[:, width:] + joint.bias[width:]).chunk(2, -1)
    query, key, value = (_heads(part, layer.attn.num_heads) for part in (query, key, value))
    mixed = F.scaled_dot_product_attention(
        query, key, value, _causal(hidden, rows), scale=None if layer.attn.scale_attn_weights else 1.0
    )
    kept = hidden[:, rows] + layer.attn.c_proj(_joined(mixed))
    return base.ln_f(kept + layer.mlp(layer.ln_2(kept)))


def _llama(layer: Any, hidden: torch.Tensor, rows: slice, base: Any) -> torch.Tensor:
    normed, inner = layer.input_layernorm(hidden), layer.self_attn
    groups = inner.num_key_value_groups
    query, key, value = (
        _heads(part, part.shape[-1] // inner.head_dim)
        for part in (inner.q_proj(normed[:, rows]), inner.k_proj(normed), inner.v_proj(normed))
    )
    if hasattr(inner, "q_norm"):
        query, key = inner.q_norm(query), inner.k_norm(key)
    cos, sin = base.rotary_emb(hidden, torch.arange(hidden.shape[1], device=hidden.device)[None])
    query, key = _turned(query, cos[:, rows], sin[:, rows]), _turned(key, cos, sin)
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    seen = _causal(hidden, rows) if inner.is_causal else None
    mixed = F.scaled_dot_product_attention(query, key, value, seen, scale=inner.scaling)
    kept = hidden[:, rows] + inner.o_proj(_joined(mixed))
    return base.norm(kept + layer.mlp(layer.post_attention_layernorm(kept)))


def _heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[batch, positions, heads * width] as [batch, heads, positions, width]."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _joined(x: torch.Tensor) -> torch.Tensor:
    """[batch, heads, positions, width] as [batch, positions, heads * width]."""
    return x.transpose(1, 2).flatten(-2)


def _causal(hidden: torch.Tensor, rows: slice) -> torch.Tensor:
    """Which positions each of `rows` sees: bool [rows, positions]."""
    places = torch.arange(hidden.shape[1], device=hidden.device)
    return places <= places[rows, None]


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions: dimensions i and i + width / 2 of each head, [batch, heads, positions, width]."""
    low, high = x.chunk(2, -1)
    return x * cos[:, None] + torch.cat([-high, low], -1) * sin[:, None]
