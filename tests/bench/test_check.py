"""Each broken plugin below has one fault; `check` must find it, and say what it is."""

import pytest
import torch
from torch import nn

from rmt_bench.bench.check import check
from rmt_bench.bench.model import load_model

CHOICES = ("garden", "kitchen", "office")


class Sound(nn.Module):
    """A GRU: reads token by token, so chunks do not matter to it."""

    segment_length = 8
    chunk_invariant = True

    def __init__(self, tokenizer, width: int = 16):
        super().__init__()
        torch.manual_seed(0)
        self.tokenizer = tokenizer
        self.embedding = nn.Embedding(len(tokenizer), width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, len(CHOICES))

    def start(self, batch_size):
        return torch.zeros(1, batch_size, self.head.in_features)

    def read(self, state, segment):
        return self.step(state, segment)

    def score(self, state, prompts, choices):
        rows = [self.step(state[:, [i]], prompt[None]) for i, prompt in enumerate(prompts)]
        return self.head(torch.cat(rows, 1)[0])

    def step(self, state, tokens):
        return self.gru(self.embedding(tokens), state)[1]


class Mutating(Sound):
    """Asking writes into the state."""

    def score(self, state, prompts, choices):
        scores = super().score(state, prompts, choices)
        state.add_(1.0)
        return scores


class Leaking(Sound):
    """Starts a document from where the last one ended."""

    last = None

    def start(self, batch_size):
        fresh = super().start(batch_size)
        return fresh if self.last is None else fresh + self.last.mean(1, keepdim=True)

    def read(self, state, segment):
        self.last = super().read(state, segment)
        return self.last


class Touching(Sound):
    """Subtracts the mean of the batch, as a batch norm would."""

    def read(self, state, segment):
        state = super().read(state, segment)
        return state - state.mean(1, keepdim=True)


class Padded(Sound):
    """Pads questions to the longest, and reads the padding."""

    def score(self, state, prompts, choices):
        padded = nn.utils.rnn.pad_sequence(list(prompts), batch_first=True, padding_value=1)
        return self.head(self.step(state, padded)[0])


class Growing(Sound):
    """Keeps every state it ever had, and does not say so."""

    def start(self, batch_size):
        return [super().start(batch_size)]

    def read(self, state, segment):
        return [*state, self.step(state[-1], segment)]

    def score(self, state, prompts, choices):
        return super().score(state[-1], prompts, choices)


class Dropping(Sound):
    """Does not read the first segment."""

    def read(self, state, segment):
        return super().read(state, segment) if state.any() else state + 1e-3


class NotANumber(Sound):
    """Divides by zero."""

    def score(self, state, prompts, choices):
        return super().score(state, prompts, choices) / 0.0 * 0.0


class WrongShape(Sound):
    """Forgets the rows."""

    def score(self, state, prompts, choices):
        return super().score(state, prompts, choices)[0]


class Unsteady(Sound):
    """Draws from a generator of its own, which nobody seeds anew."""

    def __init__(self, tokenizer):
        super().__init__(tokenizer)
        self.noise = torch.Generator().manual_seed(0)

    def read(self, state, segment):
        state = super().read(state, segment)
        return state + 0.1 * torch.randn(state.shape, generator=self.noise)


class Chunked(Sound):
    """Claims that a segment may be cut anywhere, and reads each as a bag of words."""

    def read(self, state, segment):
        return super().read(state, self.embedding.weight.shape[0] - 1 - segment.sort(1).values)


class Raising(Sound):
    """Fails at the third segment."""

    reads = 0

    def read(self, state, segment):
        self.reads += 1
        if self.reads == 3:
            raise RuntimeError("out of memory, say")
        return super().read(state, segment)


def _failed(model) -> dict[str, str]:
    return {finding.proof: finding.note for finding in check(model, CHOICES) if finding.sound is False}


def test_a_sound_plugin_passes_every_proof(byte_bpe):
    findings = check(Sound(byte_bpe), CHOICES)
    assert all(finding.sound for finding in findings)
    assert len(findings) == 8


@pytest.mark.parametrize(
    ("broken", "proof", "note"),
    [
        (Mutating, "asking changes nothing", "asked twice, it says something else"),
        (Leaking, "nothing leaks", "what was read before leaks into a new document"),
        (Touching, "a batch equals its rows", "rows of a batch touch each other"),
        (Padded, "padding changes nothing", "depends on how long the others are"),
        (Growing, "the state stays flat", "320 bytes after 4 segments, 4,160 after 64, and not as it claims"),
        (Dropping, "every segment is read", "another first segment changes nothing: it is not read"),
        (NotANumber, "the same twice", "`score` gave NaN or infinity"),
        (WrongShape, "the same twice", "`score` gave the shape [3], not [4, 3]"),
        (Unsteady, "the same twice", "two readings of one text differ"),
        (Chunked, "chunks do not matter", "token by token it comes to something else"),
        (Raising, "the same twice", "it raised RuntimeError: out of memory, say"),
    ],
)
def test_what_is_wrong_with_a_broken_plugin_is_found_and_said(byte_bpe, broken, proof, note):
    failed = _failed(broken(byte_bpe))
    assert proof in failed
    assert note in failed[proof]


@pytest.mark.parametrize("name", ["rmt", "oracle", "majority"])
def test_what_ships_is_sound(name):
    assert not [finding for finding in check(load_model(name), ("garden", "kitchen")) if finding.sound is False]


def test_a_state_that_grows_is_sound_where_it_is_claimed(byte_bpe):
    model = Growing(byte_bpe)
    model.state_grows = True
    assert "the state stays flat" not in _failed(model)


def test_questions_are_no_longer_than_a_segment():
    findings = check(load_model("rmt", segment_length=3, labels=CHOICES), CHOICES)
    assert [finding for finding in findings if finding.sound is False] == []
