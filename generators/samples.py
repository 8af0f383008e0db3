"""Samples: an episode laid out at a length, with an identity. The one place where tasks and filler meet.

A sample is a pure function of (generator version, task and knobs, length, index, seed, split, background, tokenizer,
placement, disguise). Its random streams are Philox generators keyed by that tuple, so order, workers, machines and
restarts change nothing; and sample i of a task has the same story, question and relative depths at every length.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..base.files import digest
from ..tasks.episode import Episode, Task
from ..tasks.lexicon import OFFICIAL
from .background import Background
from .disguise import Arrangement, Disguise
from .haystack import Haystack, PlacedFact, Shelf, Watch, lay_out, unwatched
from .lengths import Length
from .placement import check_placement, depths
from .tokens import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Raised whenever the same call would give other bytes than before.
GENERATOR_VERSION = 1


class Document(Protocol):
    """What a sample's context is rendered from: a recipe, or stored text."""

    def text(self) -> str:
        """The whole context."""
        ...


@dataclass(frozen=True)
class Sample:
    """One question about one document.

    `length` is the nominal length as the user wrote it; `n_tokens` and `n_chars` are what the context has. Samples
    with one `haystack_id` share a document; `wraps` is how often its background ended and began again, `n_distractors`
    how many sentences like the facts, about others, stand among its filler. `text` renders the whole context; a
    `Haystack` also streams its tokens.
    """

    id: str
    task: str
    length: str
    index: int
    seed: int
    n_tokens: int
    n_chars: int
    question: str
    answer: str
    choices: tuple[str, ...]
    facts: tuple[PlacedFact, ...]
    haystack_id: str
    wraps: int
    n_distractors: int
    document: Document = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """The whole context, facts and filler; the question is not in it."""
        return self.document.text()


class Source:
    """Makes the samples of a plan: `source.samples(task, length, index)`.

    `placement` None leaves it to each task. `split` is `test` or `train`; the two never share a random stream, nor
    (with an endless background) filler. `segment_length` is the model's, for lengths such as `7seg`. `distractors` (for
    each thousand tokens) and `style` hide the facts among their like: see disguise.py. `watch` is shown how filler is
    indexed.
    """

    def __init__(
        self,
        background: Background,
        tokenizer: PreTrainedTokenizerBase,
        seed: int = 0,
        placement: str | None = None,
        split: str = "test",
        segment_length: int | None = None,
        distractors: float = 0.0,
        style: str = "none",
    ):
        self.background = background
        self.encoder = Encoder(tokenizer)
        self.seed = seed
        self.placement = placement and check_placement(placement)
        self.split = split
        self.segment_length = segment_length
        self.disguise = Disguise(distractors, style)
        self.watch: Watch = unwatched
        self._shelves: dict[frozenset[str], Shelf] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: whoever watches stays here, and the shelves are filled again."""
        return {**self.__dict__, "watch": unwatched, "_shelves": {}}

    def placed(self, placement: str | None) -> Source:
        """A source of the same filler that lays facts out so; None: this one. Raises `UserError` for no placement."""
        if placement is None:
            return self
        other = copy.copy(self)
        other.placement = check_placement(placement)
        other.__dict__.pop("fingerprint", None)
        return other

    def samples(self, name: str, task: Task, length: Length, index: int) -> tuple[Sample, ...]:
        """Sample number `index` of a task at a length: one document, and a sample for each of its questions."""
        task = task.of_split(self.split)
        episode, places = self.story(name, task, index)
        n_tokens = self._size(length, episode)
        identity = self._identity(name, task, index, n_tokens)
        filler = _stream(*self._identity(name, task, index), "filler")
        shelf = self._shelf(task)
        stream = partial(_stream, *self._story_key(name, task, index), "disguise")
        told = self.disguise.arrange(shelf, episode.facts, places, n_tokens, stream)
        haystack = lay_out(shelf, told.sentences, told.depths, n_tokens, filler)
        return tuple(self._sample(identity, name, length, index, episode, told, haystack))

    def prepare(self, task: Task) -> None:
        """Index the filler that every sample of a task begins in, where all begin in the same volume."""
        if self.background.first_volumes == 1:
            self._shelf(task.of_split(self.split)).volume(0)

    def ids(self, name: str, task: Task, length: Length, index: int) -> tuple[str, ...]:
        """The ids of those samples; the background is not read."""
        task = task.of_split(self.split)
        episode, _ = self.story(name, task, index)
        identity = self._identity(name, task, index, self._size(length, episode))
        return tuple(_sample_id(identity, number) for number in range(len(episode.questions)))

    @cached_property
    def fingerprint(self) -> dict[str, object]:
        """What the samples depend on besides task, length and index, as plain values."""
        return {
            "generator_version": GENERATOR_VERSION,
            "seed": self.seed,
            "split": self.split,
            "background": self.background.name,
            "background_fingerprint": self.background.fingerprint,
            "tokenizer": self.encoder.name,
            "tokenizer_fingerprint": self.encoder.fingerprint,
            "placement": self.placement,
            "segment_length": self.segment_length,
            "distractors": self.disguise.distractors,
            "style": self.disguise.style,
        }

    def story(self, name: str, task: Task, index: int) -> tuple[Episode, np.ndarray]:
        """The episode and the relative depths of its facts, the same at every length and over every background."""
        task = task.of_split(self.split)
        key = self._story_key(name, task, index)
        episode = task.episode(_stream(*key, "episode"))
        placement = self.placement or task.placement
        return episode, depths(placement, len(episode.facts), _stream(*key, placement, "depths"))

    def _size(self, length: Length, episode: Episode) -> int:
        questions = [len(self.encoder.short(question.text)) for question in episode.questions]
        return length.context_tokens(max(questions), self.segment_length)

    def _story_key(self, name: str, task: Task, index: int) -> tuple[object, ...]:
        return GENERATOR_VERSION, name, task.knobs(), self.seed, self.split, index

    def _identity(self, name: str, task: Task, index: int, *length: int) -> tuple[object, ...]:
        placement = self.placement or task.placement
        fingerprints = (self.background.fingerprint, self.encoder.fingerprint)
        story = self._story_key(name, task, index)
        return (*story, placement, *fingerprints, *self.disguise.identity, *length)

    def _shelf(self, task: Task) -> Shelf:
        lexicon = OFFICIAL | task.lexicon
        if lexicon not in self._shelves:
            self._shelves[lexicon] = Shelf(self.background, self.encoder, lexicon, self.split, self.watch)
        return self._shelves[lexicon]

    def _sample(
        self,
        identity: tuple[object, ...],
        name: str,
        length: Length,
        index: int,
        episode: Episode,
        told: Arrangement,
        haystack: Haystack,
    ) -> Iterator[Sample]:
        n_chars = haystack.n_chars()
        for number, question in enumerate(episode.questions):
            places = haystack.places([told.facts[fact] for fact in question.supporting])
            yield Sample(
                id=_sample_id(identity, number),
                task=name,
                length=length.label,
                index=index,
                seed=self.seed,
                n_tokens=haystack.n_tokens,
                n_chars=n_chars,
                question=question.text,
                answer=question.answer,
                choices=question.choices,
                facts=tuple(places[fact] for fact in told.facts),
                haystack_id=digest(*identity)[:32],
                wraps=haystack.wraps,
                n_distractors=told.n_distractors,
                document=haystack,
            )


def _sample_id(identity: tuple[object, ...], number: int) -> str:
    return digest(*identity, "question", number)[:32]


def _stream(*key: object) -> np.random.Generator:
    """The random stream that belongs to a key: counter-based, so streams of different keys are independent."""
    return np.random.Generator(np.random.Philox(key=int(digest(*key)[:32], 16)))
