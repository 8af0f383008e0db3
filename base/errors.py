"""A user's own mistake, told in one line that names the remedy. Knows nothing of what was asked for."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class UserError(Exception):
    """The call is wrong, and the message says what to do instead.

    The command line prints it as one line and exits with code 2; in Python it is an ordinary exception.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))


class IncompleteError(Exception):
    """The call was right and some of the work failed; what was finished is kept (exit code 1)."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'qa20'?"` for the closest known name, or `""` when nothing is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_line(error: BaseException) -> str:
    """An exception as one line: its class and the first line of its text."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def raised_at(error: BaseException) -> str:
    """The file and line that an exception comes from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
