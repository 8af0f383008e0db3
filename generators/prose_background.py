"""The background `prose`: the embedded grammar bound into volumes, without end and without a download."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from ..base.files import digest, sha256_file
from . import prose, prose_grammar
from .background import Background, background

#: Sentences in a volume (about 300,000 tokens), and in how many volumes a text may begin.
VOLUME_SENTENCES = 20_000
FIRST_VOLUMES = 8
#: What the text depends on: the words and frames, the code that compiles them, and the code that draws.
SOURCES = (prose_grammar.DATA, Path(prose_grammar.__file__), Path(prose.__file__))


@background("prose")
class ProseBackground(Background):
    """Endless English prose from the project's own seeded grammar; train and test never share a paragraph."""

    name = "prose"
    volumes = None
    first_volumes = FIRST_VOLUMES

    @property
    def fingerprint(self) -> str:
        """A hash of the grammar's words and frames, and of the code that compiles them and draws from them."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return digest("prose", VOLUME_SENTENCES, FIRST_VOLUMES, [sha256_file(source) for source in SOURCES])

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """The sentences of one volume: a pure function of the grammar, the split and the number."""
        key = int(digest("prose", split, volume)[:32], 16)
        rng = np.random.Generator(np.random.Philox(key=key))
        paragraphs = prose.Prose().paragraphs(rng)
        return itertools.islice(itertools.chain.from_iterable(paragraphs), VOLUME_SENTENCES)
