"""A tiny configuration of every family of backbones, with weights wide enough that no two inputs look alike."""

_SIZE = {
    "vocab_size": 4096,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 96,
    "initializer_range": 0.3,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}
_GROUPED = {**_SIZE, "num_key_value_heads": 2}
DECODERS = {
    "gpt2": {"model_type": "gpt2", "vocab_size": 4096, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 96,
             "initializer_range": 0.3, "bos_token_id": None, "eos_token_id": None},
    "gpt_neox": {"model_type": "gpt_neox", **_SIZE},
    "opt": {"model_type": "opt", "vocab_size": 4096, "hidden_size": 32, "word_embed_proj_dim": 16, "ffn_dim": 48,
            "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 96, "init_std": 0.3,
            "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0},
    "llama": {"model_type": "llama", **_GROUPED},
    "qwen2": {"model_type": "qwen2", **_GROUPED},
    "qwen3": {"model_type": "qwen3", **_GROUPED, "head_dim": 8},
}  # fmt: skip
ENCODERS = {
    "bert": {"model_type": "bert", **_SIZE},
    "roberta": {"model_type": "roberta", **_SIZE},
    "distilbert": {"model_type": "distilbert", "vocab_size": 4096, "dim": 32, "n_layers": 2, "n_heads": 4,
                   "hidden_dim": 48, "max_position_embeddings": 96, "initializer_range": 0.3},
    "modernbert": {"model_type": "modernbert", **_SIZE, "local_attention": 8},
    "eurobert": {"model_type": "eurobert", **_GROUPED, "initializer_range": 0.1, "mask_token_id": 0,
                 "classifier_pooling": "bos"},
}  # fmt: skip
