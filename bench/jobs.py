"""Pieces of work as plain values: jobs of units, batches of documents that are read together, and how it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base.files import digest
from ..generators.plan import Unit
from .questions import Case
from .record import Record
from .visits import Bundle


@dataclass(frozen=True)
class Settings:
    """How units are worked on. Nothing here changes an answer, save that `probes` asks more questions.

    `batch_size` documents are read together; `every` is that of `Journal`, whose files lie in `partial`; `probes` are
    distances in segments.
    """

    partial: Path
    batch_size: int = 8
    every: int | None = None
    probes: tuple[int, ...] = ()

    def journal(self, job: Job) -> Path:
        """Where what is done of an unfinished job is kept."""
        return self.partial / f"{job.label}.safetensors"


@dataclass(frozen=True)
class Job:
    """Units whose documents are read together: of one task, the same stories at several lengths, or a single one.

    `done` are the samples that need not be asked again; `spoiled` those that are not asked, because that failed: why.
    """

    units: tuple[Unit, ...]
    done: frozenset[str] = frozenset()
    spoiled: Mapping[str, str] = field(default_factory=dict)

    name: str = ""

    @property
    def label(self) -> str:
        """What its journal is called: the unit's name, unless it has one of its own."""
        return self.name or self.units[0].name

    def unit(self, length: str) -> Unit:
        """The one of its units whose samples have this length."""
        return next(unit for unit in self.units if unit.length == length)

    def wants(self, record: Record) -> bool:
        """Whether a record, which a journal may have of a call for other lengths or more samples, is one of its own."""
        its_own = any(unit.length == record.length and unit.start <= record.index < unit.stop for unit in self.units)
        return its_own and record.sample_id not in self.done


@dataclass(frozen=True)
class Done:
    """What came of a job: new records, and which of the samples that were done before belong to it."""

    records: list[Record]
    before: frozenset[str]


@dataclass(frozen=True)
class Batch:
    """Bundles of equal shapes, which are read side by side, and the cases they belong to, by sample."""

    rows: tuple[Bundle, ...]
    cases: Mapping[str, Case]

    @property
    def samples(self) -> list[str]:
        """The samples that are asked about, by id."""
        return [ask.key[0] for row in self.rows for text in row.texts for ask in text.asks if ask.after is None]  # type: ignore[index]

    @property
    def lengths(self) -> list[str]:
        """The lengths of its texts, shortest first, as the user wrote them."""
        return [self.cases[text.asks[0].key[0]].sample.length for text in self.rows[0].texts]  # type: ignore[index]

    @property
    def name(self) -> str:
        """A hash of what it is."""
        return digest("batch", *self.samples)[:24]

    def halves(self) -> Iterator[Batch]:
        """Two batches of half the rows; none of a single row."""
        middle = len(self.rows) // 2
        yield from (replace(self, rows=rows) for rows in (self.rows[:middle], self.rows[middle:]) if middle)

    def has_part(self, name: str) -> bool:
        """Whether a batch of that name comes of it, if it is halved, and perhaps halved again."""
        return any(half.name == name or half.has_part(name) for half in self.halves())
