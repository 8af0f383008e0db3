"""Evaluation: every unit of a plan is read, answered, scored and kept. What is kept already is not done again."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..base.errors import UserError
from ..base.files import digest
from ..generators.plan import Samples, Unit
from ..generators.tokens import Encoder
from .engines import Workers, done_by_workers, done_here
from .environment import environment
from .faults import Failure, failures
from .jobs import Done, Job, Settings
from .model import SegmentModel
from .reading import model_device
from .record import Record, RunFolder
from .setup import Setup
from .watching import Caller, Progress

_LOG = logging.getLogger("rmt_bench")


@dataclass(frozen=True)
class Outcome:
    """What an evaluation came to: the run's folder, and which of its questions ended in an error."""

    folder: Path
    failures: tuple[Failure, ...] = ()

    @property
    def errors(self) -> int:
        """How many questions ended in an error."""
        return sum(failure.count for failure in self.failures)

    @property
    def reason(self) -> str:
        """The most frequent reason; nothing when there was no error."""
        return self.failures[0].reason if self.failures else ""


def evaluate(
    model: SegmentModel | str,
    samples: Samples,
    output: str | Path,
    *,
    name: str | None = None,
    options: dict[str, Any] | None = None,
    setup: Setup | None = None,
    batch_size: int = 8,
    checkpoint_every: int | None = None,
    probes: Sequence[int] = (),
    one_pass: bool = False,
    workers: Workers | None = None,
    progress: Progress = lambda unit, tokens: None,
    notice: Callable[[str], None] = _LOG.warning,
) -> Outcome:
    """Ask `model` every question of `samples` and keep the records under `output`.

    `model` is one that is made, or what `load_model` takes, then made with `options`. `name` is what tables call it;
    `setup` says how it was made, and how `workers` make it (None: this process does the work).

    Called again with the same arguments it does what is missing, and nothing twice: a reading that was interrupted is
    gone on with, from where it stood at most `checkpoint_every` segments before (None: half a minute before). With
    `one_pass` the documents of a story at several lengths are read in one pass, as far as they are the same. `probes`
    are distances in segments from the last supporting fact, at which each question is asked, too (0: right after it).

    A question longer than a segment is recorded as skipped, as is a document longer than the model's `max_tokens`; a
    model that raises spoils its batch only, recorded as errors with the reason; they are asked again by the next call.
    `notice` hears what a user should know. Raises `UserError` when `output` holds something else.
    """
    _refuse_nonsense(batch_size, checkpoint_every, probes, one_pass)
    if isinstance(model, str):
        setup = setup or Setup(model, options or {})
        name = name or model
        model = (setup if workers is None else setup.for_a_look).make()
    if workers is not None and setup is None:
        raise UserError(
            "workers make a model of their own: give its name (such as path/to/file.py:factory), not itself"
        )
    folder = RunFolder(output)
    settings = Settings(folder.path / "partial", batch_size, checkpoint_every, tuple(sorted(set(probes))))
    info = _describe(model, name or type(model).__name__, options or {}, samples)
    info["identity"] |= (setup.identity if setup else {}) | ({"probes": list(settings.probes)} if probes else {})
    info |= {"device": setup.device} if workers and setup else {}
    watcher = Caller(progress, notice)
    with folder.opened(info):
        left = list(_unfinished(folder, samples, progress))
        kept = folder.kept() if left else {}
        jobs = _jobs(left, kept.values(), one_pass)
        if workers is None:
            finished = done_here(model, samples, settings, jobs, watcher)
        else:
            assert setup is not None
            finished = done_by_workers(workers, setup, samples, settings, jobs, watcher)
        with closing(finished):
            for job, done in finished:
                _keep(folder, job, done, kept)
                settings.journal(job).unlink(missing_ok=True)
        if settings.partial.is_dir():
            shutil.rmtree(settings.partial)
        return Outcome(folder.path, tuple(failures(folder.records())))


def _refuse_nonsense(batch_size: int, checkpoint_every: int | None, probes: Sequence[int], one_pass: bool) -> None:
    if batch_size < 1:
        raise UserError(f"the batch size is a number from 1 on, not {batch_size}")
    if checkpoint_every is not None and checkpoint_every < 1:
        raise UserError(f"checkpoint_every is a number of segments from 1 on, not {checkpoint_every}")
    if any(distance < 0 for distance in probes):
        raise UserError(f"probes are distances in segments from 0 on, not {min(probes)}")
    if probes and one_pass:
        raise UserError("probes are asked of every length by itself: leave out one_pass (--one-pass), or the probes")


def _unfinished(folder: RunFolder, samples: Samples, progress: Progress) -> Iterator[Unit]:
    """The units that are left to do."""
    for unit in samples.units():
        if folder.is_finished(unit.name):
            progress(unit, None)
        else:
            yield unit


def _jobs(units: Iterable[Unit], kept: Iterable[Record], one_pass: bool) -> list[Job]:
    """Units as jobs, each with the samples that were asked before. In one pass: the same stories at all lengths."""
    done: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in kept:
        done[record.task, record.length].add(record.sample_id)
    groups: dict[tuple[object, ...], list[Unit]] = defaultdict(list)
    for unit in units:
        groups[(unit.task, unit.start) if one_pass else (unit.name,)].append(unit)
    return [
        Job(
            tuple(group),
            frozenset().union(*(done[unit.task, unit.length] for unit in group)),
            name=digest("one pass", *key)[:24] if one_pass else "",
        )
        for key, group in groups.items()
    ]


def _keep(folder: RunFolder, job: Job, done: Done, kept: Mapping[str, Record]) -> None:
    """Write the records of a job's units, those that were made before and those that are new."""
    records = [*(kept[sample] for sample in done.before), *done.records]
    for unit in job.units:
        folder.write_unit(unit.name, [record for record in records if record.length == unit.length])


def _describe(model: SegmentModel, name: str, options: dict[str, Any], samples: Samples) -> dict[str, Any]:
    """What run.json says: `identity` is what a run is; the rest is where, when and with what it was made."""
    fingerprint = Encoder(model.tokenizer).fingerprint
    incidental = getattr(model, "incidental", ())
    settings = getattr(model, "identity", {})
    return {
        "identity": {
            "model": name,
            "options": {option: value for option, value in options.items() if option not in incidental},
            **({"settings": settings} if settings else {}),
            "weights": weights_digest(model),
            "segment_length": model.segment_length,
            "model_tokenizer": fingerprint,
            "samples": samples.identity(),
            "scorer": "strict",
        },
        "tasks": list(dict.fromkeys(unit.task for unit in samples.units())),
        "trained_segments": getattr(model, "trained_segments", {}),
        "about": {**getattr(model, "about", {}), **{key: options[key] for key in incidental if key in options}},
        "device": str(model_device(model)),
        **environment(),
    }


def weights_digest(model: SegmentModel) -> str | None:
    """A hash of a torch module's parameters, so that a run cannot go on with other weights."""
    if not isinstance(model, torch.nn.Module):
        return None
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]
