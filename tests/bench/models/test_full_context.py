import pytest
import torch

from rmt_bench.bench.check import check
from rmt_bench.bench.evaluate import evaluate
from rmt_bench.bench.model import load_model
from rmt_bench.bench.record import RunFolder

from .tiny import save_tiny

CHOICES = ("garden", "kitchen", "the old harbour")


@pytest.fixture(scope="module")
def load(tmp_path_factory, byte_bpe):
    def make(family: str, config: dict | None = None, **options):
        folder = save_tiny(tmp_path_factory.mktemp(family), family, byte_bpe, **(config or {}))
        return load_model(f"full:{folder}", **{"segment_length": 16, **options})

    return make


@pytest.mark.parametrize("family", ["llama", "mamba", "nemotron_h"])
def test_check_is_green(load, family):
    assert all(finding.sound for finding in check(load(family, segment_length=4), CHOICES))


def test_the_text_is_read_in_one_call(load):
    model = load("llama")
    calls = []
    handle = model.backbone.register_forward_hook(
        lambda module, given, options, out: calls.append(options["input_ids"].shape), with_kwargs=True
    )
    tokens = torch.randint(5, 690, (2, 48))
    with torch.inference_mode():
        model.way  # noqa: B018 - proved before, so that its calls are not counted
        calls.clear()
        state = model.start(2)
        for segment in tokens.split(16, 1):
            state = model.read(state, segment)
        model.score(state, [tokens[0, :5], tokens[1, :5]], [("garden", "office")] * 2)
    handle.remove()
    assert calls[0] == (2, 53)


def test_documents_longer_than_the_model_takes_are_skipped_and_shorter_ones_are_not_cut(load, make_plan, tmp_path):
    model = load("llama", config={"max_position_embeddings": 150}, segment_length=32)
    assert model.max_tokens == 150 - 20
    outcome = evaluate(model, make_plan("detect", "100,200", samples=2), tmp_path / "run")
    records = RunFolder(outcome.folder).records()
    assert set(zip(records["length"], records["status"], strict=True)) == {("100", "answered"), ("200", "skipped")}


def test_the_limit_can_be_lifted(load):
    assert load("llama", max_tokens=0).max_tokens is None
    assert load("llama", max_tokens=70).max_tokens == 70
