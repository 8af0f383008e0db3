"""Stories of what lies where and what is larger than what: rooms on a map, shapes side by side, boxes in boxes.

Rooms and shapes grow as a tree, one new one with each fact: so exactly one way leads from any of them to any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

from ..registry import task
from .cast import CONTAINERS, ROOMS, SHAPES, Cast
from .dice import Dice
from .family import UNKNOWN, Asked, BabiTask, Story, Told
from .language import EDGES, OPPOSITE

Step = tuple[int, int]
#: A larger thing and a smaller one.
Pair = tuple[str, str]
COMPASS: dict[str, Step] = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
SIDES: dict[str, Step] = {"above": (0, 1), "right": (1, 0), "below": (0, -1), "left": (-1, 0)}
_LETTERS = {step: direction[0] for direction, step in COMPASS.items()}


@dataclass(frozen=True, slots=True)
class Edge:
    """A fact: `thing` lies in a direction (a key of `COMPASS` or `SIDES`) of `other`."""

    thing: str
    direction: str
    other: str


@task("qa4")
@dataclass(frozen=True)
class Qa4(BabiTask):
    """Two-argument relations: what lies north of what?"""

    cast: ClassVar[Cast] = ROOMS
    answer_roles: ClassVar[tuple[str, ...]] = ("places",)
    most_facts: ClassVar[int] = 5
    official_facts: ClassVar[tuple[int, ...]] = (2,)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Rooms in one line. Left open: what lies where the story has no room."""
        rooms = dice.sample(cast["places"], facts + 1)
        axis = dice.pick((("north", "south"), ("east", "west")))
        line = [rooms[0]]
        edges = []
        for room in rooms[1:]:
            end = dice.below(2)
            other = line[0] if end else line[-1]
            line.insert(0 if end else len(line), room)
            edges.append(_turned(dice, Edge(room, axis[end], other), 1 / 3))
        asked = [q for i, edge in enumerate(edges) for q in _lies(edge.direction, edge.other, edge.thing, (i,))]
        told = [Told("direction", _slots(edge)) for edge in edges]
        return Story(told, asked, self._nowhere(rooms, edges) if leave_open else [])

    @staticmethod
    def _nowhere(rooms: Sequence[str], edges: Sequence[Edge]) -> list[Asked]:
        taken = {(e.other, e.direction) for e in edges} | {(e.thing, OPPOSITE[e.direction]) for e in edges}
        free = [(room, direction) for room in rooms for direction in COMPASS if (room, direction) not in taken]
        return [question for room, direction in free for question in _lies(direction, room, UNKNOWN, ())]


@task("qa17")
@dataclass(frozen=True)
class Qa17(BabiTask):
    """Positional reasoning: is one shape above, below, left or right of another?"""

    cast: ClassVar[Cast] = SHAPES
    fixed_answers: ClassVar[tuple[str, ...]] = ("yes", "no")
    least_facts: ClassVar[int] = 2
    most_facts: ClassVar[int] = 5
    official_facts: ClassVar[tuple[int, ...]] = (2,)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Asked are shapes two facts apart. Left open: two that lie on the same side of a third."""
        shapes = dice.sample(cast["shapes"], facts + 1)
        edges = [
            _turned(dice, Edge(shape, dice.pick(tuple(SIDES)), dice.pick(shapes[: i + 1])), 0.5)
            for i, shape in enumerate(shapes[1:])
        ]
        asked, missing = [], []
        for start, goal, first, second, steps in _two_apart(edges, SIDES):
            answered, left_open = self._questions(start, goal, (first, second), steps)
            asked += answered
            missing += left_open
        told = [Told(edge.direction, {"shape": edge.thing, "shape2": edge.other}) for edge in edges]
        return Story(told, asked, missing)

    @staticmethod
    def _questions(
        start: str, goal: str, supporting: tuple[int, int], steps: tuple[Step, Step]
    ) -> tuple[list[Asked], list[Asked]]:
        """Where `start` lies, seen from `goal`: on each axis that a fact moves along, known unless the steps cancel."""
        asked, missing = [], []
        for side, step in SIDES.items():
            axis = 0 if step[0] else 1
            along = steps[0][axis] + steps[1][axis]
            slots = {"shape": start, "shape2": goal}
            if along:
                answer = "yes" if along * step[axis] < 0 else "no"
                asked.append(Asked(side, slots, answer, supporting))
            elif steps[0][axis]:
                missing.append(Asked(side, slots, UNKNOWN, ()))
        return asked, missing


@task("qa19")
@dataclass(frozen=True)
class Qa19(BabiTask):
    """Path finding: which two steps lead from one room to another?"""

    cast: ClassVar[Cast] = ROOMS
    fixed_answers: ClassVar[tuple[str, ...]] = tuple(
        sorted(f"{a[0]},{b[0]}" for a in COMPASS for b in COMPASS if b != OPPOSITE[a])
    )
    least_facts: ClassVar[int] = 2
    most_facts: ClassVar[int] = 5
    untold_facts: ClassVar[int] = 1
    window: ClassVar[tuple[float, ...]] = (1.5, 0.71, 0.62, 0.62)
    official_facts: ClassVar[tuple[int, ...]] = (5,)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Rooms on a grid, the facts in any order. Left open: the way to a part of the map that no fact joins."""
        rooms = dice.sample(cast["places"], facts + 1 + (leave_open > 0))
        at: dict[str, Step] = {rooms[0]: (0, 0)}
        edges = []
        apart = dice.sample(rooms[1:], 2) if leave_open else ()
        for room in rooms[1:]:
            if apart and room == apart[0]:
                at[room] = (99, 99)
                continue
            spots = [
                (other, direction, (x + step[0], y + step[1]))
                for other, (x, y) in at.items()
                for direction, step in COMPASS.items()
            ]
            other, direction, spot = dice.pick([spot for spot in spots if spot[2] not in at.values()])
            at[room] = spot
            edges.append(_turned(dice, Edge(room, direction, other), 1 / 3))
        edges = dice.shuffled(edges)
        told = [Told("direction", _slots(edge)) for edge in edges]
        return Story(told, list(self._ways(edges, at)), self._no_ways(edges, rooms))

    def _ways(self, edges: Sequence[Edge], at: dict[str, Step]) -> Iterator[Asked]:
        """Rooms two steps apart. Around a corner, no other room may lie at the opposite corner: one way only.

        That refuses half of the ways around a corner; straight ones count less, so that all answers are equally likely.
        """
        for start, goal, first, second, steps in _two_apart(edges, COMPASS):
            corner = (at[start][0] + steps[1][0], at[start][1] + steps[1][1])
            if steps[0] == steps[1] or corner not in at.values():
                way = ",".join(_LETTERS[step] for step in steps)
                weight = self.recency(len(edges), max(first, second)) * (0.38 if steps[0] == steps[1] else 1)
                yield Asked("path", {"place": start, "place2": goal}, way, (first, second), weight)

    @staticmethod
    def _no_ways(edges: Sequence[Edge], rooms: Sequence[str]) -> list[Asked]:
        part = {room: {room} for room in rooms}
        for edge in edges:
            joined = part[edge.thing] | part[edge.other]
            part.update(dict.fromkeys(joined, joined))
        apart = [(a, b) for a, b in permutations(rooms, 2) if b not in part[a]]
        return [Asked("path", {"place": a, "place2": b}, UNKNOWN, ()) for a, b in apart]


@task("qa18")
@dataclass(frozen=True)
class Qa18(BabiTask):
    """Size reasoning: is one thing bigger than another, does it fit inside?"""

    cast: ClassVar[Cast] = CONTAINERS
    fixed_answers: ClassVar[tuple[str, ...]] = ("yes", "no")
    least_facts: ClassVar[int] = 2
    window: ClassVar[tuple[float, ...]] = (0.83, 1.0, 1.5, 1.1, 1.3)
    official_facts: ClassVar[tuple[int, ...]] = (*(5,) * 79, *(10,) * 19, *(15,) * 2)

    def story(self, dice: Dice, cast: Cast, facts: int, leave_open: int) -> Story:
        """Pairs of things, at random, that leave one way from some thing to a smaller one, and some pair unjoined."""
        small = cast["containers"][:2]
        order = (*small, *dice.shuffled(cast["containers"][2:]))
        if not (pairs := self._pairs(dice, order, facts, leave_open > 0)):
            return Story([], [])
        told = [Told(dice.pick(("bigger", "fits")), {"large": large, "small": small}) for large, small in pairs]
        asked, unknown = self._comparisons(order, pairs)
        return Story(told, asked, unknown)

    def _pairs(self, dice: Dice, order: Sequence[str], facts: int, leave_open: bool) -> list[Pair]:
        """The pairs that are told: two that make one way, late enough to be asked about, and any that leave it the one.

        With `leave_open`, two things are joined by none. An empty list where no pair is left to tell.
        """
        low, middle, high = (order[i] for i in sorted(dice.sample(range(len(order)), 3)))
        stranger, other = sorted(dice.sample(order, 2), key=order.index)
        pairs = [(middle, low), (high, middle)]
        counts = Counter(pairs)
        for _ in range(20 * facts):
            if len(pairs) == facts:
                break
            less, more = sorted(dice.sample(range(len(order)), 2))
            pair = order[more], order[less]
            ways = _ways(order, counts + Counter((pair,)))
            if ways[high, low] == 1 and not (leave_open and ways[other, stranger]):
                pairs.append(pair)
                counts[pair] += 1
        if len(pairs) < facts:
            return []
        pairs = list(dice.shuffled(pairs))
        now = pairs.index(dice.pick(((middle, low), (high, middle))))
        late = facts - 1 - dice.below(min(facts, len(self.window)))
        pairs[late], pairs[now] = pairs[now], pairs[late]
        return pairs

    def _comparisons(self, order: Sequence[str], pairs: Sequence[Pair]) -> tuple[list[Asked], list[Asked]]:
        """What can be asked of things that one way of two facts joins, and of things that none joins."""
        asked: list[Asked] = []
        unknown: list[Asked] = []
        for (large, small), ways in _ways(order, Counter(pairs)).items():
            up, down = {"first": large, "second": small}, {"first": small, "second": large}
            if not ways:
                unknown += [
                    Asked(meaning, slots, UNKNOWN, ()) for meaning in ("bigger", "fits") for slots in (up, down)
                ]
            middle = [m for m in order if (large, m) in pairs and (m, small) in pairs]
            if ways == 1 and middle:
                way = (pairs.index((large, middle[0])), pairs.index((middle[0], small)))
                weight = self.recency(len(pairs), max(way))
                asked += [
                    Asked("bigger", up, "yes", way, weight),
                    Asked("bigger", down, "no", way[::-1], weight),
                    Asked("fits", down, "yes", way, weight),
                    Asked("fits", up, "no", way[::-1], weight),
                ]
        return asked, unknown


def _ways(order: Sequence[str], told: Counter[Pair]) -> dict[Pair, int]:
    """How many chains of facts lead from each larger thing to each smaller one; `order` goes from small to large."""
    ways: dict[Pair, int] = {}
    for i, small in enumerate(order):
        for j in range(i + 1, len(order)):
            between = ((order[j], middle, small) for middle in order[i + 1 : j])
            chains = sum(told[large, middle] * ways[middle, small] for large, middle, small in between)
            ways[order[j], small] = told[order[j], small] + chains
    return ways


def _turned(dice: Dice, edge: Edge, often: float) -> Edge:
    """The same fact, that often told the other way round."""
    return Edge(edge.other, OPPOSITE_OF[edge.direction], edge.thing) if dice.happens(often) else edge


OPPOSITE_OF = OPPOSITE | {"above": "below", "below": "above", "left": "right", "right": "left"}


def _slots(edge: Edge) -> dict[str, str]:
    return {"place": edge.thing, "direction": edge.direction, "landmark": edge.other}


def _lies(direction: str, landmark: str, answer: str, supporting: tuple[int, ...]) -> list[Asked]:
    """Both questions whose answer lies in that direction of the landmark."""
    back = OPPOSITE[direction]
    return [
        Asked(
            "what lies", {"direction": direction, "edge": EDGES[direction], "landmark": landmark}, answer, supporting
        ),
        Asked("of what lies", {"direction": back, "edge": EDGES[back], "place": landmark}, answer, supporting),
    ]


def _two_apart(edges: Sequence[Edge], steps: dict[str, Step]) -> Iterator[tuple[str, str, int, int, tuple[Step, Step]]]:
    """Every two things that two facts join: start, goal, the facts, and the steps from start to goal."""
    for first, second in permutations(range(len(edges)), 2):
        for middle in {edges[first].thing, edges[first].other} & {edges[second].thing, edges[second].other}:
            start, into = _walk(edges[first], middle, steps)
            goal, out = _walk(edges[second], middle, steps)
            yield start, goal, first, second, ((-into[0], -into[1]), out)


def _walk(edge: Edge, start: str, steps: dict[str, Step]) -> tuple[str, Step]:
    """Where an edge leads from one of its ends, and by what step."""
    if start == edge.other:
        return edge.thing, steps[edge.direction]
    return edge.other, steps[OPPOSITE_OF[edge.direction]]
