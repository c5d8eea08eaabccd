"""A draw comes from what it is for, and from nothing else."""

from __future__ import annotations

import itertools
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from ackdrop.faults.chance import Chance, draw

FACTS = st.lists(st.text(max_size=5) | st.integers(), max_size=6)


@given(st.integers(), FACTS)
def test_it_lies_in_the_unit_interval_and_stays(seed: int, facts: list[str | int]) -> None:
    assert 0.0 <= draw(seed, *facts) < 1.0
    assert draw(seed, *facts) == draw(seed, *facts)


def test_it_is_the_same_on_every_machine() -> None:
    """These numbers are part of what a seed means: a change here makes every recorded seed worthless."""
    assert draw(7, "off", "lose", "c", "t", 0, 1) == 0.672801994559402
    assert draw(7, "off", "lose", "c", "t", 0, 2) == 0.3566394649251139


@given(st.integers(), st.text(max_size=300), st.integers(0, 1 << 60))
def test_looking_ahead_draws_the_same(seed: int, fact: str, first: int) -> None:
    chance = Chance(seed, fact)
    draws = [draw(seed, fact, n) for n in range(first, first + 30)]
    assert [chance.draw(first + n) for n in range(30)] == draws
    for limit in (*draws, min(draws) / 2, 1.0):
        found = next((n for n, each in enumerate(draws) if each < limit), 30)
        assert chance.next_below(limit, first, 30) == first + found
    assert chance.next_below(draw(seed, fact, 5) + 2**-53, 5, 1) == 5  # with fewer digits than before


def test_every_fact_counts() -> None:
    facts: list[int | str] = ["off", "lose", "client", "topic", 0, 1]
    others = [[*facts[:at], "other", *facts[at + 1 :]] for at in range(len(facts))]
    draws = [draw(8, *facts), *(draw(7, *each) for each in [facts, *others])]
    assert len(set(draws)) == len(facts) + 2


def test_where_one_fact_ends_and_the_next_begins_counts() -> None:
    assert draw(1, "ab", "c") != draw(1, "a", "bc")


def test_it_is_spread_evenly() -> None:
    draws = [
        draw(seed, "off", "r", "c", "t", partition, n)
        for seed in range(5)
        for partition in range(4)
        for n in range(500)
    ]
    assert abs(mean(draws) - 0.5) < 0.01
    for tenth in range(10):
        inside = sum(tenth / 10 <= each < (tenth + 1) / 10 for each in draws)
        assert 0.09 < inside / len(draws) < 0.11


def test_neighbours_are_independent() -> None:
    """The next match is no more likely to fire because this one did."""
    draws = [draw(3, "off", "r", "c", "t", 0, n) < 0.3 for n in range(20_000)]
    after = [second for first, second in itertools.pairwise(draws) if first]
    assert abs(sum(after) / len(after) - 0.3) < 0.02
