"""Batches of fresh training samples, without end: a batch is a pure function of its number and its random stream.

segments 3    |  64 tokens  |  64 tokens  |  37 tokens, question  |     the length is drawn anew for every batch,
              |  64 tokens  |  61 tokens  |  question             |     so the question meets every length of tail
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..base.errors import UserError
from ..generators.haystack import Haystack, PlacedFact
from ..generators.lengths import Length
from ..generators.samples import Source
from ..tasks.episode import Task
from .curriculum import Stage
from .documents import Document, Shape

#: Episodes that are looked at to learn how long a task's facts and questions are.
_LOOKED_AT = 50


@dataclass(frozen=True)
class Example:
    """A document with a question, and which of `choices` is right.

    `facts` say where in the document each fact stands, in tokens; the answer is known once `known_after` were read.
    """

    document: Document
    choices: tuple[str, ...]
    target: int
    facts: tuple[tuple[int, int], ...] = ()
    known_after: int = 0


@dataclass(frozen=True)
class Batch:
    """Examples of one task, in groups of one shape: nearly always a single group.

    Facts can be longer than a short length, and questions differ.
    """

    task: str
    groups: list[list[Example]]


class Stream:
    """Fresh samples of some tasks; every batch is of one task. `source` is one of the `train` split.

    Of a batch that several processes share, `share` (which, of how many) is what this one gets. `others` are tasks that
    single stages ask for by name.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        source: Source,
        segment_length: int,
        batch_size: int,
        share: tuple[int, int] = (0, 1),
        others: Mapping[str, Task] | None = None,
    ):
        if share[1] > batch_size:
            raise UserError(f"{share[1]} processes cannot share a batch of {batch_size}: raise --batch-size")
        self.tasks = dict(tasks)
        self.source = source
        self.segment_length = segment_length
        self.batch_size = batch_size
        self._share = share
        self.others = dict(others or {})
        self._every = {**self.others, **self.tasks}
        self._longest = {name: self._look(name) for name in self._every}

    def names(self, stage: Stage) -> tuple[str, ...]:
        """The tasks that a stage reads."""
        return stage.tasks or tuple(self.tasks)

    def batch(self, number: int, segments: int, stage: Stage, rng: np.random.Generator) -> Batch:
        """Batch `number`, of documents that are read in `segments` segments, the question's included."""
        names = self.names(stage)
        name = names[int(rng.integers(len(names)))]
        tokens = self._tokens(name, segments, rng)
        if stage.tokens is not None:
            tokens = min(tokens, stage.tokens)
        groups: dict[Shape, list[Example]] = defaultdict(list)
        for example in self._examples(name, tokens, number, self.source.placed(stage.placement)):
            groups[example.document.shape(self.segment_length)].append(example)
        return Batch(name, list(groups.values()))

    def _examples(self, name: str, tokens: int, number: int, source: Source) -> Iterator[Example]:
        length = Length(str(tokens), tokens=tokens)
        first, step = self._share
        for index in range(number * self.batch_size + first, (number + 1) * self.batch_size, step):
            sample = source.samples(name, self._every[name], length, index)[0]
            if sample.answer not in sample.choices:
                raise UserError(
                    f"task {name!r} cannot be trained on: its answer {sample.answer!r} is not one of the choices "
                    f"({', '.join(sample.choices) or 'there are none'})"
                )
            question = source.encoder.short(sample.question)
            assert isinstance(sample.document, Haystack)
            document = Document(sample.document.tokens(), sample.n_tokens, question)
            places = [(fact.token_start, fact.token_start + self._size(fact)) for fact in sample.facts]
            known = [stop for fact, (_, stop) in zip(sample.facts, places, strict=True) if fact.supporting]
            target = sample.choices.index(sample.answer)
            yield Example(document, sample.choices, target, tuple(places), max(known, default=0))

    def _size(self, fact: PlacedFact) -> int:
        encoder = self.source.encoder
        return len(encoder.short(fact.text) if fact.token_start else encoder.text(fact.text))

    def _tokens(self, name: str, segments: int, rng: np.random.Generator) -> int:
        """A context length: each of those that are read in `segments` segments is as likely."""
        facts, question = self._longest[name]
        longest = segments * self.segment_length - question
        shortest = max(longest - self.segment_length + 1, min(facts, longest))
        return int(rng.integers(shortest, longest + 1))

    def _look(self, name: str) -> tuple[int, int]:
        """The most tokens that the facts of one episode, and one question, were seen to have."""
        facts = questions = 0
        for index in range(_LOOKED_AT):
            sample = self.source.samples(name, self._every[name], Length("0", tokens=0), index)[0]
            facts = max(facts, sample.n_tokens)
            questions = max(questions, len(self.source.encoder.short(sample.question)))
        return facts, questions
