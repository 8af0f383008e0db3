"""The two nouns of a task author: an `Episode` is a short story with questions; a `Task` makes them.

Nothing here knows of tokens, filler or models.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import Field, dataclass, fields
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Question:
    """One question about an episode.

    `answer` is the right answer; `choices` are the labels an answer is chosen from (empty: free text). An answer
    that is a list holds its items joined by commas (`"apple,milk"`), each of them one of the choices.
    `supporting` are the positions in `Episode.facts` that the answer follows from; nothing else there bears on it.
    """

    text: str
    answer: str
    choices: tuple[str, ...]
    supporting: tuple[int, ...]


@dataclass(frozen=True)
class Episode:
    """Facts in story order, each one sentence, and the questions asked after all of them.

    Example: `Episode(("Mary went to the office.",), (Question("Where is Mary?", "office", PLACES, (0,)),))`
    """

    facts: tuple[str, ...]
    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        for question in self.questions:
            if any(not 0 <= i < len(self.facts) for i in question.supporting):
                raise ValueError(f"supporting facts {question.supporting} are not among {len(self.facts)} facts")


@dataclass(frozen=True)
class Task(ABC):
    """A family of episodes. Subclass it as a frozen dataclass: the fields are the task's knobs.

    `labels` are all the answers the task can have. `lexicon` are the names, places and things that carry its
    meaning: none of them, in no form, may occur in filler. `placement` says where facts lie unless the user says
    otherwise (see generators.placement). The class's first docstring line is what `rmt-bench tasks` prints.
    """

    labels: ClassVar[tuple[str, ...]] = ()
    placement: ClassVar[str] = "uniform"

    @abstractmethod
    def episode(self, rng: np.random.Generator) -> Episode:
        """Draw one episode. Every choice comes from `rng`; the same stream gives the same episode."""

    @property
    @abstractmethod
    def lexicon(self) -> frozenset[str]:
        """Lower-case words that carry the task's meaning."""

    @property
    def chance(self) -> float:
        """The accuracy of uniform guessing among the labels; 0 when the answer is free text."""
        return 1 / len(self.labels) if self.labels else 0.0

    def of_split(self, split: str) -> Task:
        """The same task for the `test` or the `train` split: one that can, draws words that the other never does."""
        return self

    def knobs(self) -> dict[str, object]:
        """The task's settings by name, as they enter a sample's identity."""
        return {knob_name(field): getattr(self, field.name) for field in fields(self)}


def knob_name(field: Field[object]) -> str:
    """What a user calls a field of a task: its name, unless its metadata has a `knob` (`lexicon` is taken)."""
    return field.metadata.get("knob", field.name)
