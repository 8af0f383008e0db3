"""The command that prints the whole text of one sample: its plan, from what run.json says. Makes no text itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..records import OWN, Run

#: What `generate` takes when it is told nothing, of the options that run.json names.
_USUAL = {
    "tokenizer": "embedded",
    "background": "prose",
    "seed": 0,
    "placement": None,
    "distractors": 0.0,
    "style": "none",
}


def command_of(run: Run, task: str, length: str, index: int | None, sample_id: str) -> str:
    """The command that makes the text of a sample again and prints it; empty where run.json does not say enough."""
    samples = run.identity.get("samples")
    if run.source != OWN or not isinstance(samples, Mapping) or "files" in samples or index is None:
        return ""
    options = _options(samples, task, length)
    if options is None:
        return ""
    given = "".join(f", {name}={_literal(value)}" for name, value in options)
    call = f"rmt_bench.generate([{_literal(task)}], {_literal(length)}, samples={index + 1}{given})"
    code = f"import rmt_bench; print(next(s.text for s in {call} if s.id == {_literal(sample_id)}))"
    return f"python -c {shlex.quote(code)}"


def _options(samples: Mapping[str, Any], task: str, length: str) -> list[tuple[str, Any]] | None:
    """What `generate` must be told besides task and length; None where a path would be needed that is not known."""
    background = str(samples.get("background"))
    knobs = samples.get("knobs", {}).get(task, {}) if isinstance(samples.get("knobs", {}), Mapping) else {}
    if not (background in ("prose", "noise") or background.startswith("hf:")) or "fingerprint" in knobs:
        return None
    turned = [(name, samples[name]) for name, value in _USUAL.items() if name in samples and samples[name] != value]
    turned += [("task_args", dict(knobs))] if knobs else []
    turned += [("segment_length", samples.get("segment_length"))] if length.endswith("seg") else []
    return turned if all(_plain(value) for _, value in turned) else None


def _literal(value: object) -> str:
    """A plain value as Python reads it, with the quotation marks that a shell leaves alone."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _plain(value: object) -> bool:
    inner: Iterator[object] = iter(value.values()) if isinstance(value, dict) else iter((value,))
    return all(isinstance(one, str | int | float) for one in inner)
