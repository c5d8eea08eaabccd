"""A draw comes from what it is for, and from nothing else."""

from __future__ import annotations

import itertools
from collections import Counter
from hashlib import shake_128
from math import sqrt
from statistics import mean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.faults.chance import Chance, draw

FACTS = st.lists(st.text(max_size=5) | st.integers(), max_size=6)
TOGETHER = 256
AHEAD = 16 * TOGETHER


@given(st.integers(), FACTS)
def test_it_lies_in_the_unit_interval_and_stays(seed: int, facts: list[str | int]) -> None:
    assert 0.0 <= draw(seed, *facts) < 1.0
    assert draw(seed, *facts) == draw(seed, *facts)


def test_it_is_the_same_on_every_machine() -> None:
    """These numbers are part of what a seed means: a change here makes every recorded seed worthless."""
    assert draw(7, "off", "lose", "c", "t", 0, 1) == 0.672801994559402
    assert draw(7, "off", "lose", "c", "t", 0, 2) == 0.3566394649251139
    assert hits(Chance(7, "off", "lose", "c", "t", 0), 0.02, 600) == [58, 62, 145, 192, 302, 314, 433, 449, 576]


def hits(chance: Chance, probability: float, count: int) -> list[int]:
    return [n for n in range(count) if chance.hits(probability, n)]


def drawn(block: int, *facts: str | int) -> list[float]:
    """The draws of 256 matches in a row, from the hash alone."""
    found = shake_128("\x1f".join(map(str, (*facts, block))).encode()).digest(9 + 8 * TOGETHER)
    greatest = (int.from_bytes(found[:8], "big") >> 11) / 2**53
    for _ in range(8):
        greatest = sqrt(greatest)
    words = (int.from_bytes(found[at : at + 8], "big") for at in range(9, len(found), 8))
    return [greatest if n == found[8] else greatest * (word / 2**64) for n, word in enumerate(words)]


@given(st.integers(), st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 1 << 50))
def test_a_block_of_draws_is_one_hash(seed: int, fact: str, block: int) -> None:
    chance = Chance(seed, fact)
    draws = drawn(block, seed, fact)
    for n, each in list(enumerate(draws, block * TOGETHER))[::17]:
        assert 0.0 <= each < 1.0
        assert chance.hits(1.0 - each + 1e-12, n)
        assert not chance.hits(1.0 - each - 1e-12, n)


@given(st.integers(), FACTS, st.sampled_from((0.0, 1e-5, 0.004, 0.1, 0.7, 1.0)), st.integers(0, 10_000))
def test_looking_ahead_finds_the_same(seed: int, facts: list[str | int], probability: float, first: int) -> None:
    chance = Chance(seed, *facts)
    found = chance.next_hit(probability, first)
    assert first <= found <= first + AHEAD
    assert not any(chance.hits(probability, n) for n in range(first, found))
    assert chance.hits(probability, found) or found == (first // AHEAD + 1) * AHEAD
    assert probability < 1.0 or found == first


@given(st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_what_is_more_probable_fires_where_the_other_does_and_elsewhere(seed: int, one: float, other: float) -> None:
    chance = Chance(seed)
    assert set(hits(chance, min(one, other), 300)) <= set(hits(chance, max(one, other), 300))


def test_every_fact_counts() -> None:
    facts: list[int | str] = ["off", "lose", "client", "topic", 0, 1]
    others = [[*facts[:at], "other", *facts[at + 1 :]] for at in range(len(facts))]
    draws = [draw(8, *facts), *(draw(7, *each) for each in [facts, *others])]
    assert len(set(draws)) == len(facts) + 2
    chances = [Chance(8, *facts), *(Chance(7, *each) for each in [facts, *others])]
    assert len({tuple(hits(each, 0.1, 200)) for each in chances}) == len(facts) + 2


def test_where_one_fact_ends_and_the_next_begins_counts() -> None:
    assert draw(1, "ab", "c") != draw(1, "a", "bc")
    assert hits(Chance(1, "ab", "c"), 0.1, 200) != hits(Chance(1, "a", "bc"), 0.1, 200)


def test_draws_are_spread_evenly() -> None:
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


@pytest.mark.parametrize("probability", [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_it_fires_as_often_as_is_probable(probability: float) -> None:
    """On all matches alike, and on so many of a block as those are that are drawn one by one."""
    blocks = 400
    chance = Chance(5, "off", "r", "c", "t", 0)
    found = [divmod(n, TOGETHER) for n in hits(chance, probability, blocks * TOGETHER)]
    expected = TOGETHER * probability
    of_blocks = Counter(block for block, _ in found)
    counts = [of_blocks[block] for block in range(blocks)]
    spread = expected * (1 - probability)
    assert abs(mean(counts) - expected) < 4 * (spread / blocks) ** 0.5
    assert 0.8 < pvariance(counts) / spread < 1.2
    for quarter in range(4):
        inside = sum(4 * place // TOGETHER == quarter for _, place in found)
        assert abs(inside - blocks * expected / 4) < 4 * (blocks * spread / 4) ** 0.5


def test_neighbours_are_independent() -> None:
    """The next match is no more likely to fire because this one did."""
    chance = Chance(3, "off", "r", "c", "t", 0)
    fires = [chance.hits(0.3, n) for n in range(20_000)]
    after = [second for first, second in itertools.pairwise(fires) if first]
    assert abs(sum(after) / len(after) - 0.3) < 0.02
