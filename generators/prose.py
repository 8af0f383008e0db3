"""Endless English prose drawn from a seeded grammar of our own. Knows no facts, no tokens and no forbidden words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from .prose_grammar import KEPT, SETTING, SLOT, Frame, Grammar, Persona, Production, Topic, load_grammar

Draw: TypeAlias = Callable[[], int]

_BLOCK = 8192
#: The fewest and the most words of a sentence.
SHORTEST, LONGEST = 3, 40
#: How often a word that the sentence has already is drawn again.
_REDRAWS = 3
#: Sentences in a paragraph, each as likely as the others.
_PARAGRAPH = (3, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8, 9)
#: How a sentence names its hero: mostly by pronoun; after a sentence about something else, by name.
_PRONOUNS, _NAMES, _EPITHETS = 4, 2, 1


class Prose:
    """Endless English prose from a seeded grammar: a past-tense tale in paragraphs, each about someone or something.

    The same generator state always gives the same text. Integers are drawn from the generator in blocks of 8192.
    """

    def __init__(self) -> None:
        self.grammar = load_grammar()

    def paragraphs(self, rng: np.random.Generator) -> Iterator[list[str]]:
        """Yield paragraphs for ever; each a list of 3 to 9 sentences without line breaks, ending in . ? or !"""
        for paragraph in self.framed(rng):
            yield [sentence for _, sentence in paragraph]

    def framed(self, rng: np.random.Generator) -> Iterator[list[tuple[Frame, str]]]:
        """Yield the same paragraphs, each sentence beside the frame it came from."""
        grammar, draw = self.grammar, _draws(rng).__next__
        while True:
            topic = grammar.topics[draw() % len(grammar.topics)]
            yield _paragraph(grammar, topic, draw)


def _draws(rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.integers(0, 1 << 30, size=_BLOCK).tolist()


def _paragraph(grammar: Grammar, topic: Topic, draw: Draw) -> list[tuple[Frame, str]]:
    """A paragraph: the hero is named at first, and named again after a sentence about something else."""
    kept: list[tuple[str, ...]] = [("",)] * len(KEPT)
    _cast_friend(grammar.friends[draw() % len(grammar.friends)], kept, draw)
    by_name, by_pronoun = _cast_hero(topic.persona, kept, draw)
    for name, productions in zip(SETTING, grammar.setting, strict=True):
        kept[SLOT[name]] = (_freeze(productions, kept, draw),)
    paragraph: list[tuple[Frame, str]] = []
    used: set[str] = set()
    frames = topic.opening
    for _ in range(_PARAGRAPH[draw() % len(_PARAGRAPH)]):
        frame = frames[draw() % len(frames)]
        while frame.text in used:
            frame = frames[draw() % len(frames)]
        used.add(frame.text)
        paragraph.append((frame, _sentence(frame.production, kept, draw)))
        kept[0] = by_name if frame.aside else by_pronoun
        frames = topic.body[draw() % len(topic.body)]
    return paragraph


def _cast_hero(persona: Persona, kept: list[tuple[str, ...]], draw: Draw) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose whom the paragraph is about, for its first sentence; returns how to name it later: by name, by pronoun."""
    for name, word in zip(("he", "his", "him", "himself", "was"), persona.pronouns, strict=True):
        kept[SLOT[name]] = (word,)
    title, name, epithet = _name(persona, kept, draw)
    kept[SLOT["hero"]] = (title,)
    by_name = (name,) * _NAMES + (epithet,) * _EPITHETS
    return by_name, (persona.pronouns[0],) * _PRONOUNS + by_name


def _cast_friend(persona: Persona, kept: list[tuple[str, ...]], draw: Draw) -> None:
    _, name, epithet = _name(persona, kept, draw)
    kept[SLOT["friend"]] = (name, name, epithet)
    for slot, word in zip(("fhe", "fhis", "fhim"), persona.pronouns, strict=False):
        kept[SLOT[slot]] = (word,)


def _name(persona: Persona, kept: list[tuple[str, ...]], draw: Draw) -> tuple[str, str, str]:
    """The title, name and epithet of someone new: all three agree about who it is."""
    kept[SLOT["trade"]] = (_freeze(persona.trade, kept, draw),)
    kept[SLOT["name"]] = (name,) = (_freeze(persona.name, kept, draw),)
    return _freeze(persona.title, kept, draw), name, _freeze(persona.epithet, kept, draw)


def _freeze(productions: list[Production], kept: Sequence[tuple[str, ...]], draw: Draw) -> str:
    out: list[str] = []
    _write((productions,), kept, draw, out)
    return "".join(out)


def _sentence(production: Production, kept: Sequence[tuple[str, ...]], draw: Draw) -> str:
    """A sentence of a frame, written again while it is too short or too long."""
    while True:
        out: list[str] = []
        _write(production, kept, draw, out)
        text = "".join(out)
        if SHORTEST <= text.count(" ") + 1 <= LONGEST:
            break
    start = 1 if text[0] == '"' else 0
    return f"{text[:start]}{text[start].upper()}{text[start + 1 :]}"


def _write(production: Production, kept: Sequence[tuple[str, ...]], draw: Draw, out: list[str]) -> None:
    """Append the pieces of one production, drawing a word again that the sentence has already."""
    for node in production:
        kind = node.__class__
        if kind is str:
            out.append(node)  # pyright: ignore[reportArgumentType]
        elif kind is tuple:
            word = node[draw() % len(node)]  # pyright: ignore
            for _ in range(_REDRAWS):
                if word not in out:
                    break
                word = node[draw() % len(node)]  # pyright: ignore
            out.append(word)  # pyright: ignore
        elif kind is list:
            _write(node[draw() % len(node)], kept, draw, out)  # pyright: ignore
        else:
            words = kept[node]  # pyright: ignore
            out.append(words[draw() % len(words)])
