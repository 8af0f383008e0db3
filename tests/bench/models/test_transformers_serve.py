"""The same tiny model behind `transformers serve`, a server that others wrote, and in this process: one answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.local_lm import LocalModel
from rmt_bench.bench.record import RunFolder
from rmt_bench.generators.tokens import load_tokenizer

from .tiny import save_tiny

pytestmark = pytest.mark.slow
_CHAT = "{% for message in messages %}{{ message.content }}{% endfor %}{% if add_generation_prompt %} So:{% endif %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    tokenizer = load_tokenizer()
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, chat_template=_CHAT,
                                pad_token="[PAD]", eos_token="[SEP]", unk_token="[UNK]")  # fmt: skip
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    return save_tiny(tmp_path_factory.mktemp("served"), "llama", tokenizer, max_position_embeddings=8_192, **ends)


@pytest.fixture(scope="module")
def served(folder) -> Iterator[str]:
    """`transformers serve` on a free port, offline; yields its base URL."""
    pytest.importorskip("fastapi", reason="transformers serve needs fastapi")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", folder, "--device", "cpu",
               "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.URLError:
            time.sleep(0.5)
    raise AssertionError(f"transformers serve did not start (exit code {process.poll()})")


@pytest.mark.parametrize("api", ["chat", "completion"])
def test_the_served_model_says_what_the_local_one_says(folder, served, api):
    server = load_model(
        f"server:{folder}", base_url=served, api=api, prompt="bare", answer_tokens=8, tokenizer=folder, one_line=False
    )
    local = LocalModel(folder)
    if api == "completion":
        local.tokenizer.chat_template = None
    prompt = torch.tensor(server.tokenizer.encode("Mary went to the garden. Rain fell. Where is Mary?"))
    (reply,) = server.answer(server.start(1), [prompt], [("garden", "kitchen")])
    (expected,) = local.ask(["Mary went to the garden. Rain fell.\n\nQuestion: Where is Mary?\nAnswer:"], 8)
    assert reply == expected
    assert reply.status == "answered"
    assert reply.text


def test_server_and_agent_go_through_the_harness(folder, served, make_plan, tmp_path):
    plan = make_plan("detect", "0,1000", samples=2)
    for spec, options in (
        ("server", {"tokenizer": folder}),
        ("memory-agent:server", {"segment_length": 256, "memory_tokens": 32}),
    ):
        model = load_model(f"{spec}:{folder}", base_url=served, answer_tokens=8, **options)
        records = RunFolder(evaluate(model, plan, tmp_path / spec.replace(":", "-")).folder).records()
        assert len(records) == 4
        assert set(records["status"]) <= {"answered", "invalid"}, records["reason"].tolist()
