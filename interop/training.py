"""Training from Python: the values of a call as the options of `rmt-bench train`, which alone says what they mean."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..base.errors import UserError, did_you_mean

#: Arguments of `train` that are options of the command under another name.
_OWN = {"tasks", "output", "model", "model_args", "quiet"}


def train_by_command(
    model: str,
    tasks: Sequence[str],
    output: str | Path,
    options: Mapping[str, Any],
    progress: bool,
    settings: Mapping[str, Any],
) -> Path:
    """See `rmt_bench.train`."""
    from ..bench.train_command import train_command

    if not isinstance(model, str):
        raise UserError(
            "a checkpoint says how its model is made again: save its class in a file, and name it: 'mine.py:Mine'"
        )
    known = {parameter.name: parameter for parameter in train_command.params if parameter.name not in _OWN}
    words = [model, "--tasks", ",".join([tasks] if isinstance(tasks, str) else tasks), "--output", str(output)]
    words += [] if progress else ["--quiet"]
    for key, value in options.items():
        words += ["--model-arg", f"{key}={_word(key, value)}"]
    for key, value in settings.items():
        if key not in known:
            raise UserError(f"train takes no {key!r}{did_you_mean(key, map(str, known))}; see: rmt-bench train --help")
        words += _option(known[key], value)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it ends with a line for a terminal
            train_command.main(words, prog_name="rmt-bench train", standalone_mode=False)
    except click.ClickException as error:
        raise UserError(error.format_message()) from error
    return Path(output)


def _option(parameter: click.Parameter, value: Any) -> Iterator[str]:
    """An option of the command as words: a flag, a mapping as one option for each of its items, a list with commas."""
    flag = parameter.opts[0]
    if value is None or value is False:
        return
    if value is True:
        yield flag
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from (flag, f"{key}={_word(key, each)}")
    elif isinstance(value, list | tuple):
        yield from (flag, ",".join(map(str, value)))
    else:
        yield from (flag, str(value))


def _word(key: str, value: Any) -> str:
    if value is not None and not isinstance(value, str | int | float | bool):
        raise UserError(f"{key} is a number, a text, True, False or None, not {type(value).__name__}")
    return str(value)
