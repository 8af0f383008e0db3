"""What exported tasks call inside lm-eval: our scorer and our prompts, on the rows of our data sets. Loads no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..tasks.scoring import strict
from . import prompts


def judged(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc` and `invalid` of a generated answer, by the strict scorer."""
    score = strict(results[0], doc["target"], tuple(doc["choices"]), doc["question"])
    return {"acc": float(score.correct), "invalid": float(score.status == "invalid")}


def filled(template: str, doc: Mapping[str, Any]) -> str:
    """The prompt for a row: a template of ours by its name or path."""
    return prompts.filled(template, doc["input"], doc["question"], doc["choices"])
