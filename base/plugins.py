"""Python files of the user whose tasks, models and backgrounds are known by name, without being installed.

    rmt-bench --plugin deliveries.py generate --tasks deliveries ...      one, or several
    RMT_BENCH_PLUGINS=deliveries.py:more.py rmt-bench tasks               the same

A file is imported as the module that its name says, from the folder that it lies in, when a name is first looked up;
processes that are started from here do so, too. Knows nothing of what a file registers.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .errors import UserError, one_line, raised_at

#: The files, as the environment names them.
VARIABLE = "RMT_BENCH_PLUGINS"
_begun: set[str] = set()


def add_plugins(paths: Iterable[str | Path]) -> None:
    """Have `load_plugins` import these files as well, here and in processes that are started from here."""
    named = [os.environ.get(VARIABLE, ""), *(str(Path(path).absolute()) for path in paths)]
    os.environ[VARIABLE] = os.pathsep.join(filter(None, named))


def load_plugins() -> None:
    """Import what has not been imported yet. Raises `UserError` for a file that is not there or cannot be imported."""
    for path in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        if path in _begun:
            continue
        _begun.add(path)  # before it is imported: a file may look names up itself
        try:
            _import(Path(path).absolute())
        except BaseException:
            _begun.discard(path)
            raise


def let_import_beside(path: Path) -> None:
    """Let a user's file import those that lie beside it."""
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # at the end: what else lies there hides no library


def _import(path: Path) -> None:
    if not path.is_file() or path.suffix != ".py":
        raise UserError(f"the plugin {path} is no Python file; see: --plugin, and {VARIABLE} in the environment")
    let_import_beside(path)
    try:
        module = importlib.import_module(path.stem)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the plugin {path} cannot be imported: {one_line(error)} ({raised_at(error)})") from error
    if not module.__file__ or not path.samefile(module.__file__):
        raise UserError(f"the plugin {path} has the name of another module ({module.__file__}): rename the file")
