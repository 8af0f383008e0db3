"""The card of a checkpoint on the hub: what it is, how to load it, how it was trained, its curve. Loads no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBRARY = "rmt-bench"
_TEMPLATE = Path(__file__).parent / "data" / "model_card.md.jinja"


@dataclass(frozen=True)
class Shown:
    """The curve of a run, for a card.

    `rows` have the columns of curve.csv; `info` is the run's run.json; `picture` is the name of the PNG beside the
    card.
    """

    rows: Sequence[Mapping[Any, Any]]
    info: Mapping[str, Any]
    picture: str


def model_card(stored: Mapping[str, Any], name: str, shown: Shown | None = None, plugin: str | None = None) -> str:
    """The text of README.md for a checkpoint that is called `name` (OWNER/NAME) on the hub.

    `stored` is its checkpoint.json; `plugin` is the file of Python that goes with it, if its model is one.
    """
    from huggingface_hub import ModelCard, ModelCardData

    training = stored["training"]
    samples = training.get("samples", {})
    data = ModelCardData(
        library_name=LIBRARY,
        tags=["long-context", "recurrent", LIBRARY],
        model_name=name.rpartition("/")[2] if shown else None,
        eval_results=list(_results(shown)) if shown else None,
    )
    card = ModelCard.from_template(
        data,
        template_str=_TEMPLATE.read_text(encoding="utf-8"),
        name=name,
        title=name.rpartition("/")[2],
        stored=stored,
        plugin=plugin,
        training=training,
        samples=samples,
        tasks=list(samples.get("tasks", {})),
        segment_length=samples.get("segment_length") or stored["options"].get("segment_length"),
        reached=training.get("trained_segments", {}),
        shown=shown,
        asked=shown.info["identity"].get("samples", {}) if shown else {},
    )
    return str(card)


def _results(shown: Shown) -> Any:
    """The curve as the hub's model index has it: an accuracy for each task and length."""
    from huggingface_hub import EvalResult

    for row in shown.rows:
        if row["n"]:
            yield EvalResult(
                task_type="question-answering",
                task_name=f"{row['task']} at {row['length']}",
                dataset_type=LIBRARY,
                dataset_name=f"{LIBRARY} {row['task']}",
                dataset_config=str(row["length"]),
                dataset_split=str(row["task"]),
                metric_type="accuracy",
                metric_name=f"accuracy (n = {row['n']}, 95% interval {row['ci_low']:.3f} to {row['ci_high']:.3f})",
                metric_value=round(float(row["accuracy"]), 4),
            )
