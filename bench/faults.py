"""What can go wrong while a model is asked, told apart: memory that ran out, and the rest. Knows no samples."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass

import pandas as pd
import torch

from ..base.errors import one_line

#: How torch says that the CPU's memory ran out: it raises a RuntimeError there.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@dataclass(frozen=True)
class Failure:
    """So many questions of one task at one length that ended in an error, for one reason."""

    task: str
    length: str
    reason: str
    count: int

    def __str__(self) -> str:
        return f"{self.task} at {self.length}: {self.count:,} x {self.reason}"


def failures(records: pd.DataFrame) -> list[Failure]:
    """The errors among the records of a run (`RunFolder.records`), most frequent first."""
    errors = records[records["status"] == "error"]
    counted = Counter(zip(errors["task"], errors["length"], errors["reason"], strict=True))
    return [Failure(task, length, reason, count) for (task, length, reason), count in counted.most_common()]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: the accelerator's or the machine's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _NO_MEMORY)


def reason(error: BaseException) -> str:
    """An exception as a record tells it."""
    return f"out of memory ({one_line(error)})" if is_out_of_memory(error) else one_line(error)


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
