"""The words of the tasks beyond bAbI, in two disjoint halves, and the one lexicon that they share. Knows no sentences.

    name      Alaric                  40 in each half
    person    Alaric Abernathy        1280: a name and a family
    owned     Alaric's bagel          1040: a name and a thing
    word      bagel, otter, sauna     62: things, animals and places

One lexicon for all of them means one index of filler for all of them; a word too many in it costs a few sentences.
"""

from __future__ import annotations

import itertools
from functools import cache

from .babi.cast import FRESH

HALVES = tuple(FRESH)
#: Second halves of names; as the other words, ones that a novel seldom holds.
_FAMILIES = {
    "test": "Abernathy Arbuthnot Ballantyne Blenkinsop Carruthers Cholmondeley Delacroix Featherstone Fotheringay "
    "Grimsby Higginbotham Hollingsworth Jankowski Kilbride Lattimer Ogilvie",
    "train": "Ardizzone Babbington Colquhoun Dalrymple Entwistle Fanshawe Galbraith Hathersage Ingleby Kirkpatrick "
    "Mainwaring Nethercott Oglethorpe Pilkington Quackenbush Ravenscroft",
}
_MORE_FAMILIES = {
    "test": "Pemberton Prendergast Rutherglen Satterthwaite Swinburne Tattersall Thistlewood Vavasour Whittaker "
    "Wigglesworth Yardley Zeller Illingworth Lowestoft Mulholland Osbaldeston",
    "train": "Sedgwick Shuttleworth Stavropoulos Strickland Trelawney Trevelyan Uttoxeter Vandermeer Warburton "
    "Wolstenholme Wycherley Yarborough Zimmermann Ormerod Postlethwaite Rasmussen",
}
_CITIES = {
    "test": "Reykjavik Montevideo Samarkand Valparaiso Ljubljana Zanzibar Timbuktu Kathmandu",
    "train": "Antananarivo Bratislava Casablanca Guadalajara Johannesburg Novosibirsk Rotterdam Vladivostok",
}
#: Words that mark a fact of a task that has no names in it.
PASSKEY, WORDLIST = "passkey", "wordlist"


def names(half: str) -> tuple[str, ...]:
    """First names."""
    return FRESH[half]["people"]


@cache
def people(half: str) -> tuple[str, ...]:
    """Everyone there is: a first name and a family."""
    families = f"{_FAMILIES[half]} {_MORE_FAMILIES[half]}".split()
    return tuple(f"{name} {family}" for name, family in itertools.product(names(half), families))


@cache
def owned(half: str) -> tuple[str, ...]:
    """Someone's thing, as a key that is two words long."""
    return tuple(f"{name}'s {thing}" for name, thing in itertools.product(names(half), things(half)))


def things(half: str) -> tuple[str, ...]:
    """Things that one can carry."""
    return FRESH[half]["objects"]


def places(half: str) -> tuple[str, ...]:
    """Places to go to."""
    return FRESH[half]["places"]


def cities(half: str) -> tuple[str, ...]:
    """Cities for the test that asks what is best to do there."""
    return tuple(_CITIES[half].split())


@cache
def nouns(half: str) -> tuple[str, ...]:
    """Things, animals and places: the words of word lists."""
    return things(half) + FRESH[half]["animals"] + places(half)


@cache
def lexicon(half: str) -> frozenset[str]:
    """Every word of a half, in lower case, and the two markers."""
    families = f"{_FAMILIES[half]} {_MORE_FAMILIES[half]}".split()
    words = (*names(half), *families, *nouns(half), *cities(half), PASSKEY, WORDLIST)
    return frozenset(word.lower() for word in words)
