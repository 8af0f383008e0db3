"""Results of lm-evaluation-harness: its results JSON, and the samples beside it where they were logged.

results_2026-01-31T10-00-00.000000.json     accuracies of each task, n, settings
samples_babilong_qa1_2026-01-31T10-00-00.000000.jsonl      one line for each answer (--log_samples)

A task has a length if its metric is called by it (`"4096,none"`, as RULER's are), if its metadata names one
(`max_seq_lengths`, as babilong's; `rmt_bench`, as in tasks that were exported from here), or if its name ends with one
(`babilong_qa1_4k`); others are no long-context tasks, and are left out with a note.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.files import digest, read_json, sha256_file
from .imports import Answer, Imported, Outcome, Unit, chance_of, choices_of, judged, write_imported
from .tables import nominal_tokens

KIND = "lm-eval"
_PREFIX = "babilong_"
_LENGTH_KEYS = ("max_seq_lengths", "max_seq_length")
_IN_NAME = re.compile(r"(?P<task>.+)_(?P<length>\d+[kM])")
_METRICS = ("acc", "exact_match", "score")


def import_lm_eval(file: str | Path, output: str | Path) -> Outcome:
    """Write one run of a results JSON. Raises `UserError` when the file is none, or holds no task with a length."""
    path = Path(file)
    said = read_json(path)
    if not isinstance(said, dict) or not isinstance(said.get("results"), dict):
        raise UserError(f"{path} is no results file of lm-evaluation-harness: it has no `results`")
    notes, problems, aggregates, units = [], [], [], []
    for name, scores in said["results"].items():
        points = list(_points(said, name, scores))
        if not points:
            notes.append(f"{name} says nothing of a length; left out")
        for task, length, accuracy in points:
            beside = _samples_of(path, name) if choices_of(task) else None
            try:
                if beside is not None:
                    units.append(_unit(beside, task, length))
                else:
                    aggregates.append(_aggregate(said, name, task, length, accuracy))
            except ValueError as error:
                problems.append(f"{beside or path}: {error}")
    if not aggregates and not units:
        raise UserError(f"{path} holds no task with a length: it has {', '.join(said['results']) or 'no task'}")
    run = Imported(
        _model(said), _prompt(said), KIND, KIND, {"benchmark": KIND, "versions": said.get("versions", {})},
        _provenance(said, path), aggregates, origin=path.name,
    )  # fmt: skip
    return Outcome([write_imported(output, run, units)], 1, problems, notes)


def _points(said: Mapping[str, Any], name: str, scores: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """The task, length and accuracy of each metric that has a length."""
    plain = {metric.partition(",")[0]: value for metric, value in scores.items() if isinstance(value, int | float)}
    for metric, value in plain.items():
        if metric.isdigit() and 0 <= value <= 1:  # RULER gives -1 where a length was not asked
            yield name, metric, float(value)
    accuracy = next((plain[metric] for metric in _METRICS if metric in plain), None)
    if accuracy is None or not 0 <= accuracy <= 1:
        return
    if isinstance(ours := (said.get("configs", {}).get(name, {}).get("metadata") or {}).get("rmt_bench"), dict):
        yield str(ours["task"]), str(ours["length"]), float(accuracy)
        return
    inside = _IN_NAME.fullmatch(name)
    length = inside["length"] if inside else _length(said, name)
    if length:
        yield (inside["task"] if inside else name).removeprefix(_PREFIX), length, float(accuracy)


def _length(said: Mapping[str, Any], name: str) -> str | None:
    config = said.get("configs", {}).get(name, {})
    for metadata in (config.get("metadata"), said.get("config", {}).get("metadata")):
        for key in _LENGTH_KEYS:
            value = (metadata or {}).get(key)
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            if value is not None and nominal_tokens(str(value)) is not None:
                return str(value)
    return "0k" if name.startswith(_PREFIX) else None  # what babilong's tasks read unless they are told otherwise


def _aggregate(said: Mapping[str, Any], name: str, task: str, length: str, accuracy: float) -> dict[str, Any]:
    """A row of accuracies; n and correct where n is known and accuracy times n is a whole number."""
    n = said.get("n-samples", {}).get(name, {}).get("effective")
    whole = isinstance(n, int) and n > 0 and math.isclose(accuracy * n, round(accuracy * n), abs_tol=1e-6)
    counts = {"n": n, "correct": round(accuracy * n)} if whole else {}
    return {
        "task": task, "length": length, "n_tokens": nominal_tokens(length), "accuracy": accuracy,
        "chance": chance_of(task), **counts,
    }  # fmt: skip


def _samples_of(path: Path, name: str) -> Path | None:
    stamp = path.stem.removeprefix("results_")
    beside = path.with_name(f"samples_{name}_{stamp}.jsonl")
    return beside if beside.is_file() else None


def _unit(path: Path, task: str, length: str) -> Unit:
    """The answers of a samples file. Raises `ValueError` that says which line is wrong, and how."""
    answers, choices = [], choices_of(task)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                said = json.loads(line)
                index, document = int(said["doc_id"]), said["doc"]
                question, target = str(document["question"]), str(document["target"])
                output = str(said["resps"][0][0])
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise ValueError(f"line {number} is no sample of a babilong task ({error!r})") from error
            score = judged(KIND, task, question, target, choices, output)
            sample = digest("babilong", task, length, index, question.strip(), target)[:32]
            answers.append(Answer(sample, index, question, target, choices, output, score))
    return Unit(path.name, task, length, answers)


def _model(said: Mapping[str, Any]) -> str:
    config = said.get("config", {})
    arguments = config.get("model_args") or {}
    if isinstance(arguments, str):  # "pretrained=gpt2,dtype=float32"
        pairs = (part.partition("=") for part in arguments.split(","))
        arguments = {key: value for key, _, value in pairs}
    return str(said.get("model_name") or arguments.get("pretrained") or config.get("model") or "unknown model")


def _prompt(said: Mapping[str, Any]) -> str:
    """What of the prompt's settings is told, as one line."""
    shots = sorted({str(count) for count in said.get("n-shot", {}).values()})
    parts = [f"{','.join(shots)}-shot"] if shots else []
    parts += ["chat_template_yes"] if said.get("chat_template") else []
    parts += ["system_prompt_yes"] if said.get("system_instruction") else []
    return "_".join(parts)


def _provenance(said: Mapping[str, Any], path: Path) -> dict[str, Any]:
    told = {key: said.get(key) for key in ("config", "git_hash", "date", "lm_eval_version", "transformers_version")}
    files = {path.name: sha256_file(path)}
    for beside in sorted(path.parent.glob(f"samples_*_{path.stem.removeprefix('results_')}.jsonl")):
        files[beside.name] = sha256_file(beside)
    return {"files": files, **{key: value for key, value in told.items() if value is not None}}
