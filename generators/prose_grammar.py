"""The grammar of the prose background: reads words and frames (`data/prose.json`) and compiles them. Draws nothing.

Words and frames are data; a frame is a sentence with slots:

    frame      [{when}, ]{hero} {move.ed} past the {~building}[ with {a ~portable}].
    sentence   That evening, Agnes walked past the old mill with a lantern.

    {tool} {tool.s}    a noun, its plural                 {go} {go.s} {go.ed} {go.en} {go.ing}   the forms of a verb
    {a tool}           with its article                   {act.ed}    a phrase in which every `.*` becomes `.ed`
    {~tool}            with an adjective, now and then    [x] [x|y]   x or nothing; x or y (`[x|y|]`: or nothing)
    {hero} {his}       the one the paragraph is about     {friend} {here} {spot} {prize}   what else it keeps to

A word is written `loaf/loaves` or `creep/crept`, `take/took/taken`, `run/ran/run/running` where the rules fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

#: Every word and frame there is.
DATA = Path(__file__).parent / "data" / "prose.json"

#: A compiled piece: plain text, one of several words, one of several productions, or what the paragraph keeps to.
Node: TypeAlias = "str | tuple[str, ...] | list[Production] | int"
Production: TypeAlias = "tuple[Node, ...]"

#: What a paragraph keeps to, by the name of its slot; `trade` and `name` are whom a persona stands for.
SETTING = ("here", "spot", "prize")
KEPT = ("hero", "he", "his", "him", "himself", "was", "trade", "name", "friend", "fhe", "fhis", "fhim", *SETTING)
SLOT = {name: place for place, name in enumerate(KEPT)}
#: The most sentences a paragraph can have; every kind of frame has at least as many, so that none comes twice.
LONGEST_PARAGRAPH = 9
#: How often an adjective is put before a noun written `{~noun}`: one time in so many.
_ADJECTIVE_ONE_IN = 3
_MARKS = re.compile(r"(\{[^{}]*\}|[\[\]|])")
_SLOT_FORM = re.compile(r"\{(a )?(~)?(\w+)(?:\.(\w+|\*))?\}")
_AN = re.compile(r"(?!eu|ewe|one\b|once|uni[^nm]|us[aeu])[aeiou]|hour|honest|honour|heir", re.IGNORECASE)


@dataclass(frozen=True)
class Frame:
    """One shape of a sentence: as written, and compiled. An aside is about something else than the hero."""

    text: str
    production: Production
    aside: bool


@dataclass(frozen=True)
class Persona:
    """Whom or what a paragraph can be about: what it is, how to name it, and its pronouns (he his him himself was)."""

    trade: list[Production]
    name: list[Production]
    title: list[Production]
    epithet: list[Production]
    pronouns: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """A kind of paragraph: its persona, the frames it opens with, and kinds of frames in the shares they come."""

    persona: Persona
    opening: tuple[Frame, ...]
    body: tuple[tuple[Frame, ...], ...]


@dataclass(frozen=True)
class Grammar:
    """The data file, compiled. `words` maps a class of content words to its lemmas; topics come in their shares."""

    words: dict[str, tuple[str, ...]]
    frames: tuple[Frame, ...]
    topics: tuple[Topic, ...]
    friends: tuple[Persona, ...]
    setting: tuple[list[Production], ...]


@cache
def load_grammar(path: Path = DATA) -> Grammar:
    """Read and compile a grammar. Raises `ValueError`, naming the frame, for a slot that nothing fills."""
    return compile_grammar(json.loads(path.read_text(encoding="utf-8")))


def compile_grammar(data: Mapping[str, Any]) -> Grammar:
    """Compile the contents of a data file. Raises `ValueError` as `load_grammar` does."""
    compiler = _Compiler(data)
    if unknown := set(data["asides"]) - data["frames"].keys():
        raise ValueError(f"unknown frames are called asides: {sorted(unknown)}")
    groups = {
        kind: tuple(Frame(text, compiler.compile(text, "", kind), kind in data["asides"]) for text in texts)
        for kind, texts in data["frames"].items()
    }
    for kind, frames in groups.items():
        if (different := len({frame.text for frame in frames})) < LONGEST_PARAGRAPH:
            raise ValueError(f"{kind!r} has {different} frames; a paragraph may ask for {LONGEST_PARAGRAPH}")
    personas = {name: _persona(compiler, name, parts) for name, parts in data["personas"].items()}
    topics = []
    for topic in data["topics"]:
        if missing := {topic["opening"], *topic["body"]} - groups.keys():
            raise ValueError(f"the topic of {topic['persona']!r} asks for unknown frames: {sorted(missing)}")
        body = tuple(groups[kind] for kind, share in topic["body"].items() for _ in range(share))
        topics += [Topic(personas[topic["persona"]], groups[topic["opening"]], body)] * topic["share"]
    setting = tuple([compiler.compile(text, "", name) for text in data["setting"][name]] for name in SETTING)
    friends = tuple(personas[name] for name in data["friends"])
    return Grammar(
        compiler.lemmas, tuple(f for frames in groups.values() for f in frames), tuple(topics), friends, setting
    )


def _persona(compiler: _Compiler, name: str, parts: Mapping[str, Any]) -> Persona:
    trade, known_as, title, epithet = (
        [compiler.compile(text, "", name) for text in parts[part]] for part in ("trade", "name", "title", "epithet")
    )
    return Persona(trade, known_as, title, epithet, tuple(parts["pronouns"].split()))


class _Compiler:
    """Words by class and form, phrases, and the compiling of frames from them."""

    def __init__(self, data: Mapping[str, Any]):
        self.lemmas: dict[str, tuple[str, ...]] = {}
        self._forms: dict[tuple[str, str], tuple[str, ...]] = {}
        self._adjectives: dict[str, str] = data["described"]
        self._phrases: dict[str, list[str]] = data["phrases"]
        self._compiled: dict[tuple[str, str], list[Production]] = {}
        self._open: set[tuple[str, str]] = set()
        for part, inflect in (("nouns", inflect_noun), ("verbs", inflect_verb), ("words", _plain)):
            for name, line in data[part].items():
                self._add(name, [inflect(word.strip()) for word in line.split(",") if word.strip()])

    def _add(self, name: str, words: list[dict[str, str]]) -> None:
        if not words:
            raise ValueError(f"the class {name!r} has no words")
        if name in self.lemmas or name in self._phrases or name in SLOT:
            raise ValueError(f"{name!r} is defined twice")
        self.lemmas[name] = tuple(word[""] for word in words)
        for form in words[0]:
            self._forms[name, form] = tuple(word[form] for word in words)

    def compile(self, text: str, form: str, frame: str) -> Production:
        """The production of a text, every `.*` in it replaced by `form`."""
        marks = [mark for mark in _MARKS.split(text) if mark]
        options, rest = self._options(marks, form, f"{frame}: {text!r}")
        if rest or len(options) != 1:
            raise ValueError(f"brackets do not match in {frame}: {text!r}")
        return options[0]

    def _options(self, marks: list[str], form: str, where: str) -> tuple[list[Production], list[str]]:
        """The alternatives up to the closing bracket (or the end), and the marks that follow it."""
        options: list[Production] = []
        nodes: list[Node] = []
        while marks and marks[0] != "]":
            mark, *marks = marks
            if mark == "|":
                options.append(tuple(nodes))
                nodes = []
            elif mark == "[":
                inner, marks = self._options(marks, form, where)
                if not marks:
                    raise ValueError(f"brackets do not match in {where}")
                marks = marks[1:]
                nodes.append(inner if len(inner) > 1 else [*inner, ()])
            else:
                nodes.append(self._slot(mark, form, where) if mark[0] == "{" else mark)
        return [*options, tuple(nodes)], marks

    def _slot(self, mark: str, form: str, where: str) -> Node:
        match = _SLOT_FORM.fullmatch(mark)
        if match is None:
            raise ValueError(f"{mark} is no slot, in {where}")
        article, adjective, name, own = match.groups()
        own = form if own == "*" else own or ""
        if name in SLOT and not (article or adjective or own):
            return SLOT[name]
        if name in self._phrases and not (article or adjective):
            return self._phrase(name, own, where)
        words = self._forms.get((name, own))
        if words is None:
            raise ValueError(f"nothing fills {mark} (form {own!r}), in {where}")
        bare = tuple(map(with_article, words)) if article else words
        if not adjective:
            return bare
        if name not in self._adjectives:
            raise ValueError(f"{name!r} has no adjectives, in {where}")
        described = self._slot(f"{{{article or ''}{self._adjectives[name]}}}", form, where)
        return [*[(bare,)] * (_ADJECTIVE_ONE_IN - 1), (described, " ", words)]

    def _phrase(self, name: str, form: str, where: str) -> list[Production]:
        if (name, form) in self._open:
            raise ValueError(f"the phrase {name!r} contains itself, in {where}")
        if not self._phrases[name]:
            raise ValueError(f"the phrase {name!r} is empty, in {where}")
        if (name, form) not in self._compiled:
            self._open.add((name, form))
            texts = self._phrases[name]
            self._compiled[name, form] = [self.compile(text, form, f"{name} of {where}") for text in texts]
            self._open.remove((name, form))
        return self._compiled[name, form]


def with_article(word: str) -> str:
    """The word after `a` or `an`, as it sounds."""
    return f"an {word}" if _AN.match(word) else f"a {word}"


def _plain(word: str) -> dict[str, str]:
    return {"": word}


def inflect_noun(word: str) -> dict[str, str]:
    """A noun and its plural (form `s`), which may be given: `loaf/loaves`."""
    one, _, many = word.partition("/")
    return {"": one, "s": many or _add_s(one)}


def inflect_verb(word: str) -> dict[str, str]:
    """The forms of a verb: its own past, participle and -ing where they are given; a particle keeps its place."""
    base, *given = word.split("/")
    head, space, rest = base.partition(" ")
    past, done, doing = (*(part.partition(" ")[0] for part in given), "", "", "")[:3]
    past = past or (f"{head}d" if head[-1] == "e" else f"{_y_to_i(head)}ed")
    if not doing:
        stem = head + head[-1] if past == f"{head}{head[-1]}ed" else head
        doing = f"{head[:-2]}y" if head.endswith("ie") else re.sub(r"(?<=[^eoy])e$", "", stem)
        doing += "ing"
    forms = {"": head, "s": "goes" if head == "go" else _add_s(head), "ed": past, "en": done or past, "ing": doing}
    return {form: f"{verb}{space}{rest}" for form, verb in forms.items()}


def _add_s(word: str) -> str:
    return f"{_y_to_i(word)}es" if re.search(r"(s|x|z|ch|sh|[^aeiou]y)$", word) else f"{word}s"


def _y_to_i(word: str) -> str:
    return re.sub(r"(?<=[^aeiou])y$", "i", word)
