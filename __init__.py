"""rmt-bench: how far does a model that reads in segments really remember?

    import rmt_bench as rb

    samples = rb.generate(["detect"], "1k..32k", samples=50)        # or output="data": written as Parquet
    outcome = rb.evaluate("rmt-tiny", samples, "runs/mine")          # or any SegmentModel of yours

Names are resolved when they are used: importing this package imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench.evaluate import evaluate
    from .bench.model import Reply, SegmentModel, load_model, model
    from .bench.states import clone_state
    from .generators.background import background
    from .generators.generate import generate
    from .generators.tokens import load_tokenizer
    from .tasks.episode import Episode, Question, Task
    from .tasks.registry import task

    __version__: str

_PUBLIC = {
    "Episode": "tasks.episode",
    "Question": "tasks.episode",
    "Reply": "bench.model",
    "SegmentModel": "bench.model",
    "Task": "tasks.episode",
    "background": "generators.background",
    "clone_state": "bench.states",
    "evaluate": "bench.evaluate",
    "generate": "generators.generate",
    "load_model": "bench.model",
    "load_tokenizer": "generators.tokens",
    "model": "bench.model",
    "task": "tasks.registry",
}

__all__ = [
    "Episode", "Question", "Reply", "SegmentModel", "Task", "__version__", "background", "clone_state", "evaluate",
    "generate", "load_model", "load_tokenizer", "model", "task",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("rmt-bench")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
