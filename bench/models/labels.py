"""A classifier's labels: as a user writes them, and which logit is whose. Knows strings and columns; no model."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...base.errors import UserError


def as_labels(labels: str | Sequence[str]) -> tuple[str, ...]:
    """Labels as a tuple; on the command line they are one text: `labels=garden,kitchen`."""
    return tuple(label.strip() for label in (labels.split(",") if isinstance(labels, str) else labels))


def label_columns(labels: Sequence[str], choices: Sequence[Sequence[str]]) -> torch.Tensor:
    """Which of a classifier's logits, one for each of `labels`, belongs to each choice: int64 [batch, n_choices].

    Raises `UserError` for a choice that is no label.
    """
    columns = {label: column for column, label in enumerate(labels)}
    for choice in (choice for row in choices for choice in row):
        if choice not in columns:
            raise UserError(
                f"this model answers with {', '.join(labels)}, and {choice!r} is none of them: "
                "ask it a task with these labels, or train one that has it"
            )
    return torch.tensor([[columns[choice] for choice in row] for row in choices])
