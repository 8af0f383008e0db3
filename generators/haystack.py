"""Facts laid out in filler at an exact length: slices of an index, rendered as text or as tokens.

    filler sentences 310..352 | fact 0 | filler 352..871 | fact 1 | filler 871..904 | filler 77 (fits the rest)

A layout is a few numbers; text and tokens are made from it on demand, piece by piece. Knows nothing of models.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.files import cache_folder
from .background import Background
from .corpus import Index, cached_index
from .tokens import Encoder

#: How many sentences may be given back in search of ones that fill a text to the token.
_GIVE_BACK = 12
#: Bytes of filler in a piece of text that is streamed, at the most; one sentence may have more.
_PIECE = 1 << 16

#: Whoever shows how a long piece of work goes on. Called with what is done and how much there is of it in all (None:
#: not known), it gives a context, and there a function that hears of every step.
Watch = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


def unwatched(what: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
    """Nobody looks."""
    return nullcontext(lambda count: None)


class Shelf:
    """A background as indexed volumes, for one tokenizer, one lexicon and one split; built when first read.

    `watch` is shown how the building goes on, in characters.
    """

    def __init__(
        self, background: Background, encoder: Encoder, lexicon: frozenset[str], split: str, watch: Watch = unwatched
    ):
        self.background = background
        self.encoder = encoder
        self.lexicon = lexicon
        self.split = split
        self.watch = watch
        self._root: Path = cache_folder() / "indexes"
        self.volume = functools.lru_cache(maxsize=64)(self._volume)

    def _volume(self, number: int) -> Index:
        identity = (self.background.fingerprint, number, self.split if self.background.volumes is None else "")
        sentences = self.background.sentences(number, self.split)
        with self.watch(f"indexing {self.background.name}", self.background.size(number)) as on_text:
            return cached_index(self._root, identity, self.encoder, self.lexicon, sentences, on_text)


@dataclass(frozen=True)
class Filler:
    """Sentences start..stop of one volume."""

    volume: int
    start: int
    stop: int


@dataclass(frozen=True)
class PlacedFact:
    """A fact where it stands in a text.

    `char_start..char_end` span it in the text; `token_start` is its first token; `depth` is `token_start` over the
    tokens of the text (0 at the start, 1 at the end); `supporting` tells whether the answer follows from it.
    """

    text: str
    char_start: int
    char_end: int
    token_start: int
    depth: float
    supporting: bool


@dataclass(frozen=True)
class Haystack:
    """One document: facts and filler in order, as a recipe.

    `pieces` are slices of filler and indexes into `facts`. `n_tokens` counts the tokens of all pieces. `wraps` is how
    often the background ended and began again. `opening` is how many tokens the first sentence has more (or fewer)
    at the start of the document, where no space stands before it, than in the index.
    """

    shelf: Shelf
    facts: tuple[str, ...]
    pieces: tuple[Filler | int, ...]
    n_tokens: int
    wraps: int = 0
    opening: int = 0

    def text(self) -> str:
        """The whole document."""
        return self.utf8().decode()

    def utf8(self) -> bytes:
        """The whole document as UTF-8, joined from the index without a detour over strings."""
        return b" ".join(self._utf8(piece) for piece in self.pieces)

    def sha256(self) -> str:
        """The SHA-256 of the document as UTF-8, as hex; the document is never in memory as a whole."""
        digest = hashlib.sha256()
        for number, piece in enumerate(self.pieces):
            if number:
                digest.update(b" ")
            digest.update(self._utf8(piece))
        return digest.hexdigest()

    def text_pieces(self) -> Iterator[str]:
        """The document piece by piece: joined, they are `text()`. No more than one of some 64 kB is in memory."""
        space = ""
        for piece in self.pieces:
            for part in self._parts(piece):
                yield space + self._text(part)
                space = " "

    def tokens(self) -> Iterator[np.ndarray]:
        """The document's tokens, piece by piece: unsigned integers [n]."""
        pieces = self.pieces
        if pieces and self.shelf.encoder.marks_space:
            first, pieces = _first_sentence(pieces[0]), (*_after_first(pieces[0]), *pieces[1:])
            yield self.shelf.encoder.text(self._text(first))
        for piece in pieces:
            yield self._tokens(piece)

    def places(self, supporting: Sequence[int]) -> tuple[PlacedFact, ...]:
        """Where each fact stands, in story order."""
        placed: dict[int, PlacedFact] = {}
        characters, tokens = 0, self.opening
        for piece in self.pieces:
            if isinstance(piece, int):
                start = tokens if characters else 0
                fact = self.facts[piece]
                placed[piece] = PlacedFact(
                    text=fact,
                    char_start=characters,
                    char_end=characters + len(fact),
                    token_start=start,
                    depth=start / self.n_tokens,
                    supporting=piece in supporting,
                )
            characters += self._characters(piece)
            tokens += _count(self.shelf, self.facts, piece)
        return tuple(placed[i] for i in range(len(self.facts)))

    def n_chars(self) -> int:
        """The characters of the whole document."""
        return max(sum(map(self._characters, self.pieces)) - 1, 0)

    def _parts(self, piece: Filler | int) -> Iterator[Filler | int]:
        """A piece, in parts of no more than `_PIECE` bytes or a sentence."""
        if isinstance(piece, int):
            yield piece
            return
        offsets = self.shelf.volume(piece.volume).byte_offsets
        start = piece.start
        while start < piece.stop:
            stop = int(np.searchsorted(offsets, offsets[start] + _PIECE, side="right")) - 1
            stop = min(max(stop, start + 1), piece.stop)
            yield Filler(piece.volume, start, stop)
            start = stop

    def _utf8(self, piece: Filler | int) -> bytes | memoryview:
        if isinstance(piece, Filler):
            return self.shelf.volume(piece.volume).slice_utf8(piece.start, piece.stop).data
        return self.facts[piece].encode()

    def _text(self, piece: Filler | int) -> str:
        if isinstance(piece, Filler):
            return self.shelf.volume(piece.volume).slice_text(piece.start, piece.stop)
        return self.facts[piece]

    def _tokens(self, piece: Filler | int) -> np.ndarray:
        if isinstance(piece, Filler):
            index = self.shelf.volume(piece.volume)
            return index.tokens[index.token_offsets[piece.start] : index.token_offsets[piece.stop]]
        return self.shelf.encoder.short(self.facts[piece])

    def _characters(self, piece: Filler | int) -> int:
        """The characters of a piece and of the space after it."""
        if isinstance(piece, Filler):
            offsets = self.shelf.volume(piece.volume).char_offsets
            return int(offsets[piece.stop] - offsets[piece.start])
        return len(self.facts[piece]) + 1


def lay_out(
    shelf: Shelf, facts: tuple[str, ...], depths: np.ndarray, n_tokens: int, rng: np.random.Generator
) -> Haystack:
    """Hide `facts` at relative `depths` in filler so that the document has `n_tokens` tokens.

    Facts stand between sentences, at the boundary nearest to their depth. The filler's start is the first draw from
    `rng` and does not depend on the length, so one stream gives documents that share their beginning at every
    length. Where the facts alone are longer than `n_tokens` there is no filler; otherwise the last sentences are
    chosen so that the length is exact (to within the shortest sentence of the background when that is impossible).
    """
    first = int(rng.integers(shelf.background.first_volumes))
    start = int(rng.integers(len(shelf.volume(first))))
    facts_size = sum(_count(shelf, facts, fact) for fact in range(len(facts)))
    budget = max(n_tokens - facts_size, 0)
    runs, wraps = _filler(shelf, first, start, budget, rng)
    filled = sum(_size(shelf, run) for run in runs)
    targets = depths * filled
    if opening := _opening(shelf, facts, tuple(_insert(shelf, runs, targets))):
        # The facts keep their targets, so that the same sentence comes first again.
        runs, wraps = _filler(shelf, first, start, max(budget - opening, 0), rng)
        filled = sum(_size(shelf, run) for run in runs)
        targets = np.where(depths < 1, np.minimum(targets, filled), filled)
    pieces = tuple(_insert(shelf, runs, targets))
    opening = _opening(shelf, facts, pieces)
    return Haystack(shelf, facts, pieces, facts_size + filled + opening, wraps, opening)


def _opening(shelf: Shelf, facts: tuple[str, ...], pieces: Sequence[Filler | int]) -> int:
    """How many tokens more the first sentence has with no space before it."""
    if not pieces or not shelf.encoder.marks_space:
        return 0
    first = Haystack(shelf, facts, (_first_sentence(pieces[0]),), 0)
    return len(shelf.encoder.text(first.text())) - _count(shelf, facts, first.pieces[0])


def _first_sentence(piece: Filler | int) -> Filler | int:
    return Filler(piece.volume, piece.start, piece.start + 1) if isinstance(piece, Filler) else piece


def _after_first(piece: Filler | int) -> tuple[Filler, ...]:
    if isinstance(piece, int) or piece.stop == piece.start + 1:
        return ()
    return (Filler(piece.volume, piece.start + 1, piece.stop),)


def _filler(shelf: Shelf, volume: int, start: int, budget: int, rng: np.random.Generator) -> tuple[list[Filler], int]:
    """Runs of whole sentences with `budget` tokens in all, and how often the background began again."""
    runs: list[Filler] = []
    remaining = budget
    wraps = 0
    while remaining:
        index = shelf.volume(volume)
        base = index.token_offsets[start]
        stop = int(np.searchsorted(index.token_offsets, base + remaining, side="right")) - 1
        if stop > start:
            runs.append(Filler(volume, start, stop))
            remaining -= int(index.token_offsets[stop] - base)
        if stop < len(index):
            return _fit(shelf, runs, volume, remaining, rng), wraps
        following = shelf.background.following(volume)
        wraps += remaining > 0 and following <= volume
        volume, start = following, 0
    return runs, wraps


def _fit(shelf: Shelf, runs: list[Filler], volume: int, remaining: int, rng: np.random.Generator) -> list[Filler]:
    """`runs` with one or two sentences that make up `remaining` tokens, in place of its last ones where need be.

    Over so few sentences that no two of them fit, the longest ones that do are taken, until none does.
    """
    by_length = shelf.volume(volume).by_length
    kept, missing = list(runs), remaining
    for _ in range(_GIVE_BACK):
        if (sizes := _sizes(by_length, missing, rng)) is not None:
            return kept + _drawn(volume, by_length, sizes, rng)
        if not kept:
            break
        last = kept.pop()
        shorter = Filler(last.volume, last.start, last.stop - 1)
        missing += _size(shelf, last) - _size(shelf, shorter)
        if shorter.stop > shorter.start:
            kept.append(shorter)
    return runs + _drawn(volume, by_length, _greedy(by_length, remaining), rng)


def _drawn(
    volume: int, by_length: dict[int, np.ndarray], sizes: Sequence[int], rng: np.random.Generator
) -> list[Filler]:
    """A sentence of each size, drawn from all that have it."""
    chosen = (int(by_length[size][rng.integers(len(by_length[size]))]) for size in sizes)
    return [Filler(volume, sentence, sentence + 1) for sentence in chosen]


def _greedy(by_length: dict[int, np.ndarray], total: int) -> list[int]:
    sizes: list[int] = []
    while fitting := [size for size in by_length if size <= total]:
        sizes.append(max(fitting))
        total -= sizes[-1]
    return sizes


def _sizes(by_length: dict[int, np.ndarray], total: int, rng: np.random.Generator) -> tuple[int, ...] | None:
    if total == 0:
        return ()
    if total in by_length:
        return (total,)
    pairs = [size for size in by_length if total - size in by_length]
    if not pairs:
        return None
    size = pairs[int(rng.integers(len(pairs)))]
    return size, total - size


def _insert(shelf: Shelf, runs: list[Filler], targets: np.ndarray) -> Iterator[Filler | int]:
    """Split the runs at the sentence boundaries nearest to `targets`, in tokens of filler, and put the facts there."""
    fact = 0
    passed = 0
    for run in runs:
        offsets = shelf.volume(run.volume).token_offsets
        size = _size(shelf, run)
        start = run.start
        while fact < len(targets) and targets[fact] < passed + size:
            boundary = _nearest(offsets, run, targets[fact] - passed)
            if boundary == run.stop:
                break
            if boundary > start:
                yield Filler(run.volume, start, boundary)
                start = boundary
            yield fact
            fact += 1
        yield Filler(run.volume, start, run.stop)
        passed += size
    yield from range(fact, len(targets))


def _nearest(offsets: np.ndarray, run: Filler, tokens: float) -> int:
    """The sentence boundary within `run` that is nearest to `tokens` tokens from its start."""
    target = offsets[run.start] + tokens
    after = int(np.searchsorted(offsets, target, side="left"))
    after = min(max(after, run.start), run.stop)
    before = max(after - 1, run.start)
    return before if target - offsets[before] <= offsets[after] - target else after


def _size(shelf: Shelf, run: Filler) -> int:
    offsets = shelf.volume(run.volume).token_offsets
    return int(offsets[run.stop] - offsets[run.start])


def _count(shelf: Shelf, facts: tuple[str, ...], piece: Filler | int) -> int:
    return _size(shelf, piece) if isinstance(piece, Filler) else len(shelf.encoder.short(facts[piece]))
