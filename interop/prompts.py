"""Our prompt templates for other harnesses: what a model that answers in words is told. Knows no harness."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ..bench.models.prompting import Prompt, load_prompt


@lru_cache(maxsize=8)
def load_template(name: str) -> Prompt:
    """A template for context and question, by name or path. Raises `UserError` when there is none, or it is broken."""
    return load_prompt(name, ("context", "question"), ("context", "question"), {"choices": ()})


def filled(template: str, context: str, question: str, choices: Sequence[str]) -> str:
    """What `rmt-bench eval server:NAME` sends with this template."""
    return load_template(template).fill(context=context, question=question, choices=tuple(choices))
