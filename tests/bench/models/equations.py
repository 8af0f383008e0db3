"""Three Transformers in NumPy, from their papers' equations: what a backbone must come to, weight by weight.

x: [positions, width] of one row, the embeddings of words and memory; `weights` by their names in a state dict.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import erf

Weights = Mapping[str, np.ndarray]


def weights_of(module) -> Weights:
    """A module's weights in double precision."""
    return {key: value.detach().double().numpy() for key, value in module.state_dict().items()}


def bert(weights: Weights, config, x: np.ndarray) -> np.ndarray:
    """Devlin et al. 2018: learned positions, layer norm after each sum, attention in both directions."""
    w, eps, heads = weights, config.layer_norm_eps, config.num_attention_heads

    def linear(name: str, value: np.ndarray) -> np.ndarray:
        return value @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, value: np.ndarray) -> np.ndarray:
        return standardised(value, eps) * w[f"{name}.weight"] + w[f"{name}.bias"]

    positions = w["embeddings.position_embeddings.weight"][: len(x)]
    x = norm("embeddings.LayerNorm", x + positions + w["embeddings.token_type_embeddings.weight"][0])
    for layer in range(config.num_hidden_layers):
        at = f"encoder.layer.{layer}"
        query, key, value = (linear(f"{at}.attention.self.{part}", x) for part in ("query", "key", "value"))
        mixed = attention(query, key, value, heads, causal=False)
        x = norm(f"{at}.attention.output.LayerNorm", x + linear(f"{at}.attention.output.dense", mixed))
        inner = linear(f"{at}.intermediate.dense", x)
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(f"{at}.output.LayerNorm", x + linear(f"{at}.output.dense", inner))
    return x


def gpt2(weights: Weights, config, x: np.ndarray) -> np.ndarray:
    """Radford et al. 2019: learned positions, layer norm before each block and at the end, causal attention."""
    w, eps, heads = weights, config.layer_norm_epsilon, config.n_head

    def linear(name: str, value: np.ndarray) -> np.ndarray:
        return value @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def norm(name: str, value: np.ndarray) -> np.ndarray:
        return standardised(value, eps) * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = x + w["wpe.weight"][: len(x)]
    for layer in range(config.n_layer):
        at = f"h.{layer}"
        query, key, value = np.split(linear(f"{at}.attn.c_attn", norm(f"{at}.ln_1", x)), 3, axis=-1)
        x = x + linear(f"{at}.attn.c_proj", attention(query, key, value, heads, causal=True))
        inner = linear(f"{at}.mlp.c_fc", norm(f"{at}.ln_2", x))
        inner = inner / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        x = x + linear(f"{at}.mlp.c_proj", inner)
    return norm("ln_f", x)


def llama(weights: Weights, config, x: np.ndarray) -> np.ndarray:
    """Touvron et al. 2023: rotary positions, root mean square norms, gated SiLU, grouped queries, causal attention."""
    w, eps, heads, groups = weights, config.rms_norm_eps, config.num_attention_heads, config.num_key_value_heads
    width = config.hidden_size // heads

    def norm(name: str, value: np.ndarray) -> np.ndarray:
        return value / np.sqrt((value**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"]

    for layer in range(config.num_hidden_layers):
        at = f"layers.{layer}"
        before = norm(f"{at}.input_layernorm", x)
        query, key, value = (before @ w[f"{at}.self_attn.{part}_proj.weight"].T for part in "qkv")
        query, key = rotated(query, heads), rotated(key, groups)
        key, value = (
            part.reshape(len(x), groups, width).repeat(heads // groups, axis=1).reshape(len(x), -1)
            for part in (key, value)
        )
        x = x + attention(query, key, value, heads, causal=True) @ w[f"{at}.self_attn.o_proj.weight"].T
        before = norm(f"{at}.post_attention_layernorm", x)
        gate = before @ w[f"{at}.mlp.gate_proj.weight"].T
        inner = gate / (1 + np.exp(-gate)) * (before @ w[f"{at}.mlp.up_proj.weight"].T)
        x = x + inner @ w[f"{at}.mlp.down_proj.weight"].T
    return norm("norm", x)


def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray, heads: int, causal: bool) -> np.ndarray:
    """Softmax attention, head by head: [positions, heads * width] each."""
    width = query.shape[1] // heads
    mixed = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = query[:, part] @ key[:, part].T / np.sqrt(width)
        if causal:
            scores = np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        mixed.append(odds / odds.sum(-1, keepdims=True) @ value[:, part])
    return np.concatenate(mixed, axis=1)


def rotated(x: np.ndarray, heads: int, base: float = 10_000.0) -> np.ndarray:
    """Su et al. 2021: dimension i and i + width / 2 of each head turn by position * base^(-2i / width)."""
    width = x.shape[1] // heads
    angles = np.arange(len(x))[:, None, None] * base ** (-np.arange(0, width, 2) / width)
    low, high = np.split(x.reshape(len(x), heads, width), 2, axis=-1)
    turned = [low * np.cos(angles) - high * np.sin(angles), high * np.cos(angles) + low * np.sin(angles)]
    return np.concatenate(turned, axis=-1).reshape(len(x), -1)


def standardised(x: np.ndarray, eps: float) -> np.ndarray:
    """Each row with mean 0 and variance 1."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def log_softmax(x: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax over the last axis."""
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))
