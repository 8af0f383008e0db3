from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from rmt_bench.base.errors import UserError
from rmt_bench.bench.check import check
from rmt_bench.bench.checkpoint import load_checkpoint, save_checkpoint
from rmt_bench.bench.documents import Document
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.armt_decoder import ARMT
from rmt_bench.bench.models.associative import Associations, dpfp
from rmt_bench.bench.reading import state_bytes
from rmt_bench.bench.visits import read_batch

_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
_MEMORY, _LENGTH, _WIDTH, _HEADS, _DIMENSION = 3, 12, 16, 2, 8
#: One of each architecture, four layers deep, as Hugging Face configurations.
_CONFIGS = {
    "gpt2": {"n_layer": 4, "n_embd": _WIDTH, "n_head": _HEADS, "n_positions": 40, "bos_token_id": None,
             "eos_token_id": None},
    "gpt_neox": {"num_hidden_layers": 4, "hidden_size": _WIDTH, "num_attention_heads": _HEADS, "intermediate_size": 32,
                 "max_position_embeddings": 40},
    "llama": {"num_hidden_layers": 4, "hidden_size": _WIDTH, "num_attention_heads": 4, "num_key_value_heads": 2,
              "intermediate_size": 32, "max_position_embeddings": 40},
    "mistral": {"num_hidden_layers": 4, "hidden_size": _WIDTH, "num_attention_heads": 4, "num_key_value_heads": 2,
                "intermediate_size": 32, "max_position_embeddings": 40, "sliding_window": 20},
    "qwen2": {"num_hidden_layers": 4, "hidden_size": _WIDTH, "num_attention_heads": 4, "num_key_value_heads": 2,
              "intermediate_size": 32, "max_position_embeddings": 40},
    "qwen3": {"num_hidden_layers": 4, "hidden_size": _WIDTH, "num_attention_heads": 4, "num_key_value_heads": 2,
              "head_dim": 4, "intermediate_size": 32, "max_position_embeddings": 40},
}  # fmt: skip


def _armt(family: str = "gpt2", dtype: torch.dtype = torch.float64, **options) -> Any:
    """A tiny ARMT whose memory is loud: values as large as what they are added to."""
    torch.manual_seed(0)
    config = {"model_type": family, "vocab_size": 4096, "initializer_range": 0.1, **_CONFIGS[family]}
    options = {"memory_tokens": _MEMORY, "segment_length": _LENGTH, "dimension": _DIMENSION, **options}
    model: Any = load_model("armt", config=config, **options)
    torch.nn.init.normal_(model.memory.value, std=0.3)
    return model.to(dtype).eval()


def _segments(count: int, rows: int, length: int = _LENGTH, seed: int = 0) -> torch.Tensor:
    """int64 [rows, count, length]."""
    return torch.randint(5, 4_000, (rows, count, length), generator=torch.Generator().manual_seed(seed))


def _read(model: ARMT, segments: torch.Tensor) -> Associations:
    state = model.start(len(segments))
    for segment in segments.unbind(1):
        state = model.read(state, segment)
    return state


def _phi_by_hand(x: torch.Tensor) -> torch.Tensor:
    """DPFP with nu = 3 of one vector, feature by feature, then scaled to length 1."""
    halves = [max(float(value), 0.0) for value in x] + [max(-float(value), 0.0) for value in x]
    products = [halves[i] * halves[i - shift] for shift in (1, 2, 3) for i in range(len(halves))]
    length = sum(product**2 for product in products) ** 0.5
    return torch.tensor([product / length for product in products], dtype=x.dtype)


def _gpt2_layer_by_hand(layer, x: torch.Tensor) -> torch.Tensor:
    """[positions, width] through one pre-norm layer with causal attention, position by position."""

    def norm(part, row):
        centred = row - row.mean()
        return centred / torch.sqrt((centred**2).mean() + 1e-5) * part.weight + part.bias

    heads = _WIDTH // _HEADS
    rows = [norm(layer.ln_1, row) @ layer.attn.c_attn.weight + layer.attn.c_attn.bias for row in x]
    mixed = torch.zeros_like(x)
    for place in range(len(x)):
        for at in range(0, _WIDTH, heads):
            query = rows[place][at : at + heads]
            keys = [row[_WIDTH + at : _WIDTH + at + heads] for row in rows[: place + 1]]
            weights = [torch.exp(query @ key / heads**0.5) for key in keys]
            for weight, row in zip(weights, rows, strict=False):
                mixed[place, at : at + heads] += weight / sum(weights) * row[2 * _WIDTH + at : 2 * _WIDTH + at + heads]
    x = x + mixed @ layer.attn.c_proj.weight + layer.attn.c_proj.bias
    inner = torch.stack([norm(layer.ln_2, row) for row in x]) @ layer.mlp.c_fc.weight + layer.mlp.c_fc.bias
    inner = 0.5 * inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
    return x + inner @ layer.mlp.c_proj.weight + layer.mlp.c_proj.bias


class _ByHand:
    """One document through a GPT-2 ARMT, from the paper's equations: A is [hidden, features], as printed there."""

    def __init__(self, model: ARMT):
        self.model = model
        self.gpt2 = model.backbone.transformer
        features = 2 * 3 * _DIMENSION
        self.matrix = [torch.zeros(_WIDTH, features, dtype=torch.float64) for _ in range(4)]
        self.normaliser = [torch.zeros(features, dtype=torch.float64) for _ in range(4)]

    def read(self, tokens: torch.Tensor) -> None:
        self._layers(torch.cat([self.gpt2.wte.weight[tokens], self.model.memory_tokens]), writes=True)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        last = self._layers(self.gpt2.wte.weight[tokens], writes=False)[-1]
        return self.model.backbone.score.weight @ self.gpt2.ln_f(last)

    def _layers(self, x: torch.Tensor, writes: bool) -> torch.Tensor:
        x = x + self.gpt2.wpe.weight[: len(x)]
        for number, layer in enumerate(self.gpt2.h):
            x = torch.stack([row + self._recall(number, row @ self.model.memory.query[number]) for row in x])
            x = _gpt2_layer_by_hand(layer, x)
            if writes:
                self._write(number, x[-_MEMORY:])
        return x

    def _recall(self, layer: int, vector: torch.Tensor) -> torch.Tensor:
        """Equation 4, and the left half of equation 2."""
        phi = _phi_by_hand(vector)
        return self.matrix[layer] @ phi / (self.normaliser[layer] @ phi + 1e-5)

    def _write(self, layer: int, tokens: torch.Tensor) -> None:
        """Equations 1 to 3: every token sees the memory as it was before this segment."""
        memory = self.model.memory
        matrix, normaliser = self.matrix[layer].clone(), self.normaliser[layer].clone()
        for token in tokens:
            key = token @ memory.key[layer]
            phi, value = _phi_by_hand(key), token @ memory.value[layer]
            beta = 1 / (1 + torch.exp(-(token @ memory.importance[layer] + memory.importance_bias[layer])))
            gamma = 1 - float(self.normaliser[layer] @ phi) / float(phi @ phi)
            matrix += beta * torch.outer(value - self._recall(layer, key), phi)
            normaliser += min(max(gamma, 0.0), 1.0) * phi
        self.matrix[layer], self.normaliser[layer] = matrix, normaliser


@pytest.mark.parametrize("diagonal", [False, True], ids=["one by one", "diagonally"])
def test_memories_and_logits_follow_the_equations_of_the_paper(diagonal):
    model = _armt(diagonal=diagonal)
    single = _armt(dtype=torch.float32, diagonal=diagonal)
    segments, question = _segments(5, 2), _segments(1, 2, 7, seed=1)[:, 0]
    with torch.no_grad():
        state, state32 = (made.read_many(made.start(2), segments) for made in (model, single))
        logits = model.score(state, list(question), [_PLACES] * 2)
        logits32 = single.score(state32, list(question), [_PLACES] * 2)
        for row in range(2):
            hand = _ByHand(model)
            for segment in segments[row]:
                hand.read(segment)
            matrix = torch.stack(hand.matrix).transpose(1, 2)
            for mine, by_hand in [
                (state.matrix[row], matrix),
                (state.normaliser[row], torch.stack(hand.normaliser)),
                (logits[row], hand.logits(question[row])),
            ]:
                torch.testing.assert_close(mine, by_hand, rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(state32.matrix[row].double(), matrix, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(logits32[row].double(), hand.logits(question[row]), rtol=1e-5, atol=1e-5)
    assert matrix.abs().max() > 1  # the memory is loud enough for these tolerances to mean something


def test_a_key_that_is_stored_again_replaces_its_value_and_is_not_counted_twice():
    """A memory of one token: written twice with one key, it holds the second value only (appendix F.1)."""
    memory = _armt().memory
    with torch.no_grad():
        memory.importance.zero_()
        memory.importance_bias.fill_(40.0)  # beta = 1: all of the old value goes
        memory.key.copy_(memory.query)
        token = torch.randn(1, 1, 1, _WIDTH, dtype=torch.float64)
        first, second = (torch.randn(1, _WIDTH, _WIDTH, dtype=torch.float64) for _ in range(2))
        stored = [part[None, :, 0] for part in memory.start(1)]
        for value in (first, second, second):
            memory.value[:1] = value
            stored = memory.write(token, *stored, slice(0, 1))
        recalled = memory.read(token, *stored, slice(0, 1))
    torch.testing.assert_close(recalled[0, 0], token[0, 0] @ second[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stored[1].norm(), torch.tensor(1.0, dtype=torch.float64))


def test_no_gradient_goes_through_gamma():
    """Through it a little more in the normaliser would be a little less that is added (appendix F.1)."""
    memory, tokens = _armt().memory, torch.randn(1, 1, 2, _WIDTH, dtype=torch.float64)
    stored = memory.write(tokens, *(part[None, :, 0] for part in memory.start(1)), slice(0, 1))
    normaliser = (stored[1] / 3).detach().requires_grad_()
    memory.write(tokens, stored[0].detach(), normaliser, slice(0, 1))[1].sum().backward()
    torch.testing.assert_close(normaliser.grad, torch.ones_like(normaliser))


def test_dpfp_gives_products_of_neighbours_and_no_negative_feature():
    features = dpfp(torch.tensor([1.0, -2.0]), nu=3)
    # (relu(x), relu(-x)) = (1, 0, 0, 2), times itself rolled by 1, 2 and 3
    assert features.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]


@pytest.mark.parametrize("family", _CONFIGS)
def test_with_nothing_in_memory_a_decoder_is_what_hugging_face_makes_of_it(family):
    model = _armt(family, torch.float32)
    whole = AutoModel.from_config(AutoConfig.for_model(**model.rebuild()[1]["config"])).eval()
    whole.load_state_dict(model.backbone.base_model.state_dict())
    prompts = _segments(1, 3, 9)[:, 0]
    with torch.no_grad():
        expected = model.backbone.score(whole(prompts).last_hidden_state[:, -1])  # type: ignore[operator]
        scores = model.score(model.start(3), list(prompts), [_PLACES] * 3)
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", _CONFIGS)
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_reading_diagonally_comes_to_the_same(family, count):
    model = _armt(family, torch.float32, diagonal=True)
    segments, question = _segments(count, 2), _segments(1, 2, 7, seed=1)[:, 0]
    with torch.no_grad():
        begun = _read(model, _segments(2, 2, seed=3))
        apart = begun
        for segment in segments.unbind(1):
            apart = model.read(apart, segment)
        together = model.read_many(begun, segments)
        scores = [model.score(state, list(question), [_PLACES] * 2) for state in (apart, together)]
    for one, other in zip((*apart, scores[0]), (*together, scores[1]), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-5 * float(one.abs().max()))


def test_reading_diagonally_comes_to_the_same_in_double_precision():
    model = _armt(diagonal=True)
    segments = _segments(6, 2)
    with torch.no_grad():
        apart, together = _read(model, segments), model.read_many(model.start(2), segments)
    for one, other in zip(apart, together, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-10)


class _Launches(TorchDispatchMode):
    """Counts the operations that compute something: all but views."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        returns = func._schema.returns
        self.count += not any(one.alias_info is not None and not one.alias_info.is_write for one in returns)
        return func(*args, **(kwargs or {}))


def _launches(model: ARMT, segments: torch.Tensor) -> int:
    with torch.no_grad(), _Launches() as launches:
        model.read_many(model.start(len(segments)), segments)
    return launches.count


def test_diagonal_batching_takes_fewer_launches():
    """16 segments through 4 layers: 19 steps in place of 64, each with little more than the launches of a layer."""
    segments = _segments(16, 2)
    apart, together = (_launches(_armt(diagonal=diagonal), segments) for diagonal in (False, True))
    assert together < 0.5 * apart


def test_gradients_flow_back_through_segments_alike_both_ways():
    segments, question = _segments(4, 2), _segments(1, 2, 5, seed=1)[:, 0]
    gradients = []
    for diagonal in (False, True):
        model = _armt(diagonal=diagonal)
        state = model.read_many(model.start(2), segments)
        model.score(state, list(question), [_PLACES] * 2)[:, 0].sum().backward()
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    apart, together = gradients
    for name, gradient in apart.items():
        assert gradient is not None, name
        torch.testing.assert_close(together[name], gradient, rtol=1e-8, atol=1e-8)
    # Tokens of the first segment alone get gradients, too: through all the memories since.
    first = set(segments[:, 0].flatten().tolist()) - set(segments[:, 1:].flatten().tolist())
    assert apart["backbone.transformer.wte.weight"][sorted(first)].abs().sum(1).min() > 0


@pytest.mark.parametrize("diagonal", [False, True], ids=["one by one", "diagonally"])
def test_a_state_is_of_one_size_and_no_part_of_another(diagonal):
    model = _armt(diagonal=diagonal)
    with torch.no_grad():
        states = [model.start(2)]
        for _ in range(3):
            states.append(model.read_many(states[-1], _segments(5, 2)))
    assert len({state_bytes(state) for state in states}) == 1
    assert [tuple(part.shape) for part in states[-1]] == [(2, 4, 48, _WIDTH), (2, 4, 48)]
    assert len({part.untyped_storage().data_ptr() for state in states for part in state}) == 8


def test_the_reading_loop_gives_a_diagonal_reader_many_segments_at_once(monkeypatch):
    """131 whole segments and a tail: two blocks of 64, one of 3, to the same scores as one by one."""
    tokens = np.random.default_rng(0).integers(5, 4_000, 131 * _LENGTH + 4)
    models, blocks, heard = [_armt(diagonal=diagonal) for diagonal in (False, True)], [], []
    for model in models:
        inner = model.read_many

        def counted(state, segments, inner=inner):
            blocks.append(segments.shape[1])
            return inner(state, segments)

        monkeypatch.setattr(model, "read_many", counted)
        monkeypatch.setattr(model, "answer", _scores_of(model), raising=False)
        documents = [Document(iter([tokens]), len(tokens), np.array([7, 8, 9])) for _ in range(2)]
        heard.append([reply.text for reply in read_batch(model, documents, [_PLACES] * 2)])
    assert blocks == [64, 64, 3]
    assert heard[0] == heard[1]


def _scores_of(model):
    """An answer that tells all scores, to seven digits."""

    def answer(state, prompts, choices):
        return [" ".join(f"{score:.7e}" for score in row) for row in model.score(state, prompts, choices).tolist()]

    return answer


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "llama"])
def test_it_is_sound(family):
    findings = check(_armt(family, torch.float32), _PLACES)
    assert not [finding for finding in findings if finding.sound is False]


def test_in_half_precision_the_memory_stays_in_single_precision():
    model: Any = load_model("armt", dtype="bfloat16", hidden=16, heads=2, segment_length=8)
    segments = _segments(3, 2, length=8)
    with torch.no_grad():
        state = _read(model, segments)
        scores = model.score(state, [torch.tensor([7])] * 2, [_PLACES] * 2)
        model.diagonal = True
        together = model.read_many(model.start(2), segments)
    assert [part.dtype for part in state] == [torch.float32] * 2
    assert scores.dtype == torch.bfloat16
    torch.testing.assert_close(together.matrix, state.matrix, rtol=3e-2, atol=3e-2 * float(state.matrix.abs().max()))


@pytest.mark.parametrize("depth", [0, 2])
def test_gradients_reach_so_many_segments_back_and_no_further(depth):
    model = _armt(bptt_depth=depth).train()
    words = model.backbone.get_input_embeddings()
    segments = torch.arange(5 * _LENGTH).view(1, 5, _LENGTH) + 10
    model.score(_read(model, segments), [torch.tensor([7])], [_PLACES])[:, 0].sum().backward()
    reached = [bool(words.weight.grad[segment].any()) for segment in segments[0]]
    assert reached == [False] * (5 - depth) + [True] * depth


def test_a_short_segment_and_a_question_of_any_length_are_read():
    model = _armt()
    with torch.no_grad():
        state = model.read(model.start(2), _segments(1, 2, 5)[:, 0])
        assert model.score(state, [torch.tensor([7]), torch.tensor([8] * _LENGTH)], [_PLACES] * 2).isfinite().all()


def test_a_label_that_the_classifier_lacks_is_refused():
    model = _armt()
    with pytest.raises(UserError, match="'cinema' is none of them"):
        model.score(model.start(1), [torch.tensor([7])], [("garden", "cinema")])


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    model = _armt("llama", torch.float32)
    folder = save_checkpoint(tmp_path, "armt", {}, model, {})
    back = load_checkpoint(folder, diagonal=True)
    segments, question = _segments(3, 2), list(_segments(1, 2, 5, seed=1)[:, 0])
    with torch.no_grad():
        scores = [one.score(_read(one, segments), question, [_PLACES] * 2) for one in (model, back)]
    assert torch.equal(*scores)
    assert back.diagonal


def test_a_decoder_in_a_folder_takes_the_choice_that_its_head_finds_likeliest(tmp_path, byte_bpe):
    torch.manual_seed(0)
    decoder = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("gpt2", vocab_size=700, **{**_CONFIGS["gpt2"], "n_positions": 60})
    ).eval()
    decoder.save_pretrained(tmp_path)
    byte_bpe.save_pretrained(tmp_path)
    model: Any = load_model(f"armt:{tmp_path}", memory_tokens=4)
    assert model.segment_length == 40  # there is room for an answer of 20 tokens
    prompts, choices = [torch.tensor([9, 8, 7]), torch.tensor([6])], [("lighthouse keeper", "harbour")] * 2
    with torch.no_grad():
        scores = model.score(model.start(2), prompts, choices)
        for row, prompt in enumerate(prompts):
            for column, choice in enumerate(choices[row]):
                answer = byte_bpe(" " + choice, return_tensors="pt").input_ids[0]
                logits = decoder(torch.cat([prompt, answer])[None]).logits[0].log_softmax(-1)
                expected = logits[len(prompt) - 1 : -1].gather(1, answer[:, None]).sum()
                torch.testing.assert_close(scores[row, column], expected, rtol=1e-4, atol=1e-4)


def test_what_is_remembered_changes_what_is_likely():
    model = _armt(mode="choice", segment_length=10)
    prompt = [torch.tensor([7, 8])]
    with torch.no_grad():
        states = [_read(model, _segments(2, 1, length=10, seed=seed)) for seed in (0, 1)]
        scores = [model.score(state, prompt, [_PLACES]) for state in states]
    assert (scores[0] - scores[1]).abs().max() > 1e-3


def test_a_question_without_choices_is_refused_in_one_line():
    model = _armt(mode="choice", segment_length=10)
    with pytest.raises(UserError, match="takes the likeliest of given choices"):
        model.score(model.start(1), [torch.tensor([7])], [()])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"segment_length": 38}, r"segment_length is 1\.\.37 with 3 memory tokens, not 38"),
        ({"family": "mistral", "segment_length": 18}, r"segment_length is 1\.\.17 with 3 memory tokens, not 18"),
        ({"memory_tokens": 0}, "memory_tokens is a number from 1 on, not 0"),
        ({"dimension": 0}, "dimension is a number from 1 on, not 0"),
        ({"layers": 2}, "layers is of the small model that is made without one"),
        ({"answer_prefix": "A:"}, "`answer_prefix` says how an answer is written, and this is mode=classify"),
        ({"bptt_depth": -1}, "bptt_depth is a number of segments, 0 or more, not -1"),
        ({"mode": "chose"}, "unknown mode 'chose'; did you mean 'choice'"),
    ],
)
def test_what_does_not_fit_is_refused(options, complaint):
    with pytest.raises(UserError, match=complaint):
        _armt(**options)


@pytest.mark.parametrize(
    ("config", "options", "complaint"),
    [
        ({"model_type": "opt", "hidden_size": 16, "ffn_dim": 16}, {}, "layer by layer if it is a gpt2, .* not opt"),
        ({"model_type": "gpt2", "scale_attn_by_inverse_layer_idx": True}, {"diagonal": True}, "use diagonal=false"),
        ({"model_type": "gpt2", "vocab_size": 99}, {}, "the model embeds 99"),
    ],
)  # fmt: skip
def test_a_decoder_that_cannot_be_read_so_is_refused(config, options, complaint):
    small = {"num_hidden_layers": 1, "num_attention_heads": 1} if config["model_type"] == "opt" else _CONFIGS["gpt2"]
    with pytest.raises(UserError, match=complaint):
        load_model("armt", config={"vocab_size": 4096, **small, **config}, mode="classify", **options)


def test_a_folder_without_a_decoder_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no configuration could be loaded"):
        load_model(f"armt:{tmp_path}")


def test_a_small_one_of_either_mode_has_room_for_its_answers():
    for options in ({"mode": "classify"}, {"mode": "choice"}, {"mode": "choice", "answer_prefix": "Answer:"}):
        assert load_model("armt", **options).segment_length == 64
    with pytest.raises(UserError, match="segment_length is a number from 1 on, not 0"):
        load_model("armt", segment_length=0)


def test_in_half_precision_it_is_sound_within_half_precision():
    torch.manual_seed(0)
    findings = check(load_model("armt", mode="choice", dtype="bfloat16", segment_length=16), _PLACES)
    assert [finding for finding in findings if finding.sound is False] == []
