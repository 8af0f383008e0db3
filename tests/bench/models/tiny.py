"""Tiny random models of every family with a cache, as folders with a tokenizer: what `from_pretrained` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ATTENTION = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 64}
_DELTA = {
    "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
}  # fmt: skip
_EXPERTS = {
    "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
}  # fmt: skip
_SSD = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_chunk_size": 16}
_HYBRID = {"layer_types": ["linear_attention", "full_attention"]}
_LATENT = {
    "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8, "moe_intermediate_size": 16,
    "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip
_ZAMBA = {
    "num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2, "mamba_d_state": 8,
    "use_mamba_kernels": False,
}  # fmt: skip

#: What each family's configuration says besides `_COMMON`.
FAMILIES: dict[str, dict[str, Any]] = {
    "mamba": {"state_size": 8},
    "falcon_mamba": {"state_size": 8},
    "mamba2": {"num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 1, "chunk_size": 16},
    "rwkv": {"rescale_every": 0},
    "recurrent_gemma": {
        "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64, "attention_window_size": 24,
    },
    "xlstm": {"hidden_size": 128, "num_heads": 4, "chunk_size": 16, "autocast_kernel_dtype": "float32"},
    "lara_mini": {**_ATTENTION, **_EXPERTS, **_DELTA, "head_dim": 8, "sliding_window": 24},
    "jamba": {
        **_ATTENTION, "num_experts": 2, "num_experts_per_tok": 1, "attn_layer_period": 2, "attn_layer_offset": 1,
        "mamba_d_state": 8, "use_mamba_kernels": False,
    },
    "qwen3_next": {**_ATTENTION, **_EXPERTS, **_DELTA, **_HYBRID, "head_dim": 8},
    "qwen3_5_text": {**_ATTENTION, **_DELTA, **_HYBRID, "head_dim": 8},
    "lfm2": {**_ATTENTION, "layer_types": ["conv", "full_attention"]},
    "bamba": {**_ATTENTION, **_SSD, "attn_layer_indices": [1]},
    "zamba": {**_HEADS, **_ZAMBA, "n_mamba_heads": 2},
    "zamba2": {**_HEADS, **_ZAMBA, "n_mamba_heads": 4, "chunk_size": 16},
    "falcon_h1": {**_ATTENTION, **_SSD, "mamba_d_ssm": 64},
    "granitemoehybrid": {
        **_ATTENTION, **_SSD, **_HYBRID, "num_local_experts": 2, "num_experts_per_tok": 1,
        "shared_intermediate_size": 32,
    },
    "nemotron_h": {
        **_ATTENTION, "head_dim": 8, "layers_block_type": ["linear_attention", "full_attention"], "ssm_state_size": 8,
        "mamba_num_heads": 8, "mamba_head_dim": 8, "n_groups": 1, "chunk_size": 16, "use_mamba_kernels": False,
    },
    "olmo_hybrid": {
        **_ATTENTION, **_HYBRID, "linear_num_key_heads": 4, "linear_num_value_heads": 4, "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    },
    "kimi_linear": {**_HEADS, **_LATENT, **_HYBRID, "linear_head_dim": 8, "linear_num_heads": 4},
    "minimax": {
        **_ATTENTION, **_HYBRID, "num_local_experts": 2, "num_experts_per_tok": 1, "head_dim": 8, "block_size": 16,
    },
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 4096},
    "gpt_neox": {"num_attention_heads": 4, "intermediate_size": 64},
    "llama": _ATTENTION,
    "mistral": {**_ATTENTION, "sliding_window": 24},
}  # fmt: skip
_COMMON = {
    "hidden_size": 32, "num_hidden_layers": 2, "max_position_embeddings": 4096, "initializer_range": 0.1,
    "pad_token_id": None, "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip


def tiny_config(family: str, vocabulary: int, **options: Any) -> Any:
    """The configuration of a tiny model. Skips the test where this release of transformers has no such family."""
    import pytest
    from transformers import CONFIG_MAPPING, AutoConfig

    if family not in CONFIG_MAPPING:
        pytest.skip(f"this release of transformers has no {family}")
    return AutoConfig.for_model(family, **{**_COMMON, "vocab_size": vocabulary, **FAMILIES[family], **options})


def tiny_model(family: str, vocabulary: int, **options: Any) -> Any:
    """A tiny causal language model with random weights."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(tiny_config(family, vocabulary, **options)).eval()


def save_tiny(folder: Path, family: str, tokenizer: Any, **options: Any) -> str:
    """Such a model and its tokenizer in a folder; its path."""
    tiny_model(family, len(tokenizer), **options).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
