"""Where a model with memory looks: figure 6 of the RMT report (Bulatov et al., arXiv 2304.11062) from real weights.

    wait      a segment before any fact        memory -> memory      nothing was seen yet
    write     a segment with a fact            memory -> fact        what is seen is put into memory
    keep      a segment without one, after     memory -> memory      what is there is carried on
    own       the same                         memory -> itself      each memory token to its own old value
    read      the question, facts far behind   question -> memory    what was kept is looked up
    answer    the same                         answer -> memory      by the position that the answer is taken from

A model takes part that has one more method: `weights, roles = model.attend(state, tokens, asking)`.

Knows samples and models; nothing of pictures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ..base.errors import UserError
from ..generators.haystack import Haystack
from ..generators.samples import Sample
from ..generators.tokens import Encoder
from .documents import Document, LockStep
from .model import State, answers
from .reading import model_device

#: What a position of a segment may be, as a model tells it: `memory` is read from, `written` is where the next memory
#: comes from (where there is none, `memory` is both), `answer` what the answer is taken from (where there is none, the
#: last `text` is).
ROLES = ("memory", "written", "answer", "separator", "text")


#: Documents are drawn anew so often for an interval.
_RESAMPLES = 2_000


class AttendingModel(Protocol):
    """A `SegmentModel` that shows its attention."""

    def attend(self, state: State, tokens: torch.Tensor, asking: bool) -> tuple[torch.Tensor, Sequence[str]]:
        """What each position attends to, and what the positions are.

        `tokens`: int64 [batch, n], n <= segment_length: a segment as `read` takes it, or with `asking` a prompt as
        `answer` and `score` take it. Returns weights [layers, batch, heads, queries, keys], of which each row sums to
        1, and one of `ROLES` for each position; queries and keys are the same positions.
        """
        ...


@dataclass(frozen=True)
class Segment:
    """One segment of one document as a model saw it.

    `weights` is float32 [layers, heads, positions, positions]. `tags` are `ROLES`, except that the text that is a fact
    or the question says so; `words` is what stands at each position.
    """

    weights: np.ndarray
    tags: tuple[str, ...]
    words: tuple[str, ...]
    asking: bool

    def where(self, *tags: str) -> list[int]:
        """The positions that are one of `tags`."""
        return [position for position, tag in enumerate(self.tags) if tag in tags]


@dataclass(frozen=True)
class Look:
    """A whole document: its segments, the one with the question last, and what the model answered."""

    sample: Sample
    segments: tuple[Segment, ...]
    answer: str


@dataclass(frozen=True)
class Share:
    """What an operation gets in one document: from each head [layers, heads], and what even attention would give."""

    heads: np.ndarray
    even: float


@dataclass(frozen=True)
class Operation:
    """How much attention goes where an operation wants it, over `n` documents.

    `mean` is over all layers and heads, with the 95% interval of a bootstrap over documents; `even` is what attention
    would give that looks at every visible position alike. `layer` and `head` (from 0) name the head with the most,
    `strongest` its mean; `heads` are the means of all of them, [layers][heads]. Where no document has such a segment,
    n is 0 and the means are NaN.
    """

    name: str
    n: int
    mean: float
    ci_low: float
    ci_high: float
    even: float
    strongest: float
    layer: int
    head: int
    heads: tuple[tuple[float, ...], ...]


def look(model: Any, sample: Sample) -> Look:
    """Have `model` read `sample` and answer, and keep what it attended to in every segment.

    Raises `UserError` when the model does not show its attention.
    """
    refuse_blind(model)
    encoder = Encoder(model.tokenizer)
    question = encoder.short(sample.question)
    assert isinstance(sample.document, Haystack)
    document = Document(sample.document.tokens(), sample.n_tokens, question)
    batch = LockStep([document], model.segment_length, model_device(model))
    facts = _fact_tokens(sample, encoder)
    seen: list[Segment] = []
    with torch.inference_mode():
        state, start = model.start(1), 0
        for tokens in batch.segments():
            seen.append(_segment(model, state, tokens, False, [start + i in facts for i in range(tokens.shape[1])]))
            state = model.read(state, tokens)
            start += tokens.shape[1]
        (prompt,) = batch.prompts()
        is_fact = [start + i in facts for i in range(len(prompt) - len(question))] + [False] * len(question)
        seen.append(_segment(model, state, prompt[None], True, is_fact, len(question)))
        (reply,) = answers(model, state, [prompt], [sample.choices])
    return Look(sample, tuple(seen), reply.text)


def refuse_blind(model: Any) -> None:
    """Raise `UserError` unless the model shows its attention."""
    if not callable(getattr(model, "attend", None)):
        raise UserError(
            f"{type(model).__name__} does not show its attention: that takes a method `attend(state, tokens, asking)`; "
            "see: rmt_bench.bench.attention.AttendingModel"
        )


def shares(look: Look) -> dict[str, Share]:
    """One document's share of attention for each operation that there is in it: all that its numbers need."""
    found = {name: _share(name, look.segments) for name in _OPERATIONS}
    return {name: share for name, share in found.items() if share is not None}


def measure(documents: Sequence[dict[str, Share]]) -> list[Operation]:
    """All operations, over the `shares` of all documents."""
    return [_operation(name, [found[name] for found in documents if name in found]) for name in _OPERATIONS]


def _segment(
    model: AttendingModel, state: State, tokens: torch.Tensor, asking: bool, is_fact: list[bool], question: int = 0
) -> Segment:
    """Ask the model what it attends to; `tokens` is [1, n], of which the last `question` are the question."""
    weights, roles = model.attend(state, tokens, asking)
    text = [position for position, role in enumerate(roles) if role == "text"]
    _refuse_odd(weights, roles, len(text), tokens.shape[1])
    tags, words = list(roles), list(roles)
    written = _written(model, tokens[0].tolist())
    for number, position in enumerate(text):
        asked = number >= len(text) - question
        tags[position] = "question" if asked else "fact" if is_fact[number] else "text"
        words[position] = written[number]
    return Segment(weights[:, 0].float().cpu().numpy(), tuple(tags), tuple(words), asking)


def _written(model: Any, tokens: list[int]) -> list[str]:
    """The text of each token, with the space before it where there is one."""
    pieces = model.tokenizer.convert_ids_to_tokens(tokens)
    texts = [model.tokenizer.convert_tokens_to_string(pieces[:count]) for count in range(len(pieces) + 1)]
    return [after[len(before) :] for before, after in itertools.pairwise(texts)]


def _refuse_odd(weights: torch.Tensor, roles: Sequence[str], text: int, tokens: int) -> None:
    wrong = sorted(set(roles) - set(ROLES))
    if wrong:
        raise UserError(f"`attend` gave the role {wrong[0]!r}; roles are {', '.join(ROLES)}")
    if text != tokens or weights.ndim != 5 or weights.shape[-2:] != (len(roles), len(roles)):
        raise UserError(
            f"`attend` was given {tokens} tokens, and gave {len(roles)} roles, {text} of them text, and weights of "
            f"shape {list(weights.shape)}; that should be [layers, batch, heads, positions, positions], a role for each"
        )


def _fact_tokens(sample: Sample, encoder: Encoder) -> set[int]:
    """Where in the document, in tokens, facts stand."""
    taken: set[int] = set()
    for fact in sample.facts:
        tokens = encoder.short(fact.text) if fact.token_start else encoder.text(fact.text)
        taken.update(range(fact.token_start, fact.token_start + len(tokens)))
    return taken


#: What an operation is about in one segment: which queries, and which keys.
_Target = Callable[[Segment], tuple[list[int], list[int]]]


def _writers(segment: Segment) -> list[int]:
    return segment.where("written") or segment.where("memory")


def _answering(segment: Segment) -> list[int]:
    return segment.where("answer") or segment.where("question")[-1:]


def _all_memory(segment: Segment) -> tuple[list[int], list[int]]:
    return _writers(segment), segment.where("memory", "written")


#: For each operation, the segments where it is done, and from where to where it looks.
_OPERATIONS: dict[str, tuple[str, _Target]] = {
    "wait": ("before", _all_memory),
    "write": ("fact", lambda segment: (_writers(segment), segment.where("fact"))),
    "keep": ("after", _all_memory),
    "own": ("after", lambda segment: (_writers(segment), segment.where("memory"))),
    "read": ("question", lambda segment: (segment.where("question"), segment.where("memory"))),
    "answer": ("question", lambda segment: (_answering(segment), segment.where("memory"))),
}


def _kinds(segments: Sequence[Segment]) -> Iterator[str]:
    """What there is to do in each segment, as `_OPERATIONS` calls it; a question beside its fact is none of them."""
    met = False
    for segment in segments:
        here = bool(segment.where("fact"))
        if segment.asking:
            yield "question beside a fact" if here or not met else "question"
        else:
            yield "fact" if here else "after" if met else "before"
        met = met or here


def _share(name: str, segments: Sequence[Segment]) -> Share | None:
    """The mean of all segments where the operation is done, or `None` where there are none."""
    kind, target = _OPERATIONS[name]
    given = _one_to_one if name == "own" else _to_any
    heads, even = [], []
    for found, segment in zip(_kinds(segments), segments, strict=True):
        if found == kind:
            queries, keys = target(segment)
            heads.append(given(segment.weights, queries, keys))
            even.append(given(_even(segment.weights), queries, keys))
    return Share(np.mean(heads, axis=0), float(np.mean(even))) if heads else None


def _to_any(weights: np.ndarray, queries: Sequence[int], keys: Sequence[int]) -> np.ndarray:
    """What `queries` give to all of `keys` together, in the mean; `weights` is [..., positions, positions]."""
    return weights[..., queries, :][..., keys].sum(-1).mean(-1)


def _one_to_one(weights: np.ndarray, queries: Sequence[int], keys: Sequence[int]) -> np.ndarray:
    """What the first of `queries` gives to the first of `keys`, the second to the second and so on, in the mean."""
    return weights[..., queries, keys].mean(-1)


def _even(weights: np.ndarray) -> np.ndarray:
    """Attention that gives every position that is looked at by any head the same: [positions, positions]."""
    visible = weights.max(axis=(0, 1)) > 0
    return visible / visible.sum(-1, keepdims=True)


def _operation(name: str, found: Sequence[Share]) -> Operation:
    if not found:
        return Operation(name, 0, math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0, ())
    each = np.array([share.heads.mean() for share in found])
    drawn = np.random.default_rng(0).choice(each, (_RESAMPLES, len(each))).mean(axis=1)
    ci_low, ci_high = np.quantile(drawn, (0.025, 0.975)) if len(each) > 1 else (math.nan, math.nan)
    heads = np.mean([share.heads for share in found], axis=0)
    layer, head = np.unravel_index(int(heads.argmax()), heads.shape)
    return Operation(
        name,
        len(found),
        mean=float(each.mean()),
        ci_low=float(ci_low),
        ci_high=float(ci_high),
        even=float(np.mean([share.even for share in found])),
        strongest=float(heads[layer, head]),
        layer=int(layer),
        head=int(head),
        heads=tuple(tuple(row) for row in heads.tolist()),
    )


def views(segment: Segment) -> Iterator[tuple[str, np.ndarray]]:
    """The maps of a segment by name: all heads in the mean, each layer, each head; [positions, positions]."""
    yield "all layers and heads", segment.weights.mean(axis=(0, 1))
    for layer, heads in enumerate(segment.weights):
        yield f"layer {layer + 1}", heads.mean(axis=0)
    for layer, heads in enumerate(segment.weights):
        for head, weights in enumerate(heads):
            yield f"layer {layer + 1}, head {head + 1}", weights
