"""The small world: what can happen in it, and what a reader of the facts can know."""

from itertools import pairwise

import numpy as np
import pytest

from rmt_bench.tasks.babi.cast import HOUSE_WITH_OBJECTS
from rmt_bench.tasks.babi.dice import Dice
from rmt_bench.tasks.babi.world import World

HABITS = {"go": 1.0, "take": 3.0, "drop": 1.0, "give": 9.0}


def world(seed: int, facts: int = 40, **settings: bool) -> World:
    return World(Dice(np.random.default_rng(seed)), HOUSE_WITH_OBJECTS, HABITS, **settings).happen(facts)


@pytest.mark.parametrize("seed", range(30))
def test_a_thing_has_one_holder_at_a_time_and_only_the_holder_parts_with_it(seed: int):
    for handled in world(seed).handled.values():
        holder = ""
        for deal in handled:
            assert (holder == "") if deal.what == "take" else (holder == deal.who)
            holder = {"take": deal.who, "give": deal.to, "drop": ""}[deal.what]


@pytest.mark.parametrize("seed", range(30))
def test_a_thing_is_taken_where_it_was_dropped(seed: int):
    told = world(seed)
    for handled in told.handled.values():
        for dropped, taken in pairwise(handled):
            if dropped.what == "drop":
                where = [told.last_move(deal.who, before=deal.fact) for deal in (dropped, taken)]
                known = [told.place(move) for move in where if move is not None]
                assert len(set(known)) <= 1


@pytest.mark.parametrize("seed", range(30))
def test_nobody_goes_to_the_place_they_are_in(seed: int):
    told = world(seed)
    for moves in told.moves.values():
        places = [told.place(move) for move in moves]
        assert all(one != next_ for one, next_ in pairwise(places))


@pytest.mark.parametrize("seed", range(20))
def test_a_loner_never_moves_and_keeps_a_thing_that_nobody_else_touches(seed: int):
    told = world(seed, loner=True)
    assert told.moves[told.loner] == []
    for thing, handled in told.handled.items():
        assert all((deal.who == told.loner) == (thing == told.own) for deal in handled)
        assert all(deal.to != told.loner for deal in handled)


def test_a_fork_goes_on_alone():
    stem = world(1, facts=10)
    before = list(stem.told)
    twin = stem.fork().happen(30)
    assert stem.told == before
    assert twin.told[:10] == before
    assert sum(map(len, stem.moves.values())) <= 10


def test_dice_draw_in_proportion_to_weights_and_never_what_weighs_nothing():
    dice = Dice(np.random.default_rng(0))
    drawn = [dice.weighted("abc", (1.0, 0.0, 3.0)) for _ in range(4000)]
    assert "b" not in drawn
    assert drawn.count("c") == pytest.approx(3000, abs=150)


def test_dice_samples_hold_no_option_twice():
    dice = Dice(np.random.default_rng(0))
    assert all(sorted(dice.shuffled("abcd")) == list("abcd") for _ in range(50))
    assert all(len(set(dice.sample("abcd", 3))) == 3 for _ in range(50))
