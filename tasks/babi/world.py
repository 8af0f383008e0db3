"""A small world: people walk between places, and take, drop and give things. It keeps what a reader can know of it.

The world knows where everyone starts; a reader of `told` does not, and learns it from moves alone. So every question
is answered from `last_move` and `handled`, never from the world's own state.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass

from .cast import Cast
from .dice import Dice
from .family import Told


@dataclass(frozen=True, slots=True)
class Handling:
    """A thing was taken, dropped or given: which fact tells it, and who acted (`to` whom, when given)."""

    fact: int
    what: str
    who: str
    to: str = ""


class World:
    """What happens among `cast`, one fact at a time.

    `habits` says how likely an actor who can is to `go`, `take`, `drop` and `give`, in proportion; `there` how often a
    take is told with "there" (drops: one in five). With `loner`, the last person handles the last thing only,
    nobody else does, and no move of theirs is told (`walks`: none before they took it).
    """

    def __init__(
        self,
        dice: Dice,
        cast: Cast,
        habits: Mapping[str, float],
        there: float = 1.0,
        loner: bool = False,
        walks: bool = False,
    ):
        self.told: list[Told] = []
        self.people = dice.shuffled(cast["people"])
        self.things = dice.shuffled(cast.get("objects", ()))
        self.places = cast["places"]
        self.loner = self.people[-1] if loner else ""
        self.own = self.things[-1] if loner else ""
        #: By person: the facts that tell their moves. By thing: what was done with it.
        self.moves: dict[str, list[int]] = {person: [] for person in self.people}
        self.handled: dict[str, list[Handling]] = {thing: [] for thing in self.things}
        self._dice, self._habits, self._there, self._walks = dice, habits, there, walks
        self._at = {person: dice.pick(self.places) for person in self.people}
        self._lies: dict[str, str] = {thing: dice.pick(self.places) for thing in self.things}
        self._holder: dict[str, str] = {}
        if loner:
            self._lies[self.own] = self._at[self.loner]

    def happen(self, facts: int) -> World:
        """Go on until `facts` facts are told."""
        while len(self.told) < facts:
            self._step()
        return self

    def fork(self) -> World:
        """A world in which the same has happened so far, and which goes on by itself."""
        twin = copy(self)
        twin.told = self.told.copy()
        twin.moves = {person: moves.copy() for person, moves in self.moves.items()}
        twin.handled = {thing: handled.copy() for thing, handled in self.handled.items()}
        twin._at, twin._lies, twin._holder = self._at.copy(), self._lies.copy(), self._holder.copy()
        return twin

    def last_move(self, person: str, before: int | None = None) -> int | None:
        """The fact that last told where someone went, before fact `before`; `None` when a reader does not know."""
        moves = self.moves[person]
        if before is None:
            return moves[-1] if moves else None
        return next((fact for fact in reversed(moves) if fact < before), None)

    def place(self, move: int) -> str:
        """The place that the move told by a fact led to."""
        return self.told[move].slots["place"]

    def _step(self) -> None:
        dice, actor = self._dice, self._dice.pick(self.people)
        acts = self._acts(actor)
        if not acts:
            return
        act, thing, other = dice.weighted(acts, [self._habits[act[0]] for act in acts]) if len(acts) > 1 else acts[0]
        if act == "go":
            self.go(actor)
        elif act == "take":
            self._handle("take", actor, thing)
            self._holder[thing] = actor
            del self._lies[thing]
        elif act == "drop":
            self._handle("drop", actor, thing)
            self._lies[thing] = self._at[actor]
            del self._holder[thing]
        else:
            self._handle("give", actor, thing, other)
            self._holder[thing] = other

    def _acts(self, actor: str) -> list[tuple[str, str, str]]:
        """What an actor can do now, at most one of each kind: `(act, thing, other)`."""
        dice, here = self._dice, self._at[actor]
        alone = actor == self.loner
        acts = [] if alone and not (self._walks and self.handled[self.own]) else [("go", "", "")]
        near = [t for t, place in self._lies.items() if place == here and (t == self.own) == alone]
        if near and self._habits["take"]:
            acts.append(("take", dice.pick(near), ""))
        held = [thing for thing, holder in self._holder.items() if holder == actor]
        if held and self._habits["drop"]:
            acts.append(("drop", dice.pick(held), ""))
        if held and self._habits.get("give") and not alone:
            present = [p for p in self.people if p != actor and p != self.loner and self._at[p] == here]
            if present:
                acts.append(("give", dice.pick(held), dice.pick(present)))
        return acts

    def go(self, actor: str) -> None:
        """Someone walks to another place."""
        place = elsewhere(self._dice, self.places, self._at[actor])
        self._at[actor] = place
        self.moves[actor].append(len(self.told))
        self.told.append(Told("move", {"actor": actor, "place": place}))

    def _handle(self, what: str, actor: str, thing: str, other: str = "") -> None:
        self.handled[thing].append(Handling(len(self.told), what, actor, other))
        meaning = what
        if what != "give" and self._dice.happens(self._there if what == "take" else 0.2):
            meaning += " there"
        self.told.append(Told(meaning, {"actor": actor, "object": thing, "other": other}))


def elsewhere(dice: Dice, places: tuple[str, ...], *here: str) -> str:
    """Any place but those in `here`."""
    while (place := dice.pick(places)) in here:
        pass
    return place
