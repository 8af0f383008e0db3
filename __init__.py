"""rmt-bench: how far does a model that reads in segments really remember?

    import rmt_bench as rb

    samples = rb.generate(["detect"], "1k..32k", samples=50)        # or output="data": written as Parquet
    run = rb.evaluate("rmt-tiny", samples)                          # or any SegmentModel of yours, or its class
    run.curve().plot()

Names are resolved when they are used: importing this package imports no torch.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Threads of OpenMP that wait by spinning make two readings on one machine ten times slower; read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from .base.errors import IncompleteError, UserError
    from .bench.model import Reply, SegmentModel, load_model, model
    from .bench.pretrained import from_pretrained
    from .bench.states import clone_state
    from .generators.background import background
    from .generators.dataset import Dataset
    from .generators.generate import generate
    from .generators.tokens import load_tokenizer
    from .interop.api import (
        Run,
        build_board,
        check,
        compare,
        evaluate,
        load_run,
        push_board,
        push_checkpoint,
        push_data,
        train,
    )
    from .leaderboard.curve import Comparison, Curve
    from .tasks.episode import Episode, Question, Task
    from .tasks.registry import task

    __version__: str

_PUBLIC = {
    "Comparison": "leaderboard.curve",
    "Curve": "leaderboard.curve",
    "Dataset": "generators.dataset",
    "Episode": "tasks.episode",
    "IncompleteError": "base.errors",
    "Question": "tasks.episode",
    "Reply": "bench.model",
    "Run": "interop.api",
    "SegmentModel": "bench.model",
    "Task": "tasks.episode",
    "UserError": "base.errors",
    "background": "generators.background",
    "build_board": "interop.api",
    "check": "interop.api",
    "clone_state": "bench.states",
    "compare": "interop.api",
    "evaluate": "interop.api",
    "from_pretrained": "bench.pretrained",
    "generate": "generators.generate",
    "load_model": "bench.model",
    "load_run": "interop.api",
    "load_tokenizer": "generators.tokens",
    "model": "bench.model",
    "push_board": "interop.api",
    "push_checkpoint": "interop.api",
    "push_data": "interop.api",
    "task": "tasks.registry",
    "train": "interop.api",
}

__all__ = [
    "Comparison", "Curve", "Dataset", "Episode", "IncompleteError", "Question", "Reply", "Run", "SegmentModel", "Task",
    "UserError", "__version__", "background", "build_board", "check", "clone_state", "compare", "evaluate",
    "from_pretrained", "generate", "load_model", "load_run", "load_tokenizer", "model", "push_board",
    "push_checkpoint", "push_data", "task", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("rmt-bench")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
