"""The room's one call, from plain values: samples made on the fly, or written as a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .background import load_background
from .dataset import Dataset, generate_dataset
from .lengths import parse_lengths
from .plan import Plan, load_tasks
from .samples import Source
from .tokens import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def generate(
    tasks: Sequence[str],
    lengths: str | Sequence[str],
    *,
    output: str | Path | None = None,
    tokenizer: str | PreTrainedTokenizerBase | None = None,
    **options: Any,
) -> Plan | Dataset:
    """Samples of `tasks` at `lengths`: made while they are asked for, or with `output` written there as Parquet.

    `generate(["detect"], "0,4k", samples=50)` is a row of `Sample`s, and what `evaluate` takes. `tokenizer` counts the
    tokens: one that is loaded, a folder, a hub name, or none for the embedded one. `options` are those of `make_plan`.
    Raises `UserError` for whatever is not known or makes no sense, and when `output` holds something else.
    """
    counted_by = load_tokenizer(tokenizer) if tokenizer is None or isinstance(tokenizer, str) else tokenizer
    plan = make_plan(tasks, lengths, counted_by, **options)
    return plan if output is None else Dataset(generate_dataset(plan, output))


def make_plan(
    tasks: Sequence[str],
    lengths: str | Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    samples: int = 100,
    token_budget: int | None = None,
    min_samples: int = 4,
    background: str = "prose",
    seed: int = 0,
    placement: str | None = None,
    task_args: Mapping[str, Any] | None = None,
    facts: str | None = None,
    segment_length: int | None = None,
) -> Plan:
    """A plan from the values of the command line's options, which have the same names and defaults.

    Raises `UserError` for whatever is not known or makes no sense.
    """
    source = Source(load_background(background), tokenizer, seed, placement, segment_length=segment_length)
    return Plan(load_tasks(tasks, task_args, facts), parse_lengths(lengths), samples, source, token_budget, min_samples)
