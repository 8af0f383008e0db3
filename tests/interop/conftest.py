"""A small data set as text, its tasks as lm-eval reads them, and a tiny language model that Hugging Face loads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rmt_bench.generators.dataset import Dataset
from rmt_bench.generators.generate import generate


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The embedded tokenizer with a token that ends a text, which lm-eval asks of a model's."""
    from rmt_bench.generators.tokens import load_tokenizer

    embedded = load_tokenizer()
    return type(embedded)(
        tokenizer_object=embedded.backend_tokenizer, pad_token="[PAD]", eos_token="[SEP]", unk_token="[UNK]"
    )


@pytest.fixture(scope="session")
def data(tmp_path_factory, story) -> Dataset:
    """`detect`, whose answers are choices, and `qa8`, whose answers are lists; at two lengths."""
    folder = tmp_path_factory.mktemp("interop") / "data"
    made = generate(["detect", "qa8"], "0,300", samples=12, background=str(story), output=folder)
    assert isinstance(made, Dataset)
    return made


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory, tokenizer) -> str:
    """A random GPT-2 of width 32 in a folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "gpt2", vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=4096, initializer_range=0.2,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("gpt2")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def evaluated(monkeypatch, tmp_path) -> Callable[..., dict[str, Any]]:
    """lm-eval's results: `evaluated(folder, ["task"], "hf", pretrained=...)`, called in another directory."""
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'rmt-bench[lm-eval]'")

    def run(
        folder: str | Path, tasks: list[str], kind: str, /, *, batch_size: int = 4, **arguments: Any
    ) -> dict[str, Any]:
        from lm_eval import simple_evaluate
        from lm_eval.tasks import TaskManager

        import rmt_bench.interop.lm_eval_model  # noqa: F401

        monkeypatch.chdir(os.sep)
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        found = simple_evaluate(
            model=kind, model_args=arguments, tasks=tasks, batch_size=batch_size, device="cpu", task_manager=manager,
            bootstrap_iters=0,
        )  # fmt: skip
        assert found is not None
        return dict(found)

    return run
