"""Who and what a story is about: the official casts of the twenty tasks, and fresh words in two disjoint halves.

Fresh words are ones that a novel seldom holds, so that little filler is lost to them. Knows no stories.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..lexicon import PEOPLE, PLACES
from .dice import Dice

#: The words of one story, or the words it can have, by their role: `people`, `places`, `objects`, `animals`, ...
Cast = Mapping[str, tuple[str, ...]]

_OBJECTS = ("apple", "football", "milk")
_TOWN = ("bedroom", "cinema", "kitchen", "office", "park", "school")
HOUSE: Cast = {"people": PEOPLE, "places": PLACES}
HOUSE_WITH_OBJECTS: Cast = {**HOUSE, "objects": _OBJECTS}
ROOMS: Cast = {"places": PLACES}
GIVERS: Cast = {"people": ("Bill", "Fred", "Jeff", "Mary"), "objects": _OBJECTS, "places": PLACES}
TOWN: Cast = {"people": ("Bill", "Fred", "Julie", "Mary"), "places": _TOWN}
#: The official files ask for these four in lower case.
FEARFUL: Cast = {"people": ("Emily", "Gertrude", "Jessica", "Winona"), "animals": ("cat", "mouse", "sheep", "wolf")}
COLORFUL: Cast = {
    "people": ("Bernhard", "Brian", "Greg", "Julius", "Lily"),
    "animals": ("frog", "lion", "rhino", "swan"),
    "colors": ("gray", "green", "white", "yellow"),
}
SHAPES: Cast = {"shapes": ("blue square", "pink rectangle", "red sphere", "red square", "triangle", "yellow square")}
#: The first two are the smallest ones in every story, in this order.
CONTAINERS: Cast = {"containers": ("chocolate", "box of chocolates", "box", "chest", "container", "suitcase")}
MOVED: Cast = {"people": ("Antoine", "Jason", "Sumit", "Yann")}

_FRESH_WORDS: dict[str, dict[str, str]] = {
    "test": {
        "he": "Alaric Barnaby Caspian Dashiell Eamon Fergus Ignatius Jethro Kendrick Lorcan Montgomery Orson Quentin "
        "Rashid Sterling Tobias Ulric Vikram Wendell Yusuf",
        "she": "Anthea Beatrix Clementine Daphne Esmeralda Fiona Gwendolyn Hermione Imogen Jocelyn Kezia Lavinia "
        "Miranda Nerissa Ottoline Priya Rosalind Saffron Tabitha Yolanda",
        "places": "aquarium bakery boathouse cafeteria casino crypt dormitory foyer gymnasium laundrette lighthouse "
        "mezzanine nursery observatory pavilion planetarium sauna solarium subway toolshed warehouse zoo",
        "objects": "accordion bagel bicycle banjo binoculars calculator clarinet crayon doughnut flashlight frisbee "
        "hairbrush jigsaw kaleidoscope lollipop marmalade microscope paintbrush screwdriver skateboard spatula "
        "stapler stethoscope thermos trombone xylophone",
        "animals": "badger beaver camel cheetah dingo gorilla jaguar koala llama otter panda salamander walrus zebra",
        "colors": "amber auburn beige crimson indigo lavender magenta maroon turquoise vermilion",
        "containers": "backpack barrel bathtub bucket cauldron cupboard drawer envelope jar satchel teapot wardrobe",
        "shapes": "cyan hexagon,olive cylinder,teal pentagon,violet ellipse,cyan cylinder,teal rhombus,olive hexagon,"
        "violet pentagon,rhombus,ellipse",
    },
    "train": {
        "he": "Ambrose Benedict Cormac Desmond Elijah Fabian Hamish Isidore Jasper Kieran Lysander Magnus Neville "
        "Octavio Phineas Roderick Sanjay Thaddeus Winston Zebulon",
        "she": "Araminta Bronwyn Calliope Delphine Eudora Felicity Guinevere Henrietta Isolde Juniper Kirsten Lucinda "
        "Melisande Niamh Ophelia Petronella Rowena Seraphina Theodora Ximena",
        "places": "arcade auditorium basement bookshop brewery canteen carport classroom conservatory darkroom garage "
        "greenhouse haberdashery infirmary lobby museum orangery pharmacy playroom rotunda sawmill windmill",
        "objects": "abacus bassoon bongo bracelet camcorder cello croissant dictaphone dumbbell earring guitar "
        "harmonica hourglass ladle lemonade mandolin megaphone pancake pretzel racket scooter snorkel sombrero "
        "tambourine tricycle ukulele",
        "animals": "antelope armadillo jackal chinchilla coyote ferret gazelle hamster iguana lemur meerkat "
        "porcupine raccoon weasel",
        "colors": "azure bronze burgundy chartreuse coral fuchsia khaki mauve ochre sepia",
        "containers": "attic aviary crate duffel canister hamper holdall lunchbox matchbox rucksack thimble vault",
        "shapes": "lilac octagon,peach pyramid,taupe trapezoid,puce cone,lilac pyramid,taupe octagon,peach cone,"
        "puce trapezoid,pyramid,trapezoid",
    },
}


def _pools(words: Mapping[str, str]) -> Cast:
    pools = {role: tuple(text.split("," if "," in text else None)) for role, text in words.items()}
    return {**pools, "people": pools["he"] + pools["she"]}


#: Fresh words by half and role; no word is in both halves.
FRESH: Mapping[str, Cast] = {half: _pools(words) for half, words in _FRESH_WORDS.items()}
_HE = frozenset(("Daniel", "John", "Bill", "Fred", "Jeff", *FRESH["test"]["he"], *FRESH["train"]["he"]))


def draw(dice: Dice, official: Cast, half: str) -> Cast:
    """As many fresh words for each role as the official cast has."""
    return {role: dice.sample(FRESH[half][role], len(words)) for role, words in official.items()}


def set_aside(dice: Dice, cast: Cast, count: int) -> tuple[Cast, tuple[str, ...]]:
    """The cast without so many people, and those people; two are left in the cast at least."""
    people = dice.shuffled(cast["people"])
    apart = people[: min(count, len(people) - 2)]
    return {**cast, "people": people[len(apart) :]}, apart


def pronoun(person: str) -> str:
    """`he` or `she`."""
    return "he" if person in _HE else "she"


def plural(animal: str) -> str:
    """The plural of an animal of any cast."""
    if animal in _PLURALS:
        return _PLURALS[animal]
    return animal + ("es" if animal.endswith("s") else "s")


_PLURALS = {"mouse": "mice", "wolf": "wolves", "sheep": "sheep"}
