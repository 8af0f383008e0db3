"""What a data set should hold, from its manifest: the plan it was made by, made again. Knows no files but the manifest.

The tokenizer is needed; a background of the user's own is not, as long as only stories and ids are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..tasks.babi.archive import ArchiveTask
from ..tasks.episode import Task
from ..tasks.registry import load_task
from .background import Background, load_background
from .lengths import Length, parse_lengths
from .samples import GENERATOR_VERSION, Source
from .tokens import Encoder, load_tokenizer


class Planned:
    """The tasks, lengths and sources of samples that a manifest's plan describes.

    `refused` says why stories cannot be told again, `unread` why texts cannot (empty: they can). Raises `UserError`
    when what the caller gives (tokenizer, background, official files) is not what the data set was made with.
    """

    def __init__(
        self,
        plan: dict[str, Any],
        tokenizer: str | None = None,
        background: str | None = None,
        facts: str | None = None,
    ):
        self._plan = plan
        self.encoder = _encoder(plan, tokenizer)
        self.lengths = {label: parse_lengths(label)[0] for label in plan["lengths"]}
        self.refused = ""
        if plan["generator_version"] != GENERATOR_VERSION:
            self.refused = f"made by generator version {plan['generator_version']}; this is {GENERATOR_VERSION}"
        self.background, self.unread = _background(plan, background)
        self.tasks: dict[str, Task] = {}
        for name, knobs in plan["tasks"].items():
            try:
                self.tasks[name] = _task(name, knobs, facts)
            except UserError as error:
                self.refused = str(error)

    def count(self, length: str) -> int:
        """How many stories of each task there are at a length."""
        return self._plan["samples"][length]

    def placement(self, task: str) -> str:
        """Where the facts of a task lie."""
        return self._plan["placement"] or self.tasks[task].placement

    @property
    def disguised(self) -> bool:
        """Whether distractors or lead-ins stand among the filler."""
        return self._plan.get("style", "none") != "none" or bool(self._plan.get("distractors"))

    def nominal(self, length: Length, questions: list[str]) -> int:
        """The tokens of context that were asked for, of a text with those questions."""
        longest = max(len(self.encoder.short(question)) for question in questions)
        return length.context_tokens(longest, self._plan["segment_length"])

    @cached_property
    def source(self) -> Source:
        """Makes the samples again."""
        return self._source(self._plan["split"])

    @cached_property
    def train(self) -> Source:
        """Makes the samples of the other split with the same settings."""
        return self._source("train" if self._plan["split"] == "test" else "test")

    def _source(self, split: str) -> Source:
        plan = self._plan
        return Source(
            self.background, self.encoder.tokenizer, plan["seed"], plan["placement"], split, plan["segment_length"],
            plan.get("distractors", 0.0), plan.get("style", "none"),
        )  # fmt: skip


class _Unread(Background):
    """A background that is known by its name and fingerprint only: enough to give samples their ids."""

    volumes = first_volumes = 1

    def __init__(self, name: str, fingerprint: str):
        self.name = name
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        raise UserError(f"the background {self.name} is not at hand: give --background")


def _encoder(plan: dict[str, Any], tokenizer: str | None) -> Encoder:
    name = plan["tokenizer"]
    try:
        encoder = Encoder(load_tokenizer(tokenizer or name))
    except UserError as error:
        if tokenizer:
            raise
        raise UserError(f"the tokenizer {name!r} is not at hand: say where it lies with --tokenizer") from error
    if encoder.fingerprint != plan["tokenizer_fingerprint"]:
        raise UserError(f"this is not the tokenizer that the data set was made with ({name}): give --tokenizer")
    return encoder


def _background(plan: dict[str, Any], given: str | None) -> tuple[Background, str]:
    """The background of the plan, and why its text cannot be read (empty: it can)."""
    name, fingerprint = plan["background"], plan["background_fingerprint"]
    try:
        background = load_background(given or name)
        if background.fingerprint == fingerprint:
            return background, ""
        why = f"this is not the background that the data set was made with ({name}); give --background"
    except UserError:
        if given:
            raise
        why = f"the background {name} is not at hand; give --background"
    if given:
        raise UserError(why)
    return _Unread(name, fingerprint), why


def _task(name: str, knobs: dict[str, Any], facts: str | None) -> Task:
    if "fingerprint" not in knobs:
        return load_task(name, **knobs)
    if not facts:
        raise UserError("made from the official bAbI files; give --facts babi:PATH")
    return ArchiveTask(name, str(Path(facts.removeprefix("babi:"))), knobs["split"], knobs["fingerprint"])
