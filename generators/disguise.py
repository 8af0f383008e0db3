"""What makes facts hard to tell from filler: distractors among it, and lead-ins in the filler's own style.

    distractors   filler | Walter went to the cellar. | filler | Mary went to the garden. | filler
    style match   filler | The rain had stopped by noon; Mary went to the garden. | filler

A lead-in is a sentence of the filler itself, without its full stop: a fact behind one has the filler's words beside it
and, in tokens, a length drawn from the filler's own. Facts that point back (`she`, `there`) stay bare, lest they point
to their lead-in. Knows sentences and tokens; where they go is decided in haystack.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..base.errors import UserError, did_you_mean
from ..tasks.distractors import PRONOUN, Distractors
from .corpus import Index
from .haystack import Shelf
from .tokens import Encoder

STYLES = ("none", "match")
#: Of what the facts leave of a text, lead-ins take up at most the first share, and with distractors the second: what
#: is left is filler, with which the length is met.
_LED, _DISGUISED = 0.5, 0.9
#: What can lead in: a plain statement without quotations, numbers or asides.
_LEAD = re.compile(r"[A-Z][A-Za-z ,'’-]{2,320}\.")
_MARKS = (";", ":")
#: Among so many sentences of a volume lead-ins are looked for; so many are tried for one fact; where fewer have the
#: size that is wanted, it is used more seldom, lest one lead-in be met again and again.
_SEARCHED, _TRIES, _CHOICE = 20_000, 8, 10
_SHORTEST_LEAD = 3
_THERE = re.compile(r"\bthere\b")


@dataclass(frozen=True)
class Arrangement:
    """All that is put into the filler of one text, in order: sentences (or lead-ins) and their relative depths.

    `facts` are the positions of the story's facts among them.
    """

    sentences: tuple[str, ...]
    depths: np.ndarray
    facts: tuple[int, ...]
    n_distractors: int = 0


#: Gives the random stream of one story's disguise for a purpose; it is the same at every length.
Streams = Callable[[str], np.random.Generator]


@dataclass(frozen=True)
class Disguise:
    """`distractors` for each thousand tokens of a text, and a `style`: `none`, or `match` for lead-ins."""

    distractors: float = 0.0
    style: str = "none"

    def __post_init__(self) -> None:
        if not 0 <= self.distractors <= 100:
            raise UserError(f"distractors={self.distractors:g}: for each thousand tokens, from 0 to 100; try 0.02 or 5")
        if self.style not in STYLES:
            close = did_you_mean(self.style, STYLES)
            raise UserError(f"unknown style {self.style!r}{close}; there is: {', '.join(STYLES)}")

    @property
    def identity(self) -> tuple[object, ...]:
        """What it adds to the identity of a sample: nothing where there is no disguise."""
        return ("disguise", self.distractors, self.style) if self.distractors or self.style != "none" else ()

    def arrange(
        self, shelf: Shelf, facts: tuple[str, ...], depths: np.ndarray, n_tokens: int, streams: Streams
    ) -> Arrangement:
        """The facts and all that disguises them in a text of `n_tokens`, in order of their `depths`.

        Facts keep their order and depths. What does not fit is left out: distractors first, then all lead-ins.
        """
        if not self.identity:
            return Arrangement(facts, depths, tuple(range(len(facts))))
        encoder = shelf.encoder
        room = max(n_tokens - sum(_size(encoder, fact) for fact in facts), 0)
        stream = streams("fact_leads")
        led = [self._led(shelf, fact, stream) for fact in facts]
        leads = sum(_size(encoder, part) for parts in led for part in parts[:-1])
        if leads > _LED * room:
            led, leads = [(fact,) for fact in facts], 0
        others = self._distractors(shelf, facts, n_tokens, int(_DISGUISED * room) - leads, streams)
        places = np.concatenate([depths, streams("depths").random(len(others))])
        return _merged([*led, *others], places, len(facts))

    def _distractors(
        self, shelf: Shelf, facts: tuple[str, ...], n_tokens: int, room: int, streams: Streams
    ) -> list[tuple[str, ...]]:
        """As many distractors as are asked for and fit; a longer text has those of a shorter one, and more."""
        count = int(self.distractors * n_tokens / 1_000 + streams("count").random())
        if not self.distractors or not count:
            return []
        source = Distractors(facts, shelf.lexicon)
        if not source.frames:
            raise UserError(f"no distractor can be made of {facts[0]!r}: leave out --distractors for this task")
        others = []
        stream = streams("distractor_leads")
        for sentence in itertools.islice(source.draw(streams("distractors")), count):
            parts = self._led(shelf, sentence, stream)
            room -= sum(_size(shelf.encoder, part) for part in parts)
            if room < 0:
                break
            others.append(parts)
        return others

    def _led(self, shelf: Shelf, sentence: str, rng: np.random.Generator) -> tuple[str, ...]:
        """A sentence behind a lead-in that makes it as long as one of the filler, or alone where it is so long itself.

        What stands behind a lead-in has the very tokens that it has behind a full stop, or it stands alone.
        """
        if self.style != "match" or PRONOUN.search(sentence) or _THERE.search(sentence):
            return (sentence,)
        leads = _leads(shelf.volume(0))
        for _ in range(_TRIES):
            missing = leads.length(rng) - _size(shelf.encoder, sentence)
            if abs(missing) < _SHORTEST_LEAD:
                return (sentence,)
            lead = leads.near(missing, rng)
            if lead is None:
                continue
            lead += _MARKS[int(rng.integers(len(_MARKS)))]
            together, *apart = shelf.encoder.encode([f"{lead} {sentence}", lead, sentence])
            if together == apart[0] + apart[1] and shelf.encoder.unknown not in together:
                return lead, sentence
        return (sentence,)


class _Leads:
    """The sentences of a volume that can lead in, by their number of tokens."""

    def __init__(self, index: Index):
        self._by_size: dict[int, list[str]] = {}
        self._lengths = np.diff(index.token_offsets[: _SEARCHED + 1])
        for number in range(min(len(index), _SEARCHED)):
            sentence = index.slice_text(number, number + 1)
            if _LEAD.fullmatch(sentence):
                self._by_size.setdefault(int(self._lengths[number]), []).append(sentence[:-1])

    def length(self, rng: np.random.Generator) -> int:
        """The number of tokens of a random sentence of the volume."""
        return int(self._lengths[rng.integers(len(self._lengths))])

    def near(self, size: int, rng: np.random.Generator) -> str | None:
        """A lead-in of about `size` tokens; `None` where there is none."""
        if size < _SHORTEST_LEAD:
            return None
        lists = [self._by_size.get(near, []) for near in (size - 1, size, size + 1)]
        at = int(rng.integers(max(sum(map(len, lists)), _CHOICE)))
        return next(itertools.islice(itertools.chain.from_iterable(lists), at, None), None)


@lru_cache(maxsize=64)
def _leads(index: Index) -> _Leads:
    return _Leads(index)


def _merged(groups: Sequence[tuple[str, ...]], depths: np.ndarray, n_facts: int) -> Arrangement:
    """Groups of sentences in order of their depths; the first `n_facts` end in a fact, and keep their order."""
    sentences: list[str] = []
    places: list[float] = []
    facts: list[int] = [0] * n_facts
    for group in np.argsort(depths, kind="stable").tolist():
        sentences += groups[group]
        places += [float(depths[group])] * len(groups[group])
        if group < n_facts:
            facts[group] = len(sentences) - 1
    return Arrangement(tuple(sentences), np.array(places), tuple(facts), len(groups) - n_facts)


def _size(encoder: Encoder, sentence: str) -> int:
    return len(encoder.short(sentence))
