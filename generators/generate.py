"""The room's one call, from plain values: samples made on the fly, or written as a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.engine import Engine
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
    store: str = "text",
    workers: int = 1,
    **options: Any,
) -> Plan | Dataset:
    """Samples of `tasks` at `lengths`: made while they are asked for, or with `output` written there as Parquet.

    `generate(["detect"], "0,4k", samples=50)` is a row of `Sample`s, and what `evaluate` takes. `tokenizer` counts the
    tokens: one that is loaded, a folder, a hub name, or none for the embedded one. `store` `recipe` writes hashes in
    place of texts, which are rendered again when they are read; `workers` processes write. `options` are those of
    `make_plan`.
    Raises `UserError` for whatever is not known or makes no sense, and when `output` holds something else.
    """
    counted_by = load_tokenizer(tokenizer) if tokenizer is None or isinstance(tokenizer, str) else tokenizer
    plan = make_plan(tasks, lengths, counted_by, **options)
    if output is None:
        return plan
    return Dataset(generate_dataset(plan, output, store=store, engine=Engine(workers=workers)))


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
    distractors: float = 0.0,
    style: str = "none",
) -> Plan:
    """A plan from the values of the command line's options, which have the same names and defaults.

    Raises `UserError` for whatever is not known or makes no sense.
    """
    chosen = load_tasks(tasks, task_args, facts)
    parsed = parse_lengths(lengths)
    source = Source(
        load_background(background), tokenizer, seed, placement, segment_length=segment_length,
        distractors=distractors, style=style,
    )  # fmt: skip
    call = {
        "tasks": list(tasks), "lengths": [length.label for length in parsed], "tokenizer": tokenizer.name_or_path,
        "samples": samples, "token_budget": token_budget, "min_samples": min_samples, "background": background,
        "seed": seed, "placement": placement, "task_args": dict(task_args or {}), "facts": facts,
        "segment_length": segment_length, "distractors": distractors, "style": style,
    }  # fmt: skip
    return Plan(chosen, parsed, samples, source, token_budget, min_samples, call)
