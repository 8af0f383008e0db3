"""Runs made by hand: what this room reads, without a model."""

from __future__ import annotations

from pathlib import Path

from rmt_bench.bench.record import Record, RunFolder

PLACES = ("garden", "kitchen", "office")


def record(number: int, *, correct: bool = True, task: str = "detect", length: str = "4k", **changes) -> Record:
    """One record of sample `number`."""
    values = {
        "sample_id": f"{task}-{length}-{number}", "haystack_id": f"h{number}", "task": task, "length": length,
        "index": number, "n_tokens": 4_000, "model_tokens": 4_005, "segments": 63, "question": "Where is Mary?",
        "target": "garden", "choices": PLACES, "output": "garden" if correct else "office",
        "answer": "garden" if correct else "office", "correct": correct, "status": "answered", "reason": "",
        "depths": (0.5,), "read_seconds": 0.1, "answer_seconds": 0.01, "state_bytes": 2_048,
        "peak_memory_bytes": 10**8,
    }  # fmt: skip
    return Record(**{**values, **changes})


def write_run(folder: Path, records: list[Record], model: str = "mine", identity: dict | None = None, **info) -> Path:
    """A run folder that holds `records`; `identity` is what its identity says beside the model."""
    run = RunFolder(folder)
    with run.opened({"identity": {"model": model, **(identity or {})}, **info}):
        run.write_unit("unit", records)
    return folder
