"""The background `noise`: the same five sentences without end, in the manner of the pass key test and of RULER.

Theirs speak of green grass, a blue sky and a yellow sun; those colours are answers of qa16, so no filler may hold them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ..base.files import digest
from .background import Background, background

_LINE = ("The grass is wet.", "The sky is clear.", "The sun is warm.", "Here we go.", "There and back again.")
_REPEATS = 4_000


@background("noise")
class NoiseBackground(Background):
    """Five short sentences, repeated without end: filler that holds nothing to attend to."""

    name = "noise"
    volumes = 1
    first_volumes = 1

    @property
    def fingerprint(self) -> str:
        """A hash of the sentences and of how often a volume repeats them."""
        return digest("noise", _REPEATS, _LINE)

    def sentences(self, volume: int, split: str) -> Iterator[str]:
        """The five sentences in order, over and over; the same in both splits."""
        return itertools.chain.from_iterable(itertools.repeat(_LINE, _REPEATS))
