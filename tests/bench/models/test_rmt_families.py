"""Every family is put to every proof of `rmt-bench check`, and to the one that the equations do not reach: decoding."""

import pytest
import torch

from rmt_bench.bench.check import check
from rmt_bench.bench.model import load_model

from .families import DECODERS, ENCODERS

_CHOICES = ("garden", "the living room", "office")


def _model(config, **options):
    torch.manual_seed(0)
    return load_model("rmt", config=config, memory_tokens=4, segment_length=24, labels=_CHOICES, **options)


def _failed(model):
    findings = check(model, _CHOICES)
    assert len(findings) >= 8
    return [finding for finding in findings if finding.sound is False]


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_is_sound(family):
    assert _failed(_model(ENCODERS[family])) == []


@pytest.mark.parametrize("mode", ["choice", "generate", "classify"])
@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_is_sound_in_every_mode(family, mode):
    assert _failed(_model(DECODERS[family], mode=mode)) == []


@pytest.mark.parametrize("family", DECODERS)
def test_what_is_generated_for_prompts_of_different_length_is_what_the_logits_say_step_by_step(family):
    model = _model(DECODERS[family], mode="generate", max_new_tokens=6)
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(100, 4096, (length,), generator=generator) for length in (3, 9, 16)]
    with torch.inference_mode():
        state = model.read(model.start(3), torch.randint(100, 4096, (3, 24), generator=generator))
        replies = model.answer(state, prompts, [()] * 3)
        for memory, prompt, reply in zip(state, prompts, replies, strict=True):
            tokens = _greedy(model.backbone, memory, prompt, steps=6)  # type: ignore[attr-defined]
            assert reply.text == model.tokenizer.decode(tokens, skip_special_tokens=True).strip()
            assert reply.reason == "cut after 6 tokens"
    assert len({reply.text for reply in replies}) == 3


def _greedy(backbone, memory, prompt, steps):
    words, tokens = backbone.get_input_embeddings(), list(prompt)
    for _ in range(steps):
        embedded = torch.cat([memory, words(torch.tensor(tokens))])[None]
        tokens.append(int(backbone(inputs_embeds=embedded).logits[0, -1].argmax()))
    return tokens[len(prompt) :]
