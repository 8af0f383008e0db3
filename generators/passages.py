"""A fact in its surroundings: what stands right before it and right after it. The rest of the text is not made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .haystack import Filler, Haystack
from .plan import Plan, Samples

#: Characters of text that are shown before a fact, and after it.
AROUND = 220
#: Sentences of a stretch of filler that are looked at; they hold about that much.
_SENTENCES = 4


@dataclass(frozen=True)
class Passage:
    """A fact and the text on both sides; `depth` is 0 at the start of the whole text and 1 at its end.

    A side is empty where the text begins or ends. `cut_before` and `cut_after` say whether more of it follows.
    """

    before: str
    fact: str
    after: str
    depth: float
    cut_before: bool
    cut_after: bool


def passages(samples: Samples, task: str, length: str, index: int, sample_id: str, most: int = 6) -> list[Passage]:
    """The facts that support the answer of a sample, each in its surroundings: `most` of them, the last ones.

    None where `samples` are no plan (a data set holds whole texts, which may be long), or do not have this one. Costs
    the layout of one document and a few sentences of it, however long it is.
    """
    if not isinstance(samples, Plan) or task not in samples.tasks or length not in samples.lengths:
        return []
    for sample in samples.source.samples(task, samples.tasks[task], samples.lengths[length], index):
        if sample.id == sample_id and isinstance(sample.document, Haystack):
            numbers = {place.char_start: number for number, place in enumerate(sample.document.places(()))}
            needed = [fact for fact in sample.facts if fact.supporting][-most:]
            return [_passage(sample.document, numbers[fact.char_start], fact.text, fact.depth) for fact in needed]
    return []


def _passage(haystack: Haystack, number: int, fact: str, depth: float) -> Passage:
    at = haystack.pieces.index(number)
    before, cut_before = _side(haystack, reversed(haystack.pieces[:at]), backwards=True)
    after, cut_after = _side(haystack, haystack.pieces[at + 1 :], backwards=False)
    return Passage(before, fact, after, depth, cut_before, cut_after)


def _side(haystack: Haystack, pieces: Iterable[Filler | int], backwards: bool) -> tuple[str, bool]:
    """The text of the nearest pieces, nearest first, up to some `AROUND` characters; whether more of it follows."""
    text = ""
    for piece in pieces:
        near = _near(piece, backwards)
        told = replace(haystack, pieces=(near,)).text()
        text = " ".join(filter(None, (told, text) if backwards else (text, told)))
        if near != piece or len(text) > AROUND:
            shown = _cut(text, backwards)
            return shown, near != piece or shown != text
    return text, False


def _cut(text: str, backwards: bool) -> str:
    """The words of the end of a text, or of its beginning, that fit."""
    if len(text) <= AROUND:
        return text
    return text[-AROUND:].partition(" ")[2] if backwards else text[:AROUND].rpartition(" ")[0]


def _near(piece: Filler | int, backwards: bool) -> Filler | int:
    """The sentences of a piece that are nearest to the fact."""
    if isinstance(piece, int):
        return piece
    if backwards:
        return replace(piece, start=max(piece.start, piece.stop - _SENTENCES))
    return replace(piece, stop=min(piece.stop, piece.start + _SENTENCES))
