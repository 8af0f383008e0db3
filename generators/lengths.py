"""How long a context is: the grammar of `--lengths`. Knows nothing of text.

0        only the facts            4k     4,000 tokens       4Ki     4,096 tokens
512      512 tokens                2M     2,000,000 tokens   1k..2M  1k, 2k, 4k ... 1024k, 2M (doubling)
7seg     as many tokens as fill 7 segments of the model with the question in the last one
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..base.errors import UserError

_UNITS = {"": 1, "k": 1_000, "ki": 1_024, "m": 1_000_000, "mi": 1_048_576}
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)(seg|ki|mi|k|m|)", re.IGNORECASE)
_GRAMMAR = "write 0, 512, 4k (thousands), 4Ki (1,024s), 2M, 7seg, or a range such as 1k..2M"


@dataclass(frozen=True)
class Length:
    """A nominal context length.

    `label` is the length as the user wrote it; it names folders and rows. Exactly one of `tokens` (of the context,
    the question is extra) and `segments` (context and question together) is set.
    """

    label: str
    tokens: int | None = None
    segments: int | None = None

    def context_tokens(self, question_tokens: int, segment_length: int | None) -> int:
        """Tokens of context, of a question of `question_tokens`. `segment_length` is the model's, for `7seg`.

        Raises `UserError` when a length in segments is asked for and no segment length is known.
        """
        if self.tokens is not None:
            return self.tokens
        assert self.segments is not None
        if segment_length is None:
            raise UserError(f"length {self.label!r} counts segments of a model: give --segment-length, or use tokens")
        if question_tokens > segment_length:
            raise UserError(f"a question of {question_tokens} tokens does not fit a segment of {segment_length}")
        return self.segments * segment_length - question_tokens


def parse_lengths(text: str | Iterable[str]) -> list[Length]:
    """`"0,4k,1k..8k"` as lengths, in the order given, each once. Raises `UserError` that states the grammar."""
    parts = text.split(",") if isinstance(text, str) else [part for item in text for part in item.split(",")]
    lengths: dict[tuple[int | None, int | None], Length] = {}
    for part in (part.strip() for part in parts):
        if not part:
            raise UserError(f"an empty length in {text!r}: {_GRAMMAR}")
        for length in _range(part) if ".." in part else [_single(part)]:
            lengths.setdefault((length.tokens, length.segments), length)
    return list(lengths.values())


def _single(text: str) -> Length:
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise UserError(f"not a length: {text!r}; {_GRAMMAR}")
    number, unit = float(match[1]), match[2].lower()
    count = number if unit == "seg" else number * _UNITS[unit]
    if count != int(count):
        raise UserError(f"not a whole number of {'segments' if unit == 'seg' else 'tokens'}: {text!r}; {_GRAMMAR}")
    if unit == "seg":
        if count < 1:
            raise UserError(f"a length in segments starts at 1seg, not {text!r}")
        return Length(text, segments=int(count))
    return Length(text, tokens=int(count))


def _range(text: str) -> list[Length]:
    low_text, _, high_text = text.partition("..")
    high = _single(high_text.strip())
    unit = "seg" if high.segments is not None else ""
    low = _single(low_text.strip() + (unit if unit and low_text.strip().isdigit() else ""))
    first, last = (low.segments, high.segments) if unit else (low.tokens, high.tokens)
    if first is None or last is None or not 0 < first < last:
        raise UserError(f"not a range: {text!r}; it runs from a smaller to a larger length above 0, in one unit")
    counts = [first]
    while counts[-1] * 2 < last:
        counts.append(counts[-1] * 2)
    if unit:
        return [Length(f"{count}seg", segments=count) for count in [*counts, last]]
    letter = _LENGTH.fullmatch(low.label)[2]  # type: ignore[index]
    return [Length(_label(count, letter), tokens=count) for count in counts] + [high]


def _label(tokens: int, unit: str) -> str:
    size = _UNITS[unit.lower()]
    return f"{tokens // size}{unit}" if tokens % size == 0 else str(tokens)
