"""`--shard 2/5`: the scenarios of a run divided among several, which together run all of them and none twice.

Who gets what follows from the scenarios alone, not from the order in which they are named nor from where they lie. A
scenario that takes longer (more arms, more repetitions) weighs more; its repetitions stay together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

from ..errors import UsageError
from ..result import ShardInfo
from ..scenario.models import Scenario
from .scenario import overridden
from .settings import RunSettings


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario that is to be run, and where it stands in what was divided; None where nothing was."""

    scenario: Scenario
    shard: ShardInfo | None = None


def parts(scenarios: Sequence[Scenario], settings: RunSettings) -> list[Part]:
    """The scenarios that are to be run here, in their order. Raises UsageError for a shard that would have none."""
    if settings.shard is None:
        return [Part(scenario) for scenario in scenarios]
    number, of = settings.shard
    if of > len(scenarios):
        there = "is only 1 scenario" if len(scenarios) == 1 else f"are only {len(scenarios)} scenarios"
        raise UsageError(
            f"--shard {number}/{of}, and there {there}: some shards would have none",
            remedy="leave --shard out" if len(scenarios) == 1 else f"divide them into {len(scenarios)} at most",
        )
    effective = [overridden(scenario, settings) for scenario in scenarios]
    keys = [_key(scenario, settings) for scenario in effective]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    mine = _divided([_weight(effective[n], settings) for n in order], of)[number - 1]
    plan = hashlib.sha256(json.dumps([keys[n] for n in order]).encode()).hexdigest()[:16]
    info = ShardInfo(number, of, len(mine), 0, len(scenarios), plan)
    positions = {order[place]: place + 1 for place in mine}
    return [
        Part(scenario, dataclasses.replace(info, position=positions[n]))
        for n, scenario in enumerate(scenarios)
        if n in positions
    ]


def _divided(weights: Sequence[int], of: int) -> list[list[int]]:
    """The places of the weights in so many shards of about one weight: the heaviest first, each to the lightest."""
    shards: list[list[int]] = [[] for _ in range(of)]
    lightest = [(0, number) for number in range(of)]
    for place in sorted(range(len(weights)), key=lambda place: -weights[place]):
        weight, number = lightest[0]
        shards[number].append(place)
        heapreplace(lightest, (weight + weights[place], number))
    return shards


def _weight(scenario: Scenario, settings: RunSettings) -> int:
    """How many arms are run, all repetitions together."""
    return len(scenario.arms) * _times(scenario, settings)


def _times(scenario: Scenario, settings: RunSettings) -> int:
    return settings.repeat or scenario.repeat


def _key(scenario: Scenario, settings: RunSettings) -> tuple[str, str, str, int, str, int]:
    """What a scenario is known by in every shard, wherever its file lies there."""
    combination = json.dumps(scenario.combination)
    producer = scenario.workload.producer
    return scenario.name, combination, scenario.sha256, scenario.seed, producer, _times(scenario, settings)
