"""A symbolic reader of the tasks beyond bAbI: answers from the text alone, however much filler there is.

    answer("... Alaric rang the bell. Alaric rang the bell. ...", "How many times did Alaric ring the bell?")  ->  two

It sees strings only, and shares nothing with the code that makes the tasks. Each form of question has one function; a
fact is found by a pattern that begins with what the question names, or with the words all such facts begin with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

UNKNOWN = "unknown"
Answering = Callable[..., str]
_COUNTS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MOVED = "(?:went back|went|moved|journeyed|travelled) to|headed over to"
_WORD = r"[A-Z][\w'’-]*"
_IN_WORD = re.compile(r"[\w'’-]")
_FULL_NAME = f"{_WORD} {_WORD}"


def answer(text: str, question: str) -> str | None:
    """The answer to a question about a text, `unknown` when the text does not say, `None` for no known form."""
    words = " ".join(question.split())
    for pattern, answering in _FORMS:
        if match := pattern.fullmatch(words):
            return answering(" ".join(text.split()) if "\n" in text else text, **match.groupdict()) or UNKNOWN
    return None


def _found(pattern: str, text: str) -> list[tuple[int, str]]:
    """Where a pattern occurs, not within a word, and what its one group holds, in text order.

    Patterns begin with plain letters: for those a long text is scanned fast.
    """
    hits = re.finditer(pattern, text)
    return [(hit.start(), hit[1]) for hit in hits if not _IN_WORD.match(text[max(hit.start() - 1, 0) : hit.start()])]


def _all(pattern: str, text: str) -> list[str]:
    return [held for _, held in _found(pattern, text)]


def _last(found: Sequence[str]) -> str:
    return found[-1] if found else ""


def _magic(text: str, kind: str, keys: str) -> str:
    """The values under each key, in text order."""
    wanted = "|".join(map(re.escape, re.split(r",? and (?=\S)|, ", keys)))
    return ",".join(_all(rf"One of the special magic {kind}s for (?:{wanted}) is: ([\w-]+)\.", text))


def _passkey(text: str) -> str:
    return _last(_all(r"The passkey is (\d+); remember it, \1 is the passkey\.", text))


def _best_thing(text: str, city: str) -> str:
    return _last(_all(rf"The best thing to do in {re.escape(city)} is ([^.]+?) on a sunny day\.", text))


def _variables(text: str, value: str) -> str:
    """All variables that lead back to a value, in the order they get it."""
    having: list[str] = []
    for variable, source in re.findall(r"VAR (\w+) = (\d+|VAR \w+)\.", text):
        if source == value or source.removeprefix("VAR ") in having:
            having.append(variable)
    return ",".join(having)


def _most_frequent(text: str, count: str | None = None) -> str:
    words = Counter(word for row in _all(r"Wordlist: ([^.]+)\.", text) for word in row.split(", "))
    return ",".join(word for word, _ in words.most_common(int(count or 1)))


def _carried(text: str, person: str) -> str:
    """What someone carries by the last thing said of it, in either wording."""
    who = re.escape(person)
    said = (
        rf"{who} (?:now )?carries the (\w+)\.",
        rf"The (\w+) lies in the bag of {who}\.",
        rf"the (\w+) lies in the bag of {who}\.",
        rf"In the pocket of {who} is the (\w+)\.",
    )
    return _latest(text, said)


def _place(text: str, person: str) -> str:
    """Where someone went last, in either wording."""
    who = re.escape(person)
    said = (rf"{who} (?:{_MOVED}) the (\w+)\.", rf"The next stop for {who} was the (\w+)\.")
    return _latest(text, said)


def _told(text: str, key: str) -> str:
    """What stands behind a key where nothing else is told."""
    return _last(_all(rf"{re.escape(key)} (\w+)\.", text))


def _latest(text: str, patterns: Iterable[str]) -> str:
    """What the last of all hits holds."""
    return max((hit for pattern in patterns for hit in _found(pattern, text)), default=(0, ""))[1]


def _after(text: str, person: str, thing: str) -> str:
    row = _all(rf"{re.escape(person)} then drew the (\w+)\.", text)
    return row[row.index(thing) + 1] if thing in row[:-1] else ""


def _noted(text: str, person: str, number: str) -> str:
    row = _all(rf"{re.escape(person)} noted down the (\w+)\.", text)
    return row[int(number) - 1] if int(number) <= len(row) else ""


def _first(text: str, one: str, other: str) -> str:
    arrived = sorted(hit for name in (one, other) for hit in _found(rf"({re.escape(name)}) arrived at the \w+\.", text))
    return arrived[0][1] if arrived else ""


def _times(text: str, person: str) -> str:
    return _COUNTS[len(_all(rf"({re.escape(person)}) rang the bell\.", text))]


_FORMS: tuple[tuple[re.Pattern[str], Answering], ...] = tuple(
    (re.compile(form), answering)
    for form, answering in (
        (
            r"What (?:is the|are all \d+) special magic (?P<kind>\w+?)s? for (?P<keys>.+) mentioned in .+\?",
            _magic,
        ),
        (r"What is the passkey\?", _passkey),
        (r"What is the best thing to do in (?P<city>.+)\?", _best_thing),
        (r"Which (?:\d+ variables have|variable has) the value (?P<value>\d+)\?", _variables),
        (r"Which (?:(?P<count>\d+) words are|word is) the most frequent in the wordlists\?", _most_frequent),
        (rf"What does (?P<person>{_FULL_NAME}) carry(?: now)?\?", _carried),
        (rf"Which item does (?P<person>{_FULL_NAME}) have on hand\?", _carried),
        (rf"Where is (?P<person>{_FULL_NAME})\?", _place),
        (rf"In which location would one find (?P<person>{_FULL_NAME})\?", _place),
        (rf"What did (?P<person>{_WORD}) draw right after the (?P<thing>\w+)\?", _after),
        (rf"What was thing number (?P<number>\d+) that (?P<person>{_WORD}) noted down\?", _noted),
        (r"Who arrived first, (?P<one>[\w ]+) or (?P<other>[\w ]+)\?", _first),
        (rf"(?P<key>{_WORD})\?", _told),
        (rf"How many times did (?P<person>{_WORD}) ring the bell\?", _times),
    )
)
