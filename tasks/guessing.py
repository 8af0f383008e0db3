"""How one guesses without reading: uniformly among all answers that a question allows. Knows no text.

Where is Mary?                    garden                 one of the choices
Which 3 words are the most ...    otter,sauna,bagel      so many of the choices
What is Mary carrying?            apple,milk             any of the lists, `nothing` among them
What is the special magic ...     (nothing)              free text without choices cannot be guessed
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import comb

import numpy as np

_SO_MANY = re.compile(r"\b(?:Which|all) (\d+) ")
_LIST = re.compile(r"What is \w+ carrying\?|Which items does \w+ have on hand\?")
#: Choices of a list question that stand alone: the empty list, and not knowing.
_EMPTY, _ALONE = "nothing", "unknown"


def guess(question: str, choices: Sequence[str], rng: np.random.Generator) -> str:
    """A uniform draw among the answers that a question allows; a list is joined by commas."""
    if not choices:
        return ""
    if _EMPTY in choices and _LIST.search(question):
        return _any_list([choice for choice in choices if choice not in (_EMPTY, _ALONE)], _ALONE in choices, rng)
    wanted = _SO_MANY.search(question)
    size = min(int(wanted[1]) if wanted else 1, len(choices))
    return ",".join(choices[int(i)] for i in rng.permutation(len(choices))[:size])


def odds(question: str, choices: Sequence[str]) -> float:
    """How likely a guess is right: one in so many answers as the question allows; 0 without choices."""
    if not choices:
        return 0.0
    if _EMPTY in choices and _LIST.search(question):
        return 1 / (2 ** sum(choice not in (_EMPTY, _ALONE) for choice in choices) + (_ALONE in choices))
    wanted = _SO_MANY.search(question)
    return 1 / comb(len(choices), min(int(wanted[1]) if wanted else 1, len(choices)))


def _any_list(things: Sequence[str], may_be_unknown: bool, rng: np.random.Generator) -> str:
    drawn = int(rng.integers(2 ** len(things) + may_be_unknown))
    if drawn == 2 ** len(things):
        return _ALONE
    return ",".join(thing for i, thing in enumerate(things) if drawn >> i & 1) or _EMPTY
