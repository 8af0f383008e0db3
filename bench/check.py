"""Is a plugin sound? Each proof reads the same few random segments in two ways that must come to the same answer.

    proof                      compares                                   with
    the same twice             a reading                                  the same reading again
    asking changes nothing     reading on after a question                reading on without one
    a batch equals its rows    four documents side by side                each of them alone
    padding changes nothing    questions of different length, together    each of them alone
    nothing leaks              a document after another one               the document in a fresh state
    every segment is read      a text                                     the same with another first segment
    the state stays flat       bytes of state after 4 segments            after 64 (and as many as fill a window)
    chunks do not matter       segments whole                             token by token (only where claimed)

A model says what it claims by two attributes, both False unless it has them: `chunk_invariant` (a segment may be cut
anywhere) and `state_grows` (as a full context does). One that fills a window first says after how many tokens it is
full, in `flat_after`. Scores are compared where there are some, else the answers; a model that computes less
exactly than its scores look says so by its `dtype`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..base.errors import UserError, one_line
from .model import Reply, SegmentModel, answers
from .reading import model_device, state_bytes

_ROWS = 4
#: What two ways of computing one thing may differ by, relative to the largest score.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 1e-2}


@dataclass(frozen=True)
class Finding:
    """What one proof found. `sound` None: it does not apply, `note` says why. `difference` is relative."""

    proof: str
    sound: bool | None
    difference: float | None = None
    tolerance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Said:
    """What a model came to for each row: its scores [rows, choices] if it gives any, its answers, and its `dtype`."""

    scores: torch.Tensor | None
    answers: list[Reply]
    dtype: torch.dtype | None = None


class UnsoundError(Exception):
    """A model broke the protocol itself: the message says how."""


def check(model: SegmentModel, choices: Sequence[str], seed: int = 0) -> list[Finding]:
    """Every proof, in order. `choices` are labels that the model can answer with.

    A model that breaks the protocol (a wrong shape, NaN, an exception) fails the proof that met it. A `UserError` of
    the model is passed on: it was asked for what it cannot do.
    """
    bench = _Bench(model, tuple(choices), seed)
    return [_run(name, proof, bench) for name, proof in _PROOFS.items()]


class _Bench:
    """The model on the bench: random documents, and ways to read them."""

    def __init__(self, model: SegmentModel, choices: tuple[str, ...], seed: int):
        self.model = model
        self.choices = choices
        self.device = model_device(model)
        self._generator = torch.Generator().manual_seed(seed)

    def segments(self, count: int, rows: int = _ROWS) -> list[torch.Tensor]:
        """Random segments: int64 [rows, segment_length] each."""
        return [self._tokens(rows, self.model.segment_length) for _ in range(count)]

    def prompts(self, lengths: Sequence[int]) -> list[torch.Tensor]:
        """A random prompt of each length."""
        return [self._tokens(1, length)[0] for length in lengths]

    def short_prompts(self) -> list[torch.Tensor]:
        """A random prompt for each row, of 5 tokens or a segment."""
        return self.prompts([min(5, self.model.segment_length)] * _ROWS)

    def read(self, segments: Sequence[torch.Tensor], state: Any = None) -> Any:
        """The state after `segments`, from `state` or from the start."""
        torch.manual_seed(0)
        with torch.inference_mode():
            state = self.model.start(len(segments[0])) if state is None else state
            for segment in segments:
                state = self.model.read(state, segment)
        return state

    def ask(self, state: Any, prompts: Sequence[torch.Tensor]) -> Said:
        """What the model says to `prompts`. Raises `UnsoundError` where it breaks the protocol."""
        choices = [self.choices] * len(prompts)
        scores = None
        with torch.inference_mode():
            if hasattr(self.model, "score"):
                scores = _sound_scores(self.model.score(state, prompts, choices), len(prompts), len(self.choices))  # type: ignore[attr-defined]
            said = answers(self.model, state, prompts, choices)
        if len(said) != len(prompts):
            raise UnsoundError(f"{len(said)} answers to {len(prompts)} questions")
        return Said(scores, said, getattr(self.model, "dtype", None))

    def _tokens(self, rows: int, length: int) -> torch.Tensor:
        low = min(100, len(self.model.tokenizer) // 2)
        tokens = torch.randint(low, len(self.model.tokenizer), (rows, length), generator=self._generator)
        return tokens.to(self.device)


def _sound_scores(scores: Any, rows: int, choices: int) -> torch.Tensor:
    if not isinstance(scores, torch.Tensor):
        raise UnsoundError(f"`score` gave a {type(scores).__name__}, not a tensor")
    if scores.shape != (rows, choices):
        raise UnsoundError(f"`score` gave the shape {list(scores.shape)}, not [{rows}, {choices}]: one row a question")
    if not scores.isfinite().all():
        raise UnsoundError("`score` gave NaN or infinity")
    return scores


def _run(name: str, proof: Callable[[str, _Bench], Finding], bench: _Bench) -> Finding:
    try:
        return proof(name, bench)
    except UserError:
        raise  # not a fault of the plugin: it says what to ask for instead
    except UnsoundError as broken:
        return Finding(name, False, note=str(broken))
    except Exception as error:  # noqa: BLE001 - what a plugin raises is the finding
        return Finding(name, False, note=f"it raised {one_line(error)}")


def _same_twice(name: str, bench: _Bench) -> Finding:
    segments, prompts = bench.segments(3), bench.short_prompts()
    one, other = (bench.ask(bench.read(segments), prompts) for _ in range(2))
    return _compare(name, one, other, "two readings of one text differ")


def _asking(name: str, bench: _Bench) -> Finding:
    segments, prompts = bench.segments(4), bench.short_prompts()
    never_asked = bench.ask(bench.read(segments), prompts)
    state = bench.read(segments[:2])
    first, second = bench.ask(state, prompts), bench.ask(state, prompts)
    asked = bench.ask(bench.read(segments[2:], state), prompts)
    twice = _compare(name, first, second, "asked twice, it says something else")
    return twice if not twice.sound else _compare(name, never_asked, asked, "a question changed what is read after it")


def _batch(name: str, bench: _Bench) -> Finding:
    segments, prompts = bench.segments(3), bench.short_prompts()
    together = bench.ask(bench.read(segments), prompts)
    alone = [
        bench.ask(bench.read([segment[row : row + 1] for segment in segments]), prompts[row : row + 1])
        for row in range(_ROWS)
    ]
    return _compare(name, together, _joined(alone), "rows of a batch touch each other")


def _padding(name: str, bench: _Bench) -> Finding:
    length = bench.model.segment_length
    segments, prompts = bench.segments(2), bench.prompts([min(2, length), min(5, length), max(length // 2, 1), length])
    together = bench.ask(bench.read(segments), prompts)
    alone = [
        bench.ask(bench.read([segment[row : row + 1] for segment in segments]), [prompt])
        for row, prompt in enumerate(prompts)
    ]
    return _compare(name, together, _joined(alone), "a question's answer depends on how long the others are")


def _leaks(name: str, bench: _Bench) -> Finding:
    one, other, prompts = bench.segments(2), bench.segments(2), bench.short_prompts()
    fresh, both = bench.ask(bench.read(one[:1]), prompts), bench.ask(bench.read(one), prompts)
    begun = bench.read(one[:1])
    bench.ask(bench.read(other), prompts)
    finished = bench.ask(bench.read(one[1:], begun), prompts)
    after = bench.ask(bench.read(one[:1]), prompts)
    leak = _compare(name, fresh, after, "what was read before leaks into a new document")
    return leak if not leak.sound else _compare(name, both, finished, "two documents in hand at once mix")


def _every_segment(name: str, bench: _Bench) -> Finding:
    prompts = bench.short_prompts()
    one, other = (bench.ask(bench.read(bench.segments(1)), prompts) for _ in range(2))
    if one.scores is None or other.scores is None:
        return Finding(name, None, note="it gives no scores to compare")
    difference = _difference(one.scores, other.scores)
    note = "" if difference else "another first segment changes nothing: it is not read"
    return Finding(name, difference > 0, difference, note=note)


def _flat(name: str, bench: _Bench) -> Finding:
    filled = -(-int(getattr(bench.model, "flat_after", 0)) // bench.model.segment_length)
    first, last = 4 + filled, 64 + filled
    early, late = (state_bytes(bench.read(bench.segments(count, rows=1))) for count in (first, last))
    note = f"{late:,} bytes for a document"
    if late <= early:
        return Finding(name, True, note=note)
    claimed = bool(getattr(bench.model, "state_grows", False))
    claim = "as it claims" if claimed else "and not as it claims"
    note = f"{early:,} bytes after {first} segments, {late:,} after {last}, {claim}"
    return Finding(name, claimed, note=note)


def _chunks(name: str, bench: _Bench) -> Finding:
    if not getattr(bench.model, "chunk_invariant", False):
        return Finding(name, None, note="not claimed (`chunk_invariant`)")
    segments, prompts = bench.segments(2), bench.short_prompts()
    singles = [token for segment in segments for token in segment.split(1, dim=1)]
    whole, pieces = bench.ask(bench.read(segments), prompts), bench.ask(bench.read(singles), prompts)
    return _compare(name, whole, pieces, "token by token it comes to something else")


_PROOFS: dict[str, Callable[[str, _Bench], Finding]] = {
    "the same twice": _same_twice,
    "asking changes nothing": _asking,
    "a batch equals its rows": _batch,
    "padding changes nothing": _padding,
    "nothing leaks": _leaks,
    "every segment is read": _every_segment,
    "the state stays flat": _flat,
    "chunks do not matter": _chunks,
}


def _compare(name: str, one: Said, other: Said, complaint: str) -> Finding:
    if one.scores is None or other.scores is None:
        same = one.answers == other.answers
        return Finding(name, same, note="" if same else complaint)
    kinds = (one.scores.dtype, one.dtype or one.scores.dtype)
    tolerance = max(TOLERANCE.get(kind, TOLERANCE[torch.float32]) for kind in kinds)
    difference = _difference(one.scores, other.scores)
    sound = difference <= tolerance
    return Finding(name, sound, difference, tolerance, "" if sound else complaint)


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference of two tensors, relative to the largest value."""
    scale = max(float(one.abs().max()), torch.finfo(torch.float64).tiny)
    return float((one.double() - other.double()).abs().max()) / scale


def _joined(said: Sequence[Said]) -> Said:
    scores = [one.scores for one in said if one.scores is not None]
    return Said(torch.cat(scores) if scores else None, [answer for one in said for answer in one.answers])
