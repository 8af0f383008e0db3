"""What one sentence says: the sentence forms of the twenty tasks, official and paraphrased, as tables.

    parse("Mary got the milk there")  ->  Take(who="Mary", thing="milk")

A sentence of no known form is `None`. A name is any one capitalised word, a place or thing any noun, so an unseen
lexicon reads as well as the official one. Knows nothing of the text around the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .reader_facts import At, Away, Beside, Bigger, Drop, Fact, Fear, Give, Kind, Take, Trait

STEPS = {
    "north": (0, 1),
    "south": (0, -1),
    "east": (1, 0),
    "west": (-1, 0),
    "above": (0, 1),
    "hangs right over": (0, 1),
    "below": (0, -1),
    "sits right under": (0, -1),
    "to the left of": (-1, 0),
    "stands on the left-hand side of": (-1, 0),
    "to the right of": (1, 0),
    "stands on the right-hand side of": (1, 0),
}
TIMES = {"yesterday": 0, "this morning": 1, "this afternoon": 2, "this evening": 3}
PRONOUNS = ("he", "she", "they")
#: What a fact begins with when its subject is the actor of the fact before it.
CONNECTIVES = ("After that", "Following that", "Afterwards", "Then", "Soon", "Before long", "A little later")
#: The words that only a sentence about someone moving can hold, one of them at least.
MOVING = ("went", "travelled", "traveled", "journeyed", "moved", "headed", "strolled", "made for", "next stop")

_NAME = r"[^\W\d_a-z][\w'’-]*"
_NOUN = r"[^\W\d_A-Z][\w'’-]*(?: [\w'’-]+){0,4}?"
_WORD = r"[^\W\d_][\w'’-]*"
_SLOTS = {
    "who": rf"(?P<who>{_NAME}(?: and {_NAME})?)",
    "to": rf"(?P<to>{_NAME})",
    "he": rf"(?:{'|'.join(CONNECTIVES)}),? (?P<who>{'|'.join(PRONOUNS)})",
    "place": rf"(?P<place>{_NOUN})",
    "or": rf"(?P<or>{_NOUN})",
    "thing": rf"(?P<thing>{_NOUN})",
    "other": rf"(?P<other>{_NOUN})",
    "word": rf"(?P<word>{_WORD})",
    "kind": rf"(?P<kind>{_WORD})",
    "moved": r"(?:(?:went back|went|travell?ed|journeyed|moved|headed over) to|strolled into|made for)",
    "took": r"(?:picked up|got|grabbed|took|scooped up|seized|got hold of)",
    "left": r"(?:put down|dropped|left|discarded|let go of|parted with)",
    "gave": r"(?:gave|handed|passed)",
    "compass": r"(?P<step>north|south|east|west)",
    "side": rf"(?:is )?(?P<step>{'|'.join(step for step in STEPS if ' ' in step or step in ('above', 'below'))})",
}

#: Sentence forms by what they say: slots in angle brackets, official forms first, then paraphrases.
_FORMS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        At,
        (
            "<who> <moved> the <place>(?: and stopped inside)?",
            "<he> <moved> the <place>(?: and stopped inside)?",
            "<who> is either in the <place> or (?:in )?the <or>",
            "<who> is within the <place> or else within the <or>",
            "The next stop for <who> was the <place>",
            "The <place> has <who> within its walls",
        ),
    ),
    (
        Away,
        (
            "<who> is (?:not|no longer) in the <place>",
            "<who> is nowhere within the <place>",
            "The <place> is without <who>",
        ),
    ),
    (At, ("<who> is (?:staying )?in the <place>",)),
    (Give, ("<who> <gave> the <thing> to <to>", "<who> slid the <thing> across to <to>")),
    (Give, ("<to> accepted the <thing> that <who> held out",)),
    (Take, ("<who> <took> the <thing>(?: there)?",)),
    (Drop, ("<who> <left> the <thing>(?: there)?", "<who> set the <thing> aside")),
    (
        Beside,
        (
            "The <thing> is <compass> of the <other>",
            "The <thing> <side> the <other>",
            "To the <compass> of the <other> lies the <thing>",
            "Walk <compass> out of the <other> and the <thing> is there",
        ),
    ),
    (
        Bigger,
        (
            "The <thing> is bigger than the <other>",
            "The <other> fits (?:inside|in) the <thing>",
            "The <thing> dwarfs the <other>",
            "Next to the <thing>, the <other> looks tiny",
            "The <other> goes into the <thing> with room to spare",
            "The <thing> swallows the <other> whole",
        ),
    ),
    (Fear, ("<kind> are afraid of <word>", "<kind> dread <word>", "<word> make <kind> tremble")),
    (Kind, ("<who> is an? <kind>", "<who> was born an? <kind>", "By birth <who> is an? <kind>")),
    (Trait, ("<who> is <word>(?: all over)?", "From head to foot <who> is <word>")),
)
_MOODS = {
    "hungry": ("<who> has not eaten since dawn", "The stomach of <who> is rumbling"),
    "thirsty": ("<who> longs for something to drink", "The throat of <who> is parched"),
    "bored": ("<who> has nothing at all to do", "Time passes slowly for <who>, who wants some fun"),
    "tired": ("<who> can hardly stay awake", "<who> keeps yawning"),
}
_NOT_NAMES = frozenset("The A An It He She They We You I This That There Then What Who Soon".split())
_EARLY = re.compile(rf"({'|'.join(TIMES)}),? (.+)", re.IGNORECASE | re.DOTALL)
_LATE = re.compile(rf"(.+?),? ({'|'.join(TIMES)})", re.IGNORECASE | re.DOTALL)


def parse(sentence: str) -> Fact | None:
    """The fact that a sentence states, or `None`. The sentence comes without its full stop."""
    rest, when = _time(sentence)
    for kind, form, mood in _PATTERNS:
        if match := form.fullmatch(rest):
            slots = {"word": mood, **match.groupdict()}
            who = tuple(slots.get("who", "").split(" and "))
            if not _NOT_NAMES.intersection((*who, slots.get("to", ""))):
                return _BUILD[kind](slots, who, when)
    return None


def _compile(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<(\w+)>", lambda slot: _SLOTS[slot[1]], form))


def _at(slots: Mapping[str, str], who: tuple[str, ...], when: int | None) -> At:
    places = (slots["place"], slots["or"]) if "or" in slots else (slots["place"],)
    return At(who, places, when)


_BUILD: dict[type, Callable[[Mapping[str, str], tuple[str, ...], int | None], Fact]] = {
    At: _at,
    Away: lambda slots, who, _: Away(who, slots["place"]),
    Take: lambda slots, who, _: Take(who[0], slots["thing"]),
    Drop: lambda slots, who, _: Drop(who[0], slots["thing"]),
    Give: lambda slots, who, _: Give(who[0], slots["thing"], slots["to"]),
    Beside: lambda slots, *_: Beside(slots["thing"], STEPS[slots["step"]], slots["other"]),
    Bigger: lambda slots, *_: Bigger(slots["thing"], slots["other"]),
    Fear: lambda slots, *_: Fear(slots["kind"].lower(), slots["word"].lower()),
    Kind: lambda slots, who, _: Kind(who[0], slots["kind"]),
    Trait: lambda slots, who, _: Trait(who[0], slots["word"]),
}
_PATTERNS = tuple((kind, _compile(form), "") for kind, forms in _FORMS for form in forms) + tuple(
    (Trait, _compile(form), mood) for mood, forms in _MOODS.items() for form in forms
)


def _time(sentence: str) -> tuple[str, int | None]:
    """A sentence without its time of day, and that time."""
    if early := _EARLY.fullmatch(sentence):
        return early[2], TIMES[early[1].lower()]
    if late := _LATE.fullmatch(sentence):
        return late[1], TIMES[late[2].lower()]
    return sentence, None
