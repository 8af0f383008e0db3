"""Backgrounds by name: what the filler is made of. Knows what one is, and not how any of them makes its sentences.

A background is a row of volumes, each a list of sentences; reading goes on from one volume to the next.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

from ..base.errors import UserError
from ..base.registry import Registry

_PROSE = "rmt_bench.generators.prose_background"
_NOISE = "rmt_bench.generators.noise_background"
_TEXT = "rmt_bench.generators.plain_text"
_TABLES = "rmt_bench.generators.tables"


class Background(ABC):
    """Where filler comes from.

    `volumes` is how many volumes there are (None: without end, or not known before they are read). `first_volumes` is
    among how many of them a text may begin: reading then goes on to the next one, and from the last one back to the
    first.
    """

    name: str
    volumes: int | None
    first_volumes: int

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of what the filler is: the text itself, or the version of what makes it."""

    @abstractmethod
    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """The sentences of one volume, in order, for the `test` or the `train` split. No line breaks within."""

    def following(self, volume: int) -> int:
        """The volume that follows one that was read to its end; after the last one, the first."""
        return volume + 1 if self.volumes is None else (volume + 1) % self.volumes

    def size(self, volume: int) -> int | None:
        """How many characters a volume has, about, for whoever shows how far the work is; None: that is not known."""
        return None


BACKGROUNDS: Registry[Callable[..., Background]] = Registry(
    kind="background",
    group="rmt_bench.backgrounds",
    listing="rmt-bench backgrounds",
    builtin={"prose": _PROSE, "noise": _NOISE, "text": _TEXT, "parquet": _TABLES, "hf": _TABLES},
)
background = BACKGROUNDS.register


def load_background(spec: str) -> Background:
    """The background called `prose`, `text:PATH`, `parquet:PATH`, `hf:NAME`, or simply the path of plain text.

    Raises `UserError` for an unknown name, and for a path that holds no text.
    """
    name, colon, argument = spec.partition(":")
    if name not in BACKGROUNDS.names() and (Path(spec).expanduser().exists() or "/" in name):
        return BACKGROUNDS.get("text")(spec)
    factory = BACKGROUNDS.get(name)
    if colon and not inspect.signature(factory).parameters:
        raise UserError(f"the background {name!r} takes nothing after a colon; write --background {name}")
    return factory(argument) if colon else factory()
