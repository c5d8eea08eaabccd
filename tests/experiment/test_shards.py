"""`--shard`: together all scenarios, none twice, whatever the order in which they are named; and of about one size."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from ackdrop.errors import UsageError
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.shards import Part, parts
from ackdrop.scenario.load import load
from ackdrop.scenario.models import Scenario

Make = Callable[[str], Scenario]
SETTINGS = RunSettings(out=Path("runs"))
ONE = load("{version: 1, title: Mine, seed: 7}")


def shards(scenarios: Sequence[Scenario], of: int, settings: RunSettings = SETTINGS) -> list[list[Part]]:
    return [parts(scenarios, dataclasses.replace(settings, shard=(number, of))) for number in range(1, of + 1)]


def names(shard: Sequence[Part]) -> list[str]:
    return [part.scenario.name for part in shard]


def some(count: int) -> list[Scenario]:
    return [dataclasses.replace(ONE, name=f"s{n:03}") for n in range(count)]


@given(st.data(), st.lists(st.integers(1, 9), min_size=1, max_size=40))
@hypothesis(max_examples=60, deadline=None)
def test_together_they_are_all_and_none_twice_and_balanced(data: st.DataObject, repeats: list[int]) -> None:
    scenarios = [dataclasses.replace(ONE, name=f"s{n % 7}", repeat=times) for n, times in enumerate(repeats)]
    of = data.draw(st.integers(1, len(scenarios)))
    divided = shards(scenarios, of)
    assert sorted(part.shard.position for shard in divided for part in shard if part.shard) == [
        n + 1 for n in range(len(scenarios))
    ]
    counted = sorted(id(part.scenario) for shard in divided for part in shard)
    assert counted == sorted(map(id, scenarios))
    weights = [sum(part.scenario.repeat for part in shard) for shard in divided]
    assert min(map(len, divided)) >= 1
    assert max(weights) - min(weights) <= max(repeats)


def test_who_gets_what_does_not_depend_on_the_order_nor_on_the_folder() -> None:
    scenarios = some(11)
    mixed = [dataclasses.replace(one, file=f"/elsewhere/{one.name}.yaml") for one in scenarios]
    random.Random(1).shuffle(mixed)
    for here, there in zip(shards(scenarios, 3), shards(mixed, 3), strict=True):
        assert sorted(names(here)) == sorted(names(there))
        assert {part.scenario.name: part.shard for part in here} == {part.scenario.name: part.shard for part in there}


def test_within_a_shard_they_keep_their_order() -> None:
    mixed = some(9)
    random.Random(2).shuffle(mixed)
    order = names([Part(one) for one in mixed])
    for shard in shards(mixed, 2):
        assert names(shard) == sorted(names(shard), key=order.index)


def test_neighbours_are_spread() -> None:
    """The combinations of one matrix stand side by side, and take about the same time."""
    assert [names(shard) for shard in shards(some(7), 3)] == [
        ["s000", "s003", "s006"],
        ["s001", "s004"],
        ["s002", "s005"],
    ]


def test_a_scenario_that_is_repeated_weighs_more() -> None:
    scenarios = [*some(4), dataclasses.replace(ONE, name="often", repeat=4)]
    assert sorted(map(len, shards(scenarios, 2))) == [1, 4]
    again = dataclasses.replace(SETTINGS, repeat=4)
    assert sorted(map(len, shards(scenarios, 2, again))) == [2, 3], "the command line's number is that of all"


def test_the_whole_is_told_in_each_part() -> None:
    (first, *_), *_, last = shards(some(7), 3)
    assert first.shard is not None
    assert (first.shard.number, first.shard.of, first.shard.size, first.shard.total) == (1, 3, 3, 7)
    assert {part.shard.plan for part in last if part.shard} == {first.shard.plan}


@pytest.mark.parametrize("change", [{"seed": 8}, {"producer": "aiokafka"}, {"repeat": 2}])
def test_another_whole_is_another_plan(change: dict[str, object]) -> None:
    plans = [
        shards(some(3), 2, dataclasses.replace(SETTINGS, **more))[0][0].shard  # type: ignore[arg-type]
        for more in ({}, change)
    ]
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[0].plan != plans[1].plan


def test_another_scenario_is_another_plan() -> None:
    changed = [*some(2), dataclasses.replace(ONE, name="s002", sha256="0" * 64)]
    first, other = shards(some(3), 2)[0][0].shard, shards(changed, 2)[0][0].shard
    assert first is not None
    assert other is not None
    assert first.plan != other.plan


def test_undivided_it_is_all_of_them() -> None:
    assert parts(some(3), SETTINGS) == [Part(one) for one in some(3)]


@pytest.mark.parametrize(("count", "said"), [(1, "is only 1 scenario"), (4, "are only 4 scenarios")])
def test_a_shard_that_would_be_empty_is_wrong_usage(count: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parts(some(count), dataclasses.replace(SETTINGS, shard=(1, 5)))
