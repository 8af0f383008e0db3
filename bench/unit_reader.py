"""One unit of work: its samples are made ready, read in batches, asked, scored; what is done of it is kept as it goes.

A batch that fails spoils itself only; one for which memory does not suffice is read again by halves. The outcome
depends on the unit and the model alone: every batch sets torch's random stream by what it is.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch

from ..base.errors import UserError, one_line
from ..generators.plan import Samples, Unit
from ..generators.samples import Sample
from ..generators.tokens import Encoder
from ..tasks.scoring import Score, strict
from .cost import Peaks, can_be_tried, flops_per_token, is_compiled, warm_up
from .faults import free_memory, is_out_of_memory, reason
from .jobs import Batch, Done, Job, Settings
from .journal import Journal
from .model import Reply
from .prefetch import prefetched
from .questions import Case, Prepared, Reader, prepare
from .reading import Heard, Standing, model_device, read_through
from .record import Probe, Record
from .visits import Bundle, bundles, make_visits
from .watching import Watcher


class UnitReader:
    """A model, ready to work on units of `samples`."""

    def __init__(self, model: Any, samples: Samples, settings: Settings, watcher: Watcher):
        self.model = model
        self._samples = samples
        self._settings = settings
        self._watcher = watcher
        self._device = model_device(model)
        self._peaks = Peaks(self._device)
        self._reader = Reader(
            Encoder(model.tokenizer), model.segment_length, getattr(model, "max_tokens", None), settings.probes
        )
        self._room: dict[int, int] = {}  # rows for which memory may suffice, by the segments of their documents
        self._flops: float | None = None
        self._cold = True

    def work(self, job: Job) -> Done:
        """A record for each of the job's samples that is not done. What was done of it before is gone on with.

        Raises `UserError` when the model says that the call is wrong.
        """
        journal = Journal(self._settings.journal(job), self._device, self._settings.every, self._watcher.notice)
        entry = journal.load()
        entry.records = [r for r in entry.records if r.status != "error" and job.wants(r)]
        kept = {record.sample_id for record in entry.records}
        self._before: set[str] = set()
        self._watcher.tokens(job.units[0], 0)
        with prefetched(self._made_ready(job, kept)) as waiting:
            for thing in waiting:
                if isinstance(thing, Batch):
                    self._work_on(thing, journal, job)
                else:
                    journal.add([thing])
        return Done(journal.entry.records, frozenset(self._before))

    def _made_ready(self, job: Job, kept: set[str]) -> Iterator[Batch | Record]:
        """Batches of what is to be read, and records of what is not."""
        waiting: dict[Any, list[Bundle]] = defaultdict(list)
        cases: dict[str, Case] = {}
        for told in _stories(self._samples, job.units):
            self._before |= {sample.id for sample in told if sample.id in job.done}
            story = [sample for sample in told if sample.id not in kept and sample.id not in job.done]
            prepared = [
                prepare(group, self._reader)
                for _, samples in groupby(story, lambda sample: (sample.length, sample.haystack_id))
                if (group := [sample for sample in samples if sample.id not in job.spoiled])
            ]
            yield from self._unread(prepared, story, job.spoiled)
            cases |= {case.sample.id: case for made in prepared for case in made.cases}
            texts = [made.text for made in prepared if made.text is not None]
            for bundle in bundles(texts, self._reader.segment_length):
                alike = waiting[bundle.shapes]
                alike.append(bundle)
                if len(alike) == self._settings.batch_size:
                    yield _batch(waiting.pop(bundle.shapes), cases)
        for rows in waiting.values():
            yield _batch(rows, cases)

    def _unread(
        self, prepared: Iterable[Prepared], story: Iterable[Sample], spoiled: Mapping[str, str]
    ) -> Iterator[Record]:
        for case in (case for made in prepared for case in made.cases if case.refusal):
            yield _record(case, "", Score(False, "", "skipped", case.refusal))
        for sample in (sample for sample in story if sample.id in spoiled):
            (case,) = prepare([sample], self._reader).cases
            yield _record(case, "", Score(False, "", "error", spoiled[sample.id]))

    def _work_on(self, batch: Batch, journal: Journal, job: Job) -> None:
        """Read a batch, by halves where memory does not suffice for all of it; its records go to the journal."""
        segments = batch.rows[0].shapes[-1].segments
        room = min((rows for known, rows in self._room.items() if known <= segments), default=len(batch.rows))
        was_halved = bool(journal.waiting) and batch.has_part(journal.waiting)
        if was_halved or len(batch.rows) > room:
            for half in batch.halves():
                self._work_on(half, journal, job)
            return
        failure = self._read(batch, journal, job)
        self._watcher.alive(busy=False)
        if failure is None:
            return
        free_memory()
        if is_out_of_memory(failure) and len(batch.rows) > 1:
            self._room[segments] = len(batch.rows) // 2
            told = f"out of memory with {len(batch.rows)} documents of {segments:,} segments at once"
            self._watcher.notice(f"{told}: going on with {self._room[segments]}")
            self._work_on(batch, journal, job)
        else:
            failed = Score(False, "", "error", reason(failure))
            journal.add([_record(batch.cases[sample], "", failed) for sample in batch.samples])

    def _read(self, batch: Batch, journal: Journal, job: Job) -> Exception | None:
        """Read a batch and keep its records; what the model raised, if it did."""
        self._watcher.begins(batch.samples)
        if self._cold:
            self._get_warm(len(batch.rows))
        standing = journal.begin(batch.name)
        if standing is None:
            torch.manual_seed(int(batch.name[:8], 16))
        units = [job.unit(length) for length in batch.lengths]
        self._peaks.begin()
        try:
            heard = read_through(
                self.model,
                [bundle.trunk for bundle in batch.rows],
                make_visits(batch.rows),
                lambda count: self._watcher.tokens(units[-1], count),
                _Watched(journal, self._watcher),
                standing,
            )
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin's failure is recorded, with its reason, and the rest goes on
            return error.with_traceback(None)
        journal.add([self._asked(batch, sample, heard) for sample in batch.samples])
        for number, unit in enumerate(units[:-1]):
            self._watcher.tokens(unit, sum(bundle.texts[number].document.n_tokens for bundle in batch.rows))
        return None

    def _asked(self, batch: Batch, sample: str, heard: Mapping[Any, Heard]) -> Record:
        case, rows = batch.cases[sample], len(batch.rows)
        last = heard[sample, None]
        record = _record(case, last.reply.text, _score(last.reply, case.sample))
        probes = (
            (distance, heard[sample, distance].reply) for distance in self._reader.probes if (sample, distance) in heard
        )
        return replace(
            record,
            read_seconds=last.read_seconds / rows,
            answer_seconds=last.answer_seconds / rows,
            state_bytes=last.state_bytes // rows,
            peak_memory_bytes=self._peaks.host_bytes,
            peak_device_bytes=self._peaks.device_bytes,
            flops_per_token=self._flops,
            probes=tuple(_probe(distance, _score(reply, case.sample)) for distance, reply in probes),
        )

    def _get_warm(self, rows: int) -> None:
        """Before anything is timed: what a torch module does only once, and its operations counted."""
        self._cold = False
        if not can_be_tried(self.model):
            return
        self._watcher.alive(busy=not is_compiled(self.model))  # to compile takes its time
        try:
            warm_up(self.model, rows)
        except Exception:  # noqa: BLE001 - the reading that follows meets it again, and its records tell of it
            return
        try:
            self._flops = flops_per_token(self.model)
        except Exception as error:  # noqa: BLE001 - it is said; a column stays empty
            self._watcher.notice(f"operations could not be counted: {one_line(error)}")


@dataclass(frozen=True)
class _Watched:
    """A journal whose reading gives signs of life."""

    journal: Journal
    watcher: Watcher

    def busy(self, at_work: bool) -> None:
        """See `Keeper`."""
        self.watcher.alive(at_work)

    def due(self, segments: int) -> bool:
        """See `Keeper`."""
        return self.journal.due(segments)

    def keep(self, standing: Standing) -> None:
        """See `Keeper`."""
        self.watcher.alive(busy=False)
        self.journal.keep(standing)
        self.watcher.alive(busy=True)


def _stories(samples: Samples, units: Sequence[Unit]) -> Iterator[list[Sample]]:
    """The samples of each story, from all units."""
    streams = (samples.samples(unit) for unit in units)
    for _, story in groupby(heapq.merge(*streams, key=lambda sample: sample.index), lambda sample: sample.index):
        yield list(story)


def _batch(rows: Sequence[Bundle], cases: dict[str, Case]) -> Batch:
    """A batch, which takes its cases along."""
    batch = Batch(tuple(rows), {})
    return replace(batch, cases={sample: cases.pop(sample) for sample in batch.samples})


def _score(reply: Reply, sample: Sample) -> Score:
    if reply.status in ("skipped", "error"):
        return Score(False, "", reply.status, reply.reason)
    score = strict(reply.text, sample.answer, sample.choices, sample.question)
    return replace(score, reason=", ".join(filter(None, (score.reason, reply.reason))))


def _probe(distance: int, score: Score) -> Probe:
    return Probe(distance, score.answer, score.correct, score.status)


def _record(case: Case, output: str, score: Score) -> Record:
    sample = case.sample
    return Record(
        sample_id=sample.id,
        haystack_id=sample.haystack_id,
        task=sample.task,
        length=sample.length,
        index=sample.index,
        n_tokens=sample.n_tokens,
        model_tokens=case.model_tokens,
        segments=case.segments,
        question=sample.question,
        target=sample.answer,
        choices=sample.choices,
        output=output,
        answer=score.answer,
        correct=score.correct,
        status=score.status,
        reason=score.reason,
        depths=tuple(fact.depth for fact in sample.facts if fact.supporting),
        read_seconds=0.0,
        answer_seconds=0.0,
        state_bytes=0,
        peak_memory_bytes=0,
        segments_since=case.since,
    )
