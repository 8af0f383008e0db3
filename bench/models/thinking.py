"""What a language model said: its answer without its thinking, and what is odd about it. Knows strings only.

finish    text                                        answer     note
stop      <think>Mary went ...</think> garden         garden
stop      Mary went ...</think> garden                garden              the template opened the thinking
length    the garden is where                         the ...    cut at 4 tokens
length    <think>Mary went to                                    cut inside its thinking at 64 tokens
stop                                                             empty answer
"""

from __future__ import annotations

from dataclasses import dataclass

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class Spoken:
    """An answer; `note` says what is odd about it, `filtered` that the server's filter kept it back."""

    text: str
    note: str = ""
    filtered: bool = False


def spoken(text: str, thought: str, finish: str, budget: int, thinks: bool) -> Spoken:
    """The answer in `text`.

    `thought` is the thinking, where a server hands it over apart; `finish` its finish reason (`stop`, `length`,
    `content_filter`); `budget` the tokens the model had in all; `thinks` whether it was given some to think with.
    """
    answer = text.rpartition(_CLOSE)[2].strip()
    cut = finish == "length"
    if finish == "content_filter":
        return Spoken(answer, "kept back by the server's content filter", filtered=True)
    if _CLOSE not in text and (_OPEN in text or (cut and _still_thinking(answer, thought, thinks))):
        return Spoken("", f"cut inside its thinking at {budget:,} tokens" if cut else "its thinking has no end")
    if not answer:
        return Spoken("", f"empty answer, cut at {budget:,} tokens" if cut else "empty answer")
    return Spoken(answer, f"cut at {budget:,} tokens" if cut else "")


def _still_thinking(answer: str, thought: str, thinks: bool) -> bool:
    """Whether a text that was cut, without a mark of thinking in it, is thinking all the same.

    Thinking that comes apart leaves the answer empty until it ends. Thinking that a chat template opened has no mark
    until it ends; of a model that was given tokens to think with, a text without that mark is taken for thinking.
    """
    return not answer if thought else thinks


def first_line(reply_text: str, note: str) -> tuple[str, str]:
    """The first line that is not empty, and the note, which no longer says `cut` where that line is whole."""
    lines = reply_text.strip().split("\n")
    return lines[0].strip(), "" if len(lines) > 1 and note.startswith("cut at") else note
