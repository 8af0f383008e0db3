"""The records of a run as logs of inspect_ai, which `inspect view` shows: one log for each task. Loads no model.

RUN/records/*.parquet  -->  EvalLog(task rmt_bench/detect, model, samples)

`leaderboard import inspect` reads such a log back to the same counts. An answer's `status` stands in its score's
metadata; a question that was skipped has a score without a value, one that failed an error.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ChatMessageUser, ModelOutput
from inspect_ai.scorer import CORRECT, INCORRECT, Score

from ..base.errors import UserError
from ..base.files import atomic_path, digest
from ..bench.record import RunFolder
from ..generators.dataset import Dataset
from .inspect_names import PACKAGE, inspect_name, sample_name

FORMATS = {".eval": "eval", ".json": "json"}
#: What of a record a reader may want beside its answer.
_TOLD = ("task", "length", "index", "n_tokens", "question", "haystack_id")
_COSTS = ("model_tokens", "segments", "segments_since", "state_bytes", "read_seconds", "answer_seconds")

Row = Mapping[str, Any]


def export_run(
    run: str | Path, output: str | Path, tasks: Sequence[str] | None = None, data: str | Path | None = None
) -> list[Path]:
    """Write the logs of a run's `tasks` (None: all); the files that were written.

    `output` is a file (.eval or .json) for a run of one task, else a folder that the logs go to. `data` is the data set
    that was asked, for its texts: without it a log shows questions only. Raises `UserError` when the run holds no
    answers, a task that is named is not there, a file is to hold several, or the data set is another one.
    """
    folder, target = RunFolder(run), Path(output)
    info, rows = folder.info, cast("list[Row]", folder.records().to_dict("records"))
    if not rows:
        raise UserError(f"{run} holds no answers: a log is made of answers")
    there = list(dict.fromkeys(row["task"] for row in rows))
    for task in tasks or ():
        if task not in there:
            raise UserError(f"{run} has no task {task!r}; it has: {', '.join(there)}")
    chosen = list(tasks or there)
    if target.suffix in FORMATS and len(chosen) > 1:
        raise UserError(f"{run} holds {len(chosen)} tasks and a log holds one: give --output a folder, or --tasks one")
    if target.suffix not in FORMATS and target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file: give --output a folder, or a file that ends with .eval or .json")
    texts = _texts(data, {row["sample_id"] for row in rows if row["task"] in chosen}) if data else {}
    written = []
    for task in chosen:
        log = make_log(info, [row for row in rows if row["task"] == task], texts)
        file = target if target.suffix in FORMATS else target / _file_name(log)
        with atomic_path(file) as temporary:
            write_eval_log(log, str(temporary), format=FORMATS[file.suffix])  # type: ignore[arg-type]
        written.append(file)
    return written


def make_log(info: Mapping[str, Any], rows: Sequence[Row], texts: Mapping[str, str]) -> EvalLog:
    """One log: the answers to one task, under what run.json says. `texts` are contexts by the ids of samples."""
    identity, task = info["identity"], rows[0]["task"]
    name, scorer = f"{PACKAGE}/{inspect_name(task)}", str(identity.get("scorer", "strict"))
    lengths = list(dict.fromkeys(row["length"] for row in rows))
    asked = identity.get("samples", {})
    known = {key: asked[key] for key in ("seed", "background", "placement", "tokenizer") if key in asked}
    arguments = {"length": lengths if len(lengths) > 1 else lengths[0], **known}
    created = str(info.get("date") or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    spec = EvalSpec(
        created=created,
        task=name,
        task_id=digest("task", identity, task)[:22],
        run_id=digest("run", identity)[:22],
        eval_id=digest("eval", identity, task)[:22],
        task_args=arguments,
        dataset=EvalDataset(name=task, samples=len(rows), sample_ids=[_name(row) for row in rows], shuffled=False),
        model=str(identity["model"]),
        model_args=dict(identity.get("options", {})),
        config=EvalConfig(),
        packages={PACKAGE: str(info.get("versions", {}).get("rmt-bench", ""))},
        metadata={key: identity[key] for key in ("weights", "segment_length") if identity.get(key) is not None},
    )
    steps = [EvalPlanStep(solver=str(identity.get("prompt") or "segment by segment"))]
    return EvalLog(
        status="success",
        eval=spec,
        plan=EvalPlan(steps=steps),
        results=_results(rows, scorer),
        stats=EvalStats(started_at=created, completed_at=_later(created, sum(map(_seconds, rows)))),
        samples=[_sample(row, str(identity["model"]), scorer, texts.get(row["sample_id"])) for row in rows],
    )


def _sample(row: Row, model: str, scorer: str, text: str | None) -> EvalSample:
    said = str(row["output"] or "")
    asked = row["question"] if text is None else f"{text} {row['question']}"
    output = ModelOutput.from_content(model, said)
    failed = row["status"] == "error"
    told = {key: row[key] for key in _TOLD} | {"id": row["sample_id"], "choices": list(row["choices"])}
    costs = {key: row[key] for key in _COSTS if _is_known(row[key])}
    return EvalSample(
        id=_name(row),
        epoch=1,
        input=asked,
        target=row["target"],
        messages=[ChatMessageUser(content=asked), output.message],
        output=output,
        scores=None if failed else {scorer: _score(row)},
        metadata={**told, "depths": [round(float(depth), 4) for depth in row["depths"]], **costs},
        error=EvalError(message=str(row["reason"]), traceback="", traceback_ansi="") if failed else None,
        total_time=_seconds(row) or None,
    )


def _score(row: Row) -> Score:
    told = {"status": row["status"], "reason": row["reason"]}
    if row["status"] == "skipped":
        return Score.unscored(explanation=row["reason"], metadata=told)
    value = CORRECT if row["correct"] else INCORRECT
    return Score(value=value, answer=row["answer"], explanation=row["output"], metadata=told)


def _results(rows: Sequence[Row], scorer: str) -> EvalResults:
    """Accuracy over what was answered, its standard error, and the accuracy at each length where there are several."""
    answered = [row for row in rows if row["status"] in ("answered", "invalid")]
    lengths = list(dict.fromkeys(row["length"] for row in answered))
    found = {"accuracy": _accuracy(answered), "stderr": _standard_error(answered)}
    if len(lengths) > 1:
        found |= {f"at {length}": _accuracy([row for row in answered if row["length"] == length]) for length in lengths}
    return EvalResults(
        total_samples=len(rows),
        completed_samples=sum(row["status"] != "error" for row in rows),
        scores=[
            EvalScore(
                name=scorer,
                scorer=f"{PACKAGE}/{scorer}",
                scored_samples=len(answered),
                unscored_samples=len(rows) - len(answered),
                metrics={name: EvalMetric(name=name, value=value) for name, value in found.items()},
            )
        ],
    )


def _accuracy(rows: Sequence[Row]) -> float:
    return sum(bool(row["correct"]) for row in rows) / len(rows) if rows else 0.0


def _standard_error(rows: Sequence[Row]) -> float:
    """As inspect's `stderr`: of a mean, by the sample's own variance."""
    share, n = _accuracy(rows), len(rows)
    return math.sqrt(share * (1 - share) / (n - 1)) if n > 1 else 0.0


def _seconds(row: Row) -> float:
    """How long a model took for one question, as far as that is known."""
    return sum(row[key] for key in ("read_seconds", "answer_seconds") if _is_known(row[key]))


def _later(moment: str, seconds: float) -> str:
    """A date in ISO 8601, so many seconds later."""
    return (datetime.datetime.fromisoformat(moment) + datetime.timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _texts(folder: str | Path, wanted: set[str]) -> dict[str, str]:
    """The contexts of samples by their ids. Raises `UserError` where the data set does not have all of them."""
    texts = {sample.id: sample.text for sample in Dataset(folder) if sample.id in wanted}
    if missing := len(wanted) - len(texts):
        raise UserError(f"{folder} lacks {missing} of the {len(wanted)} samples that were asked: name the run's own")
    return texts


def _name(row: Row) -> str:
    return sample_name(row["length"], row["index"], row["sample_id"])


def _file_name(log: EvalLog) -> str:
    """As inspect calls its own logs: when, which task, which evaluation."""
    when = log.eval.created.replace(":", "-")
    return f"{when}_{log.eval.task.rpartition('/')[2].replace('_', '-')}_{log.eval.eval_id}.eval"


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
