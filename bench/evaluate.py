"""Evaluation: every unit of a plan is read, answered, scored and kept. What is kept already is not done again."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..base.errors import UserError, one_line
from ..generators.haystack import Haystack
from ..generators.plan import Samples, Unit
from ..generators.samples import Sample
from ..generators.tokens import Encoder
from ..tasks.scoring import Score, strict
from .environment import environment, peak_memory_bytes
from .model import Reply, SegmentModel, load_model
from .reading import Document, Reading, Shape, model_device, read_batch
from .record import Record, RunFolder

#: Characters of stored text that are tokenised at a time.
_CHUNK = 100_000


class Progress(Protocol):
    """Whoever shows how far the work is."""

    def __call__(self, unit: Unit, tokens: int | None) -> None:
        """`tokens` more were read for `unit`; None: it was finished before, and is passed over."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What an evaluation came to: the run's folder, how many of its questions ended in an error, and the first one."""

    folder: Path
    errors: int
    reason: str = ""


def evaluate(
    model: SegmentModel | str,
    samples: Samples,
    output: str | Path,
    *,
    name: str | None = None,
    options: dict[str, Any] | None = None,
    batch_size: int = 8,
    progress: Progress = lambda unit, tokens: None,
) -> Outcome:
    """Ask `model` every question of `samples` and keep the records under `output`.

    `model` is one that is made, or what `load_model` takes, then made with `options`. `name` is what tables call it.
    Called again with the same arguments it does what is missing, and nothing twice. A question longer than a segment
    is recorded as skipped, as is a document longer than the model's `max_tokens`; a model that raises spoils its batch
    only, recorded as errors with the reason. Raises `UserError` when `output` holds something else.
    """
    if batch_size < 1:
        raise UserError(f"the batch size is a number from 1 on, not {batch_size}")
    if isinstance(model, str):
        name = name or model
        model = load_model(model, **(options or {}))
    folder = RunFolder(output)
    encoder = Encoder(model.tokenizer)
    with folder.opened(_describe(model, name or type(model).__name__, options or {}, samples)):
        for unit in samples.units():
            if folder.is_finished(unit.name):
                progress(unit, None)
            else:
                progress(unit, 0)
                torch.manual_seed(int(unit.name[:8], 16))
                folder.write_unit(unit.name, list(_unit_records(model, encoder, samples, unit, batch_size, progress)))
        reasons = folder.errors()
    return Outcome(folder.path, len(reasons), reasons[0] if reasons else "")


@dataclass(frozen=True)
class _Ready:
    """A sample with its tokens under the model's tokenizer."""

    sample: Sample
    document: Document


def _unit_records(
    model: SegmentModel, encoder: Encoder, samples: Samples, unit: Unit, batch_size: int, progress: Progress
) -> Iterator[Record]:
    waiting: dict[Shape, list[_Ready]] = defaultdict(list)
    for sample in samples.samples(unit):
        ready = _Ready(sample, _document(sample, encoder))
        if reason := _too_long(ready.document, model):
            yield _record(ready, 0, "", Score(False, "", "skipped", reason))
            continue
        shape = ready.document.shape(model.segment_length)
        waiting[shape].append(ready)
        if len(waiting[shape]) == batch_size:
            yield from _batch_records(model, waiting.pop(shape), unit, progress)
    for batch in waiting.values():
        yield from _batch_records(model, batch, unit, progress)


def _too_long(document: Document, model: SegmentModel) -> str:
    """Why a model cannot be asked about a document; nothing when it can."""
    question, limit = len(document.question), getattr(model, "max_tokens", None)
    if question > model.segment_length:
        return f"the question has {question} tokens, a segment {model.segment_length}"
    if limit is not None and document.n_tokens + question > limit:
        return f"document and question have {document.n_tokens + question:,} tokens, the model takes {limit:,}"
    return ""


def _document(sample: Sample, encoder: Encoder) -> Document:
    question = encoder.short(sample.question)
    haystack = sample.document
    if isinstance(haystack, Haystack) and haystack.shelf.encoder.fingerprint == encoder.fingerprint:
        return Document(haystack.tokens(), sample.n_tokens, question)
    context = _tokenise(sample.text, encoder)
    return Document(iter(context), sum(map(len, context)), question)


def _tokenise(text: str, encoder: Encoder) -> list[np.ndarray]:
    """A text's tokens, made chunk by chunk, cut between sentences so that the cut changes none."""
    chunks, start = [], 0
    while start < len(text):
        cut = re.compile(r"(?<=[.!?]) ").search(text, start + _CHUNK)
        stop = cut.start() if cut else len(text)
        chunks.append(text[start:stop])
        start = stop + 1
    if not chunks:
        return []
    later = [np.asarray(encoder.encode([chunk])[0], dtype=encoder.dtype) for chunk in chunks[1:]]
    return [encoder.text(chunks[0]), *later]


def _batch_records(model: SegmentModel, batch: Sequence[_Ready], unit: Unit, progress: Progress) -> Iterator[Record]:
    segments = batch[0].document.shape(model.segment_length).segments
    try:
        reading = read_batch(
            model,
            [ready.document for ready in batch],
            [ready.sample.choices for ready in batch],
            lambda tokens: progress(unit, tokens),
        )
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's failure is recorded, with its reason, and the rest goes on
        failed = Score(False, "", "error", one_line(error))
        yield from (_record(ready, segments, "", failed) for ready in batch)
        return
    for ready, reply in zip(batch, reading.replies, strict=True):
        yield _record(ready, segments, reply.text, _score(reply, ready.sample), reading, len(batch))


def _score(reply: Reply, sample: Sample) -> Score:
    if reply.status in ("skipped", "error"):
        return Score(False, "", reply.status, reply.reason)
    score = strict(reply.text, sample.answer, sample.choices)
    return replace(score, reason=", ".join(filter(None, (score.reason, reply.reason))))


def _record(
    ready: _Ready, segments: int, output: str, score: Score, reading: Reading | None = None, rows: int = 1
) -> Record:
    sample, document = ready.sample, ready.document
    return Record(
        sample_id=sample.id,
        haystack_id=sample.haystack_id,
        task=sample.task,
        length=sample.length,
        index=sample.index,
        n_tokens=sample.n_tokens,
        model_tokens=document.n_tokens + len(document.question),
        segments=segments,
        question=sample.question,
        target=sample.answer,
        choices=sample.choices,
        output=output,
        answer=score.answer,
        correct=score.correct,
        status=score.status,
        reason=score.reason,
        depths=tuple(fact.depth for fact in sample.facts if fact.supporting),
        read_seconds=reading.read_seconds / rows if reading else 0.0,
        answer_seconds=reading.answer_seconds / rows if reading else 0.0,
        state_bytes=reading.state_bytes // rows if reading else 0,
        peak_memory_bytes=peak_memory_bytes(),
    )


def _describe(model: SegmentModel, name: str, options: dict[str, Any], samples: Samples) -> dict[str, Any]:
    """What run.json says: `identity` is what a run is; the rest is where, when and with what it was made."""
    fingerprint = Encoder(model.tokenizer).fingerprint
    return {
        "identity": {
            "model": name,
            "options": options,
            "weights": _weights_digest(model),
            "segment_length": model.segment_length,
            "model_tokenizer": fingerprint,
            "samples": samples.identity(),
            "scorer": "strict",
        },
        "trained_segments": getattr(model, "trained_segments", {}),
        "device": str(model_device(model)),
        **environment(),
    }


def _weights_digest(model: SegmentModel) -> str | None:
    """A hash of a torch module's parameters, so that a run cannot go on with other weights."""
    if not isinstance(model, torch.nn.Module):
        return None
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]
