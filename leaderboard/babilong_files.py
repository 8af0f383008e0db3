"""BABILong's published results: folders of predictions, and its table of accuracies. Knows nobody else's files.

DIR/google/gemini-3-flash-preview/qa1_4k_instruction_yes_examples_yes_post_prompt_yes_chat_template_no.csv  and .json
    model                         task length  prompt, all of it: every prompt is a run of its own

The CSV has the columns target, output and question; the JSON, where there is one, the prompt's text and the settings of
generation. Outputs are read as they stand: "None" is an answer here, and no missing value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import UserError, one_line
from ..base.files import digest, read_json, sha256_file
from .imports import Answer, Imported, Outcome, Unit, chance_of, choices_of, judged, write_imported
from .tables import nominal_tokens

KIND = "babilong"
RESULTS_KIND = "babilong-results"
_FILE = re.compile(r"(?P<task>[A-Za-z]+\d+)_(?P<length>\d+[kM]?)_(?P<prompt>.+)\.csv", re.DOTALL)
_COPY = re.compile(r"(^|[ _-])copy( ?\d+)?$|\(\d+\)$", re.IGNORECASE)
#: There are two sets of questions, of 100 and of 1,000; which one a file is about shows in its questions only.
_DATASET = {"benchmark": "BABILong", "questions": "bAbI en-10k", "background": "PG19"}
_MEANS = "avg"


@dataclass(frozen=True)
class _File:
    path: Path
    model: str
    task: str
    length: str
    prompt: str


def import_predictions(folder: str | Path, output: str | Path) -> Outcome:
    """Write one run for each model and prompt whose predictions lie below `folder`.

    A file that cannot be read is a problem of its own, and the others are imported. Raises `UserError` when there is
    no file of predictions.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"no such folder: {root}; give the folder with BABILong's predictions")
    found, problems, notes, runs = _files(root), [], [], []
    groups: dict[tuple[str, str], list[_File]] = defaultdict(list)
    for file in found:
        groups[file.model, file.prompt].append(file)
    if not groups:
        raise UserError(f"{root} holds no predictions: files called such as qa1_4k_instruction_yes_examples_yes.csv")
    for (model, prompt), files in groups.items():
        if _COPY.search(prompt):
            notes.append(f"{files[0].path.name} looks like a copy of another file; kept apart, as a prompt of its own")
        units, readable = [], []
        for file in files:
            try:
                units.append(_unit(file, root))
                readable.append(file)
            except (ValueError, OSError, pd.errors.ParserError) as error:
                problems.append(f"{file.path}: {error if isinstance(error, ValueError) else one_line(error)}")
        if units:
            run = Imported(model, prompt, KIND, "strict", _DATASET, _provenance(root, readable, notes))
            runs.append(write_imported(output, run, units))
    return Outcome(runs, len(found) - len(problems), problems, notes)


def _files(root: Path) -> list[_File]:
    found = []
    for path in sorted(root.rglob("*.csv")):
        match = _FILE.fullmatch(path.name)
        if match and path.is_file():
            folder = path.parent.relative_to(root).as_posix()
            found.append(_File(path, root.resolve().name if folder == "." else folder, **match.groupdict()))
    return found


def _unit(file: _File, root: Path) -> Unit:
    """The answers of one file. Raises `ValueError` that says what is wrong with it."""
    rows = _read(file.path)
    choices = choices_of(file.task)
    answers = []
    for index, (target, output, question) in enumerate(
        zip(rows["target"], rows["output"], rows["question"], strict=True)
    ):
        if not target:
            raise ValueError(f"row {index + 1} has no target")
        score = judged("strict", file.task, question, target, choices, output)
        sample = digest(KIND, file.task, file.length, index, question.strip(), target)[:32]
        answers.append(Answer(sample, index, question, target, choices, output, score))
    return Unit(file.path.relative_to(root).as_posix(), file.task, file.length, answers)


def _read(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except (UnicodeDecodeError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"no table of predictions ({one_line(error)})") from error
    if missing := [name for name in ("target", "output", "question") if name not in rows]:
        raise ValueError(f"no column {missing[0]!r}; predictions have the columns target, output, question")
    return rows


def _provenance(root: Path, files: Sequence[_File], notes: list[str]) -> dict[str, Any]:
    """Where a run's numbers come from: each file with its hash, and the settings that lay beside it.

    Settings that cannot be read are left out, with a note: the answers do not depend on them.
    """
    settings: list[dict[str, Any]] = []
    for file in files:
        beside, name = file.path.with_suffix(".json"), file.path.name
        if not beside.is_file():
            continue
        try:
            said = read_json(beside)
        except UserError as error:
            notes.append(f"the settings of {name} are left out: {error}")
            continue
        same = next((entry for entry in settings if entry["settings"] == said), None)
        if same is None:
            settings.append({"files": [name], "settings": said})
        else:
            same["files"].append(name)
    listed = {file.path.relative_to(root).as_posix(): sha256_file(file.path) for file in files}
    return {"folder": str(root), "files": listed, "settings": settings}


def import_results(file: str | Path, output: str | Path) -> Outcome:
    """Write one run for each model of BABILong's `all_results.csv`: accuracies without n, without answers.

    The table holds for each task the prompt that did best, chosen by its score, and does not say which; the run's
    prompt says so. Its means over tasks are left out. Raises `UserError` when the file is no such table.
    """
    path = Path(file)
    table = _results_table(path)
    lengths = [name for name in table.columns if re.fullmatch(r"\d+[kM]?", name)]
    if not {"model_name", "task"} <= set(table.columns) or not lengths:
        raise UserError(f"{path} is no table of results: it has no columns model_name, task, 0k, 1k ...")
    provenance = {"file": str(path), "sha256": sha256_file(path)}
    runs, problems = [], []
    for model, rows in table.groupby("model_name", sort=False):
        aggregates = list(_accuracies(rows, lengths, problems))
        if aggregates:
            run = Imported(
                str(model), "best of several, chosen by its score", RESULTS_KIND, "babilong", _DATASET, provenance,
                aggregates, rescorable=False,
            )  # fmt: skip
            runs.append(write_imported(output, run))
    return Outcome(runs, 1, problems, [])


def _results_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"no such file: {path}; give BABILong's all_results.csv")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise UserError(f"{path} is no CSV table ({one_line(error)})") from error


def _accuracies(rows: pd.DataFrame, lengths: Sequence[str], problems: list[str]) -> Iterator[dict[str, Any]]:
    for row in rows[rows["task"] != _MEANS].to_dict("records"):
        for length in lengths:
            cell = str(row[length]).strip()
            if cell in ("", "-1", "-1.0"):  # what the table says where nothing was asked
                continue
            share = pd.to_numeric(cell, errors="coerce") / 100
            if not 0 <= share <= 1:
                problems.append(f"{row['model_name']}, {row['task']} at {length}: {cell!r} is no percentage")
                continue
            yield {
                "task": row["task"], "length": length, "n_tokens": nominal_tokens(length), "accuracy": float(share),
                "chance": chance_of(row["task"]),
            }  # fmt: skip
