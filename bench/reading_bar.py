"""How far an evaluation is, as a bar on a terminal or in a notebook. Knows units by their size only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..base.console import advance, progress_bar, side_bar
from ..generators.lengths import parse_lengths
from ..generators.plan import Plan, Samples, Unit
from .watching import Progress


@contextmanager
def reading_bar(samples: Samples, segment_length: int, quiet: bool) -> Iterator[Progress]:
    """A progress bar over all tokens of all units, as `evaluate` takes one for `progress`.

    What a finished unit holds is counted when it is passed over.
    """

    def size(unit: Unit) -> int:
        return (unit.stop - unit.start) * parse_lengths(unit.length)[0].context_tokens(0, segment_length)

    def move(unit: Unit, tokens: int | None) -> None:
        advance(bar, size(unit) if tokens is None else tokens, f"{unit.task} at {unit.length}")

    with progress_bar(sum(map(size, samples.units())), "tokens", quiet=quiet) as bar:
        if not isinstance(samples, Plan):
            yield move
            return
        before, samples.source.watch = samples.source.watch, side_bar(bar, "characters")
        try:
            yield move
        finally:
            samples.source.watch = before
