"""The official words of bAbI v1.2 that carry meaning: who, where, what. Verbs and function words are elsewhere.

Filler must hold none of them, in any form: `collisions` is the one definition of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

PEOPLE = ("Daniel", "John", "Mary", "Sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")

#: Every name, place, object, animal, colour, shape, container and mood of the twenty tasks, in lower case.
OFFICIAL = frozenset(
    """
    daniel john mary sandra bill fred jeff julie
    bernhard brian greg julius lily emily gertrude jessica winona antoine jason sumit yann
    bathroom bedroom garden hallway kitchen office cinema park school
    apple football milk pajamas
    box chest chocolate chocolates container suitcase
    cat cats frog lion mice mouse rhino sheep swan wolf wolves
    blue gray green pink red white yellow
    rectangle sphere square triangle
    bored hungry thirsty tired
    """.split()
)

#: From this many letters on, a word counts as found inside any longer word (`garden` in `gardener`).
_INSIDE_FROM = 5
#: Shorter words count with these endings only, so that `cat` does not forbid `catch`; `red` forbids `reddish`, too.
_ENDINGS = "(?:s|es|ed|er|ers|ing|ish|y|ness|den|n't|'s|’s)?"


def stems(lexicon: frozenset[str]) -> frozenset[str]:
    """What a form of a word begins with: the word, and where its plural changes it, that (`lilies` of `lily`)."""
    return lexicon | {f"{word[:-1]}ies" for word in lexicon if word.endswith("y")}


@lru_cache(maxsize=64)
def collision_pattern(lexicon: frozenset[str]) -> re.Pattern[str]:
    """The pattern that finds a form of any word of `lexicon`: plurals, possessives and compounds included."""
    brief = frozenset(word for word in lexicon if 0 < len(word) < _INSIDE_FROM)
    long = sorted(re.escape(word) for word in stems(lexicon - brief) if word)
    short = sorted(f"{re.escape(word)}{re.escape(word[-1])}?" for word in stems(brief))
    parts = [f"(?:{'|'.join(long)})"] if long else []
    if short:
        parts.append(rf"(?<![^\W_])(?:{'|'.join(short)}){_ENDINGS}(?![^\W_])")
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def collisions(text: str, lexicon: Iterable[str] = OFFICIAL) -> list[str]:
    """The forms of lexicon words that occur in `text`, in order: `["gardens"]` in "flowery gardens" (as found)."""
    words = lexicon if isinstance(lexicon, frozenset) else frozenset(lexicon)
    return [match.group(0) for match in collision_pattern(words).finditer(text)]
