"""Sentences of a long text, found by the words they hold. Knows nothing of what they mean.

The text is never split into a list of sentences: a word is looked up with `str.find`, and only the sentences
around its occurrences are cut out. So a fact in ten megabytes of novel costs one fast scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Facts are short; no sentence longer than this on either side of a word is one.
_REACH = 240
_END = re.compile(r"[.!?…]+[\"'”’)\]»]*(?=\s|$)|\n\s*\n")
#: Characters that open a quotation or follow a heading: a sentence can begin behind them.
_OPENERS = "\"'“‘([«*_—–-"
_CAPITAL = re.compile(r"\s+(?=[^\W\d_a-z]|[\"'“‘([«*_—–-]+[^\W\d_a-z])")


@dataclass(frozen=True)
class Sentence:
    """One sentence as it stands in the text, without its full stop, white space made single blanks."""

    start: int
    text: str


class Passages:
    """A text and the sentences in it that hold a given word."""

    def __init__(self, text: str):
        self.text = text
        self._flat = text.replace("\n", " ") if "\n" in text else text
        self._holding: dict[str, tuple[Sentence, ...]] = {}

    def holding(self, phrase: str) -> tuple[Sentence, ...]:
        """The sentences that hold `phrase` as whole words, case and all, in text order."""
        if phrase not in self._holding:
            sentences = {s.start: s for s in map(self.around, self.occurrences(phrase))}
            self._holding[phrase] = tuple(sentences[start] for start in sorted(sentences))
        return self._holding[phrase]

    def occurrences(self, phrase: str, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """Where `phrase` stands in the text as whole words."""
        end = len(self._flat) if stop is None else stop
        at = self._flat.find(phrase, start, end) if phrase else -1
        while at >= 0:
            after = at + len(phrase)
            if not self._in_word(at - 1, phrase[0]) and not self._in_word(after, phrase[-1]):
                yield at
            at = self._flat.find(phrase, after, end)

    def around(self, position: int) -> Sentence:
        """The sentence that `position` lies in."""
        floor = max(0, position - _REACH)
        start = floor
        for match in _END.finditer(self.text, floor, position):
            start = match.end()
        match = _END.search(self.text, position, position + _REACH)
        end = match.start() if match else min(len(self.text), position + _REACH)
        words = " ".join(self._flat[start:end].split())
        lead = len(self._flat[start:end]) - len(self._flat[start:end].lstrip())
        return Sentence(start + lead, words)

    def _in_word(self, index: int, neighbour: str) -> bool:
        return neighbour.isalnum() and 0 <= index < len(self._flat) and self._flat[index].isalnum()


def openings(sentence: str) -> Iterator[str]:
    """The sentence, then its ends that could be sentences, longest first.

    A heading or a line such as `asked Pierre` has no full stop, so what follows it seems to belong to it. "and Mary
    went" is no such end: John, before it, went too.
    """
    yield sentence
    for match in _CAPITAL.finditer(sentence):
        if not sentence[: match.start()].endswith(" and"):
            yield sentence[match.end() :].lstrip(_OPENERS)
    stripped = sentence.lstrip(_OPENERS)
    if stripped != sentence:
        yield stripped
