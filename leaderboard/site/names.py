"""Names as other people wrote them, made fit to be shown, to be a title, or to be a file's name. Knows no table.

A name may be anything: markup, a path, a formula, ten thousand emoji. Markup is harmless because templates escape it
and scripts write text nodes only; this module sees to what escaping does not reach.
"""

from __future__ import annotations

import re
import unicodedata

from ...base.files import digest

#: Marks that change the direction of what follows them. A page isolates them in <bdi>; a title cannot.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(text: str) -> str:
    """`text` with what is no character replaced by U+FFFD: control codes, and halves of surrogate pairs."""
    whole = text.encode("utf-8", errors="replace").decode("utf-8")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)


def title(text: str, limit: int = 80) -> str:
    """`text` as a title: one line of at most `limit` characters, without marks of direction."""
    line = " ".join(_BIDI.sub("", shown(text)).split()) or "(no name)"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def file_name(*identity: str) -> str:
    """What the page of `identity` is called, without its ending: a readable slug and a hash, [a-z0-9-] only.

    The hash is of all of `identity`, so names that look alike when cut or folded have files of their own.
    """
    plain = unicodedata.normalize("NFKD", shown(identity[0])).encode("ascii", errors="ignore").decode("ascii")
    slug = re.sub("[^a-z0-9]+", "-", plain.lower())[:40].strip("-") or "page"
    return f"{slug}-{digest(*map(shown, identity))[:8]}"
