"""What lies where beside what, what is bigger than what, and the ways between. Reads facts; knows no people."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from .reader_facts import Beside, Bigger
from .reader_story import UNKNOWN, Story

Step = tuple[int, int]
State = TypeVar("State", bound=Hashable)
_LETTERS = {(0, 1): "n", (0, -1): "s", (1, 0): "e", (-1, 0): "w"}


def neighbours(story: Story, place: str) -> list[tuple[str, Step]]:
    """What the text sets directly beside `place`, and the step that leads there."""
    found = []
    for fact in (found.fact for found in story.about(place)):
        if isinstance(fact, Beside) and fact.other == place:
            found.append((fact.thing, fact.step))
        elif isinstance(fact, Beside) and fact.thing == place:
            found.append((fact.other, _back(fact.step)))
    return found


def what_is_beside(story: Story, place: str, step: Step) -> str:
    """What lies one step from `place`: as told, told the other way round, or else where the map has it."""
    beside = [name for name, there in neighbours(story, place) if there == step]
    if beside:
        return beside[0]
    at = coordinates(story, place)
    exact = [name for name, spot in at.items() if spot == step]
    return exact[0] if len(exact) == 1 else UNKNOWN


def what_it_is_beside(story: Story, place: str, step: Step) -> str:
    """What `place` lies one step from."""
    return what_is_beside(story, place, _back(step))


def coordinates(story: Story, origin: str) -> dict[str, Step]:
    """All places joined to `origin` by facts, as if every fact were one step on a grid. `origin` is at (0, 0)."""
    at = {origin: (0, 0)}
    queue = deque(at)
    while queue:
        here = queue.popleft()
        for name, (x, y) in neighbours(story, here):
            if name not in at:
                at[name] = (at[here][0] + x, at[here][1] + y)
                queue.append(name)
    return at


def path(story: Story, start: str, goal: str) -> str:
    """The shortest way, as letters joined by commas: `s,w`."""
    ways: dict[str, tuple[str, ...]] = {start: ()}
    queue = deque(ways)
    while queue and goal not in ways:
        here = queue.popleft()
        for name, step in neighbours(story, here):
            if name not in ways:
                ways[name] = (*ways[here], _LETTERS[step])
                queue.append(name)
    return ",".join(ways.get(goal, ())) or UNKNOWN


def is_beside(story: Story, thing: str, step: Step, other: str) -> str:
    """Whether `thing` lies on that side of `other`, however many facts lie between.

    A fact such as "left of" also says that both lie in one row, "above" that both lie in one column.
    """
    axis = 0 if step[0] else 1
    if _reaches(story, other, thing, axis, step[axis]):
        return "yes"
    if _reaches(story, thing, other, axis, step[axis]) or thing == other:
        return "no"
    return "no" if _level(story, thing, other, axis) else UNKNOWN


def _reaches(story: Story, start: str, goal: str, axis: int, sign: int) -> bool:
    """Whether facts lead from `start` to `goal` with a step of that sign on that axis, and none against it."""

    def steps(state: tuple[str, bool]) -> Iterable[tuple[str, bool]]:
        name, moved = state
        return ((n, moved or step[axis] == sign) for n, step in neighbours(story, name) if step[axis] != -sign)

    return (goal, True) in _closure((start, False), steps)


def _level(story: Story, thing: str, other: str, axis: int) -> bool:
    """Whether both lie in one column (axis 0) or one row (axis 1)."""
    return other in _closure(thing, lambda name: (n for n, step in neighbours(story, name) if step[axis] == 0))


def is_bigger(story: Story, thing: str, than: str) -> str:
    """Whether one thing is bigger than another, by any chain of facts."""
    if than in _closure(thing, lambda name: _smaller(story, name)) - {thing}:
        return "yes"
    return "no" if thing in _closure(than, lambda name: _smaller(story, name)) else UNKNOWN


def _smaller(story: Story, thing: str) -> list[str]:
    facts = (found.fact for found in story.about(thing))
    return [fact.than for fact in facts if isinstance(fact, Bigger) and fact.thing == thing]


def _closure(start: State, steps: Callable[[State], Iterable[State]]) -> set[State]:
    """Every state that steps lead to, the start included."""
    seen, queue = {start}, deque([start])
    while queue:
        for state in steps(queue.popleft()):
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return seen


def _back(step: Step) -> Step:
    return -step[0], -step[1]
