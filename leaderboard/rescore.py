"""Does a run's score follow from its answers? Every stored answer is judged again. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import UserError
from .records import AGGREGATES, read_info, read_records, score_again, stored_scorer

_COLUMNS = (
    "sample_id", "task", "length", "status", "question", "target", "choices", "output", "correct", "answer",
)  # fmt: skip


@dataclass(frozen=True)
class Rescored:
    """What judging again came to.

    `table` has one row per task and length: n (questions answered), stored and again (right answers), differ (answers
    judged otherwise). `changed` are those answers: task, length, question, target, output, stored, again.
    """

    scorer: str
    stored: str
    table: pd.DataFrame
    changed: pd.DataFrame

    @property
    def agrees(self) -> bool:
        """Whether every answer is judged as it was."""
        return not len(self.changed)


def rescore(folder: str | Path, scorer: str | None = None) -> Rescored:
    """Judge every stored answer of a run again, by `scorer` (None: the one that judged it).

    Raises `UserError` when the folder is no run, when it holds no answers, or no such scorer is known here.
    """
    path = Path(folder)
    info = read_info(path)
    stored = stored_scorer(info)
    wanted = scorer or stored
    if scorer is None and ":" in stored:
        raise UserError(f"{path} was judged by {stored!r}, which is not known here; give --scorer strict, say")
    table = read_records(path, _COLUMNS)
    if not len(table):
        what = "accuracies only, and no answers" if (path / AGGREGATES).is_file() else "no records"
        raise UserError(f"{path} holds {what}: there is nothing to judge again")
    again = score_again(table, wanted)
    frame = table.to_pandas()
    frame["stored"], frame["again"] = frame["correct"].astype(bool), again["correct"].to_numpy(zero_copy_only=False)
    judged = frame[frame["status"].isin(["answered", "invalid"])]
    differ = judged["stored"].to_numpy() != judged["again"].to_numpy()
    counted = judged.assign(n=1, differ=differ.astype(np.int64)).groupby(["task", "length"], sort=False)
    sums = counted[["n", "stored", "again", "differ"]].sum().reset_index()
    changed = judged.loc[differ, ["task", "length", "question", "target", "output", "stored", "again"]]
    return Rescored(wanted, stored, sums, changed.reset_index(drop=True))
