"""In which pieces does a release read a text rightly? Proved with the model's own weights before its first reading.

    whole      w1 ............................ w69     one call, no cache: what the model means
    a way      w1 ... w32 | w33 ... w64 | w65 ... w69  logits and every tensor of the cache must be the same

Some releases begin a layer anew in every call of several tokens (Mamba, Falcon-Mamba, Jamba, Zamba in 5.24), mix the
rows of a batch in calls of one (RWKV), or take other time steps in those (Nemotron-H, Zamba2). Where logits tell little
of that, the cache tells: so it is compared, too. Tried from the largest pieces to the smallest.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from ...base.errors import UserError, one_line
from ..states import tensors
from .backbone import positions
from .causal import Causal, Kept

#: The most that logits may differ by, relative to the largest. The bound is lower where the model rounds less: ten
#: times what a longer text, read whole, changes in the logits of its beginning, which is rounding and nothing else.
MOST = {torch.float64: 1e-6, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 1e-2}
_LEAST = 2e-6
#: A tensor of the cache may differ by so much more: it is compared to its own largest value, which may be small.
_CACHE = 3
_ROWS = 2
#: The widest sliding window that a proof fills.
LONGEST = 8_192


Singles = Literal["together", "alone", "never"]


@dataclass(frozen=True)
class Way:
    """How a text is read on: `piece` tokens a call, what is left over in one call, or one by one (`single_rest`).

    `singles` says of calls of one token: all rows together, each row alone, or never; then the last token or two wait
    until there are more. The first call of all may take any number of tokens. `difference` is the largest that the
    proof saw, of logits or cache, relative.
    """

    piece: int
    single_rest: bool = False
    singles: Singles = "together"
    difference: float = 0.0

    def sizes(self, count: int, begun: bool = True) -> list[int]:
        """The pieces of `count` more tokens; `begun` says whether the model has read any before."""
        if not begun:
            return [count]
        full, rest = divmod(count, self.piece)
        sizes = [self.piece] * full + ([1] * rest if self.single_rest else [rest] * bool(rest))
        if self.singles != "together" and rest == 1 and full and self.piece > 2:
            sizes[-2:] = [self.piece - 1, 2]
        return sizes

    def __str__(self) -> str:
        said = [f"{self.piece} tokens a call" if self.piece > 1 else "one token a call"]
        said += ["the rest one by one"] if self.single_rest else []
        words = {"together": [], "alone": ["single tokens row by row"], "never": ["no single tokens"]}
        return ", ".join(said + words[self.singles])


def read_in(causal: Causal, way: Way, kept: Kept, tokens: torch.Tensor, keep: int = 1) -> tuple[torch.Tensor, Kept]:
    """Read int64 [batch, n] in pieces: logits [batch, keep, vocabulary] at the last `keep`, and what is kept.

    `kept` is used up. With `keep` 0 there are no logits, which may be cheaper.
    """
    if way.singles != "never":
        return _read(causal, way, kept, tokens, keep)
    left = tokens if kept.waiting is None else torch.cat([kept.waiting, tokens], 1)
    logits = _read(causal, way, kept.copy(), left, keep)[0] if keep else left.new_empty(0)
    ready = left.shape[1] - 1 if left.shape[1] > 2 else 0
    if ready:
        kept = _read(causal, way, kept, left[:, :ready], 0)[1]
    return logits, replace(kept, waiting=left[:, ready:])


def find_way(causal: Causal, length: int) -> Way:
    """The largest way that is right, for segments of `length` tokens.

    Raises `UserError` when none is: then the release cannot be used to read on.
    """
    with torch.inference_mode(), in_single(causal.module) as note:
        proof = Proof(causal, note)
        singles = proof.singles()
        for way in _ways(length, singles):
            if (found := proof.way(way)) is not None:
                return replace(way, difference=found)
    raise UserError(
        f"{type(causal.module).__name__} of this release of transformers does not read on rightly, in whatever pieces "
        f"({proof.worst}); use another release"
    )


def _ways(length: int, singles: Singles) -> Iterator[Way]:
    pieces = sorted({length, *(2**power for power in range(1, 14) if 2**power < length)}, reverse=True)
    for piece in pieces:
        if piece > (3 if singles == "never" else 1):
            yield Way(piece, singles=singles)
            if singles != "never":
                yield Way(piece, single_rest=True, singles=singles)
    if singles != "never":
        yield Way(1, singles=singles)


@dataclass(frozen=True)
class Apart:
    """How far a text read in pieces is from the whole, relative: the logits at the ends of every piece, the cache."""

    logits: float
    cache: float

    @property
    def largest(self) -> float:
        """The larger of the two."""
        return max(self.logits, self.cache)


class Proof:
    """Random tokens, read whole and in pieces. `worst` says what the last unsound way came to."""

    def __init__(self, causal: Causal, note: str = ""):
        self.causal = causal
        self.worst = ""
        self._note = note
        self._generator = torch.Generator().manual_seed(0)
        self._bound = min(max(10 * self._rounding(), _LEAST), MOST[_computed_in(causal)])

    def singles(self) -> Singles:
        """How calls of one token are right: from the start, and behind a piece."""
        choices: tuple[Singles, ...] = ("together", "alone")
        for singles in choices:
            way = Way(1, singles=singles)
            if all(self._compare(way, sizes) is not None for sizes in ([1] * 12, [4] + [1] * 12)):
                return singles
        return "never"

    def way(self, way: Way) -> float | None:
        """How far pieces, and what follows them, are from the whole, if that is right; with a window that is full."""
        window = min(self.causal.growth.flat_after, LONGEST)
        two = [way.piece] * 2
        filled = [way.piece] * (-(-window // way.piece) + 2) if way.piece > 1 else [max(window, 4)] + [1] * 8
        found = []
        for sizes in (two + way.sizes(way.piece // 2 + 1), two + way.sizes(3), filled + way.sizes(3)):
            found.append(self._compare(way, self._fitting(sizes)))
            if found[-1] is None:
                return None
        return max(found)

    def _fitting(self, sizes: Sequence[int]) -> Sequence[int]:
        """As much of the end of `sizes` as the model has positions for."""
        most = positions(self.causal.module) if self.causal.growth.endless else None
        if most is None:
            return sizes
        fitting: list[int] = []
        for size in reversed(sizes):
            fitting.insert(0, min(size, most - sum(fitting)))
        return [size for size in fitting if size]

    def _compare(self, way: Way, sizes: Sequence[int]) -> float | None:
        apart = self.apart(way, sizes)
        self.worst = f"logits off by {apart.logits:.1e}, cache by {apart.cache:.1e}{self._note}"
        return apart.largest if apart.logits <= self._bound and apart.cache <= _CACHE * self._bound else None

    def apart(self, way: Way, sizes: Sequence[int]) -> Apart:
        """How far a text read in pieces of `sizes` is from the whole."""
        tokens = self._tokens(sum(sizes))
        starts = itertools.accumulate(sizes, initial=0)
        places = [self._places(sorted({0, 1, size - 1} & set(range(size)))) for size in sizes]
        everywhere = torch.cat([start + mine for start, mine in zip(starts, places, strict=False)])
        means = self.causal.whole(tokens, everywhere)
        at_once, kept_at_once = self.causal.read(Kept(), tokens, everywhere)
        said, kept = [], Kept()
        for piece, mine in zip(tokens.split(list(sizes), 1), places, strict=True):
            logits, kept = _reader(self.causal, way, piece)(kept, piece, mine)
            said.append(logits)
        off = max(difference(means, at_once), difference(means, torch.cat(said, 1)))
        return Apart(off, _caches_apart(kept_at_once, kept))

    def _places(self, places: Sequence[int]) -> torch.Tensor:
        return torch.tensor(places, device=self.causal.module.device)

    def _rounding(self) -> float:
        """How much the logits of a text change when it goes on."""
        tokens = self._tokens(80)
        longest = self.causal.whole(tokens, 80)
        return max(
            difference(longest[:, count - 4 : count], self.causal.whole(tokens[:, :count], 4)) for count in (9, 33, 50)
        )

    def _tokens(self, count: int) -> torch.Tensor:
        drawn = torch.randint(self.causal.config.vocab_size, (_ROWS, count), generator=self._generator)
        return drawn.to(self.causal.module.device)


def _read(causal: Causal, way: Way, kept: Kept, tokens: torch.Tensor, keep: int) -> tuple[torch.Tensor, Kept]:
    said, left = [], tokens.shape[1]
    for piece in tokens.split(way.sizes(left, kept.seen > 0), dim=1):
        left -= piece.shape[1]
        wanted = max(min(keep - left, piece.shape[1]), 0)
        logits, kept = _reader(causal, way, piece)(kept, piece, max(wanted, 1))
        said += [logits] if wanted else []
    return torch.cat(said, 1) if said else tokens.new_empty(0), kept


def _reader(causal: Causal, way: Way, piece: torch.Tensor) -> Callable[..., tuple[torch.Tensor, Kept]]:
    """What reads a piece: all rows together, or each alone."""
    return causal.read_alone if way.singles == "alone" and piece.shape[1] == 1 and len(piece) > 1 else causal.read


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, relative to the largest value; infinite where either is not finite."""
    if one.shape != other.shape or not other.isfinite().all():
        return float("inf")
    scale = max(float(one.abs().max()), torch.finfo(torch.float32).tiny) if one.numel() else 1.0
    return float((one.double() - other.double()).abs().max()) / scale if one.numel() else 0.0


def _caches_apart(one: Kept, other: Kept) -> float:
    mine, others = tensors(one), tensors(other)
    if len(mine) != len(others):
        return float("inf")
    return max((difference(a, b) for a, b in zip(mine, others, strict=True)), default=0.0)


def _computed_in(causal: Causal) -> torch.dtype:
    """The least exact type that the model computes in; xLSTM names that of its kernels in its configuration."""
    own = getattr(torch, str(getattr(causal.config, "autocast_kernel_dtype", "")).removeprefix("torch."), None)
    candidates = [kind for kind in (causal.module.dtype, own) if kind in MOST]
    return max(candidates, key=lambda kind: MOST[kind], default=torch.float32)


@contextlib.contextmanager
def in_single(module: torch.nn.Module) -> Iterator[str]:
    """A model of half precision in single precision for a while: in half, rounding would hide what is wrong.

    Gives a note for messages: nothing, or that there was no memory for it.
    """
    halves = [
        (tensor, tensor.dtype)
        for tensor in (*module.parameters(), *module.buffers())
        if tensor.dtype in (torch.bfloat16, torch.float16)
    ]
    note = ""
    try:
        try:
            for tensor, _ in halves:
                tensor.data = tensor.data.float()
        except (torch.cuda.OutOfMemoryError, MemoryError) as error:
            note = f", in half precision for want of memory: {one_line(error)}"
            _restore(halves)
        yield note
    finally:
        _restore(halves)


def _restore(halves: Sequence[tuple[torch.Tensor, torch.dtype]]) -> None:
    for tensor, dtype in halves:
        tensor.data = tensor.data.to(dtype)
