"""Logs of inspect_ai (`.eval`, `.json`), read by its own library where that is installed. Knows nobody else's files.

A log is one task with one model. Its length is the task's argument `length`, or each sample's metadata `length`; the
question and the choices are those of the sample's metadata, else the sample's, else those of the log's bAbI task.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.files import digest, read_json, sha256_file
from ..tasks.scoring import Score
from .imports import Answer, Imported, Outcome, Unit, choices_of, write_imported

KIND = "inspect"
_RIGHT = ("C", "c", 1, 1.0, True, "1", "1.0")
#: What the score in a log that rmt-bench wrote says of an answer.
_OURS = ("answered", "invalid", "skipped")
_MISSING = "reading .eval files takes inspect_ai: pip install 'rmt-bench[inspect]', or convert the log to .json"
_TASK = re.compile(r"(?:.*/)?(?:babilong[_-])?(?P<task>[^/]+)")


def import_inspect(file: str | Path, output: str | Path) -> Outcome:
    """Write one run of a log. Raises `UserError` when the file is none, or says nothing of a length."""
    path = Path(file)
    log = _read(path)
    spec = log.get("eval") if isinstance(log, dict) else None
    samples = log.get("samples") if isinstance(log, dict) else None
    if not isinstance(spec, dict) or "task" not in spec or "model" not in spec:
        raise UserError(f"{path} is no log of inspect_ai: it has no eval.task and eval.model")
    if not samples:
        raise UserError(f"{path} holds no samples (its status is {log.get('status')!r}): log them with --log-samples")
    match = _TASK.fullmatch(str(spec["task"]))
    task = match["task"] if match else str(spec["task"])
    units: dict[str, list[Answer]] = defaultdict(list)
    problems, scorers = [], set()
    for number, sample in enumerate(samples):
        length = _length(spec, sample)
        if length is None:
            raise UserError(
                f"{path} says of no length: give the task an argument `length`, or its samples such metadata"
            )
        try:
            scorers |= _scorers(sample)
            units[length].append(_answer(sample, number, task, length))
        except ValueError as error:
            problems.append(f"{path}, sample {sample.get('id', number)}: {error}")
    if len(scorers) != 1:
        reason = (log.get("error") or {}).get("message", "no sample has a score")
        found = (
            f"several scorers: {', '.join(sorted(scorers))}"
            if scorers
            else f"no scores ({reason.splitlines()[0][:200]})"
        )
        raise UserError(f"{path} has {found}; one scorer is needed")
    answers = [answer for unit in units.values() for answer in unit]
    run = Imported(
        str(spec["model"]), _prompt(log), KIND, scorers.pop(), {"benchmark": str(spec["task"]), **_dataset(spec)},
        _provenance(log, path), rescorable=all(answer.choices for answer in answers), origin=path.name,
    )  # fmt: skip
    parts = [Unit(f"{path.name} {length}", task, length, found) for length, found in units.items()]
    return Outcome([write_imported(output, run, parts)], 1, problems, [])


def _read(path: Path) -> dict[str, Any]:
    """A log as plain values."""
    if not path.is_file():
        raise UserError(f"no such file: {path}; give a log of inspect_ai, .eval or .json")
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        if path.suffix != ".json":
            raise UserError(_MISSING) from error
        return read_json(path)
    try:
        return read_eval_log(str(path), resolve_attachments=True).model_dump(mode="json")
    except Exception as error:  # its reader raises what it likes; told in one line
        raise UserError(f"{path} is no log that inspect_ai can read ({type(error).__name__})") from error


def _length(spec: Mapping[str, Any], sample: Mapping[str, Any]) -> str | None:
    told = (sample.get("metadata") or {}).get("length", (spec.get("task_args") or {}).get("length"))
    return None if told is None else str(told)


def _scorers(sample: Mapping[str, Any]) -> set[str]:
    """Who judged a sample: one scorer, or nobody if it failed."""
    if sample.get("error"):
        return set()
    scores = sample.get("scores") or {}
    if len(scores) != 1:
        raise ValueError(f"it has {len(scores)} scores; one is needed")
    return {f"{KIND}:{name}" for name in scores}


def _answer(sample: Mapping[str, Any], number: int, task: str, length: str) -> Answer:
    """One sample. Raises `ValueError` that says what is wrong with it."""
    metadata = sample.get("metadata") or {}
    target = sample.get("target")
    target = ",".join(map(str, target)) if isinstance(target, list) else str(target or "")
    if not target:
        raise ValueError("it has no target")
    question = str(metadata.get("question") or _last_line(sample.get("input")))
    choices = tuple(map(str, metadata.get("choices") or sample.get("choices") or choices_of(task)))
    output = str((sample.get("output") or {}).get("completion") or "")
    if sample.get("error"):
        score = Score(False, "", "error", str(sample["error"].get("message", "error"))[:200])
    else:
        (said,) = sample["scores"].values()
        told = said.get("metadata") or {}
        status = told["status"] if told.get("status") in _OURS else "answered"
        score = Score(said.get("value") in _RIGHT, str(said.get("answer") or ""), status, str(told.get("reason") or ""))
    key = str(metadata.get("id") or digest(task, length, str(sample.get("id")), question, target)[:32])
    haystack = str(metadata.get("haystack_id") or "")
    tokens = metadata.get("n_tokens")
    index = int(metadata.get("index", number))
    return Answer(
        key, index, question, target, choices, output, score, haystack, None if tokens is None else int(tokens)
    )


def _last_line(said: Any) -> str:
    """The last line that the user was asked: where a sample names no question, that is where it stands."""
    if isinstance(said, list):
        texts = [turn.get("content") for turn in said if turn.get("role") == "user"]
        said = texts[-1] if texts else ""
    return str(said or "").strip().rsplit("\n", 1)[-1]


def _prompt(log: Mapping[str, Any]) -> str:
    steps = (log.get("plan") or {}).get("steps") or []
    return "+".join(str(step.get("solver")) for step in steps)


def _dataset(spec: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {key: value for key, value in (spec.get("task_args") or {}).items() if key != "length"}
    return {"dataset": (spec.get("dataset") or {}).get("name"), "arguments": arguments}


def _provenance(log: Mapping[str, Any], path: Path) -> dict[str, Any]:
    spec = log["eval"]
    told = {key: spec.get(key) for key in ("created", "task", "task_args", "model_args", "packages", "revision")}
    return {
        "files": {path.name: sha256_file(path)},
        "status": log.get("status"),
        **{key: value for key, value in told.items() if value is not None},
    }
