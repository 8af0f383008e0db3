"""A run as the board reads it: only the columns that numbers are made of, scored by name. Loads no model.

RUN/run.json               what was asked, of what, and for an imported run where its answers come from
RUN/records/*.parquet      one row for each question (bench/record.py)
RUN/aggregates.parquet     imported scores without their answers: one row for each task and length
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ..base.errors import UserError
from ..base.files import digest
from ..bench.record import SCHEMA, RunFolder, in_order, odds
from ..tasks.scoring import SCORERS, Asked
from .tables import valid_text

#: What runs made here give as their source.
OWN = "rmt-bench"
AGGREGATES = "aggregates.parquet"
AGGREGATES_SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("length", pa.string()),
        ("n_tokens", pa.int64()),
        ("n", pa.int64()),
        ("correct", pa.int64()),
        ("accuracy", pa.float64()),
        ("chance", pa.float64()),
    ]
)
#: Numbers that are read as they are; unknown ones are NaN.
_NUMBERS = (
    "model_tokens", "n_tokens", "segments", "read_seconds", "answer_seconds", "state_bytes", "peak_memory_bytes",
    "peak_device_bytes", "flops_per_token",
)  # fmt: skip
_NAMES = ("task", "length", "status")
_ALWAYS = ("sample_id", "haystack_id", "index", "question", "choices", "correct", "depths", *_NAMES, *_NUMBERS)
_TO_SCORE = ("output", "target")
#: Parts of a data set's identity that say how its lengths are counted, and not what is asked.
_COUNTING = ("tokenizer", "tokenizer_fingerprint", "segment_length")
_UNIT_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Run:
    """A run folder: what was run, and its answers under one scorer."""

    folder: Path
    info: dict[str, Any]
    scorer: str
    answers: pd.DataFrame
    aggregates: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def identity(self) -> dict[str, Any]:
        """What must agree for a run to be the same."""
        return self.info["identity"]

    @property
    def source(self) -> str:
        """`rmt-bench`, or what the run was imported from."""
        return str(self.info.get("source", {}).get("kind", OWN))

    @cached_property
    def dataset(self) -> str:
        """A fingerprint of what was asked: 12 hex digits; empty if the run does not say."""
        samples = self.identity.get("samples")
        if not samples:
            return ""
        return digest({key: value for key, value in samples.items() if key not in _COUNTING})[:12]

    @cached_property
    def labels(self) -> dict[str, str]:
        """The columns of the board that are the same for the whole run."""
        labels = {
            "model": str(self.identity["model"]),
            "prompt": str(self.identity.get("prompt", "")),
            "scorer": self.scorer,
            "source": self.source,
            "dataset": self.dataset,
            "run": self.name,
        }
        return {name: valid_text(label) for name, label in labels.items()}


def find_runs(folders: Iterable[str | Path]) -> list[Path]:
    """The run folders that are named; a folder that is no run itself stands for the runs right below it.

    Raises `UserError` when there is none.
    """
    return [found for folder in folders for found in _runs(Path(folder))]


def _runs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}; make a run with: rmt-bench eval")
    if (folder / "run.json").is_file():
        return [folder]
    below = sorted(child for child in folder.iterdir() if (child / "run.json").is_file())
    if not below:
        raise UserError(f"{folder} holds no run, and no folder right below it does; make one with: rmt-bench eval")
    return below


def read_run(folder: str | Path, scorer: str | None = None) -> Run:
    """The run in `folder`, its answers judged by `scorer` (None: as they were judged when the run was made).

    Scores that were imported without what they were made from stay as they are, and keep the scorer that made them.
    Raises `UserError` when the folder holds no run, or no such scorer exists.
    """
    path = Path(folder)
    info = read_info(path)
    stored = stored_scorer(info)
    wanted = scorer or stored
    again = wanted != stored and info.get("source", {}).get("rescorable", True)
    table = read_records(path, (*_ALWAYS, *_TO_SCORE) if again else _ALWAYS)
    if again:
        judged = score_again(table, wanted)
        table = table.set_column(table.schema.get_field_index("correct"), "correct", judged["correct"])
        table = table.set_column(table.schema.get_field_index("status"), "status", judged["status"])
    answers = _in_order(_columns(table), info.get("tasks", ()))
    return Run(path, info, wanted if again else stored, answers, _aggregates(path))


def read_info(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises `UserError` when the folder holds no run, or none that names its model."""
    info = RunFolder(folder).info
    if not isinstance(info.get("identity"), dict) or "model" not in info["identity"]:
        raise UserError(f"{folder}/run.json names no model (identity.model); see: rmt-bench eval --help")
    return info


def stored_scorer(info: dict[str, Any]) -> str:
    """The scorer that judged a run's answers when it was made or imported."""
    return str(info["identity"].get("scorer", "strict"))


def read_records(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Rows of all units, later ones last; a sample that stands in two units counts as it went last.

    Columns that a unit lacks (it is of an earlier version) are null.
    """
    units = sorted((folder / "records").glob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    if not units:
        return schema.empty_table()
    try:
        table = ds.dataset([str(unit) for unit in units], schema=schema, format="parquet").to_table()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the records of {folder} cannot be read ({reason}); make the run again") from error
    ids = table["sample_id"]
    if pc.count_distinct(ids).as_py() == len(ids):  # type: ignore[attr-defined]
        return table
    last = ~pd.Series(ids.to_numpy(zero_copy_only=False)).duplicated(keep="last")
    return table.filter(pa.array(last))


def score_again(table: pa.Table, scorer: str) -> pa.Table:
    """What `scorer` says of each row's output: columns `correct`, `status`, `answer`.

    `table` has the columns output, target, choices, question, task and status. Rows that were never judged (skipped,
    error) stay so. Equal answers to equal questions are judged once.
    """
    judge = SCORERS.get(scorer)
    names = ("task", "question", "target", "choices", "output")
    columns = [_joined(table["choices"]) if name == "choices" else table[name].cast(pa.string()) for name in names]
    keys = pa.table([pc.fill_null(column, "") for column in columns], names=list(names))
    judged = np.isin(table["status"].to_numpy(zero_copy_only=False), ["answered", "invalid"])
    frame = keys.to_pandas()
    group = frame.groupby(list(names), sort=False, observed=True).ngroup().to_numpy()
    firsts = np.unique(group, return_index=True)[1]
    scores = [
        judge(row.output, Asked(row.target, _split(row.choices), row.question, row.task))
        for row in frame.iloc[firsts].itertuples()
    ]
    correct = np.array([score.correct for score in scores], dtype=bool)[group] & judged
    status = np.array([score.status for score in scores], dtype=object)[group]
    answer = np.array([score.answer for score in scores], dtype=object)[group]
    before = table["status"].to_numpy(zero_copy_only=False)
    return pa.table(
        {
            "correct": pa.array(correct),
            "status": pa.array(np.where(judged, status, before), pa.string()),
            "answer": pa.array(np.where(judged, answer, ""), pa.string()),
        }
    )


def _columns(table: pa.Table) -> pd.DataFrame:
    """The records as plain columns: names as categories, ids hashed to 64 bits, unknown numbers NaN."""
    columns: dict[str, Any] = {name: table[name].dictionary_encode().to_pandas() for name in _NAMES}
    columns["sample"] = _hashed(table["sample_id"])
    columns["haystack"] = _hashed(table["haystack_id"])
    columns["story"] = table["index"].to_numpy(zero_copy_only=False)
    columns["correct"] = table["correct"].to_numpy(zero_copy_only=False).astype(bool)
    for name in _NUMBERS:
        columns[name] = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    tokens = columns["model_tokens"]
    columns["model_tokens"] = np.where(np.isnan(tokens), columns.pop("n_tokens"), tokens)
    columns["chance"] = _chances(table)
    columns["depth"] = _earliest(table["depths"])
    return pd.DataFrame(columns)


def _in_order(answers: pd.DataFrame, tasks: Iterable[str]) -> pd.DataFrame:
    """The same rows; the categories are ordered: tasks as they were asked, lengths with the shortest first."""
    shortest = answers.groupby("length", observed=True)["model_tokens"].min().reset_index()
    lengths = shortest.sort_values(["model_tokens", "length"])["length"].tolist()
    asked = in_order(answers["task"].cat.categories, tasks)
    return answers.assign(
        task=answers["task"].cat.set_categories(asked), length=answers["length"].cat.set_categories(lengths)
    )


def _hashed(ids: pa.ChunkedArray) -> np.ndarray:
    return pd.util.hash_array(ids.to_numpy(zero_copy_only=False).astype(object), categorize=False)


def _chances(table: pa.Table) -> np.ndarray:
    """How likely a guess is right, for each row; worked out once for each question with its choices."""
    questions = pc.fill_null(table["question"], "").cast(pa.string())
    keys = pc.binary_join_element_wise(questions, _joined(table["choices"]), _UNIT_SEPARATOR)  # type: ignore[attr-defined]
    encoded = keys.combine_chunks().dictionary_encode()
    values = []
    for key in encoded.dictionary.to_pylist():
        question, *choices = key.split(_UNIT_SEPARATOR)
        values.append(odds(question, [choice for choice in choices if choice]))
    return np.array(values, dtype=float)[encoded.indices.to_numpy(zero_copy_only=False)]


def _joined(choices: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.binary_join(choices, _UNIT_SEPARATOR), "")  # type: ignore[attr-defined]


def _split(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(_UNIT_SEPARATOR)) if joined else ()


def _earliest(depths: pa.ChunkedArray) -> np.ndarray:
    """The depth of the earliest supporting fact: what must be kept for longest. NaN where none is known."""
    lists = depths.combine_chunks()
    found = np.full(len(lists), np.nan)
    values = lists.flatten().to_numpy(zero_copy_only=False)
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]
    if len(values):
        starts = np.flatnonzero(np.diff(parents, prepend=-1))
        found[parents[starts]] = np.minimum.reduceat(values, starts)
    return found


def _aggregates(folder: Path) -> list[dict[str, Any]]:
    path = folder / AGGREGATES
    return pq.read_table(path, schema=AGGREGATES_SCHEMA).to_pylist() if path.is_file() else []
