"""A broker that answers what makes no sense gets an error of ours out of us, and soon."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ackdrop.direct.cluster import Cluster
from ackdrop.errors import AckdropError

from ..fuzz.corpus import spoilt

ROUNDS = 120


async def everything(bootstrap: str) -> None:
    """All that we ever ask."""
    async with Cluster.connect(bootstrap, timeout=0.5) as cluster:
        for ask in _asked(cluster):
            try:
                await ask()
            except AckdropError:
                continue


def _asked(cluster: Cluster) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: cluster.topics(["t"]),
        lambda: cluster.create_topic("t", 1, 1),
        lambda: cluster.fetch("t", 0, 0),
        lambda: cluster.start_offsets("t"),
        lambda: cluster.end_offsets("t"),
        lambda: cluster.topic_id("t"),
        lambda: cluster.delete_topic("t"),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_spoilt_answers(serve: Any, broker: Any, impatient: Any, seed: int) -> None:
    draw = random.Random(seed)
    broker.topics = {"t": {0: 0}}
    refused = 0

    def play(api: str, version: int, frame: bytes) -> bytes:
        answer: bytes = broker(api, version, frame) if (api, version) in broker.redpanda or api == "metadata" else frame
        return spoilt(draw, answer, keep=8) if draw.random() < 0.5 else answer

    played = await serve(play)
    broker.nodes = {0: ("127.0.0.1", played.port)}
    for _ in range(ROUNDS):
        try:
            await everything(played.bootstrap)
        except AckdropError:
            refused += 1
    assert 10 < refused < ROUNDS


@pytest.mark.parametrize(
    ("host", "port"),
    [("a..b", 9092), ("x" * 300, 9092), ("a\0b", 9092), ("", 9092), ("127.0.0.1", 70_000), ("127.0.0.1", -1)],
)
async def test_addresses_that_are_none(serve: Any, broker: Any, impatient: Any, host: str, port: int) -> None:
    """What leads nowhere is an error of ours where it is asked, and none of Python's."""
    broker.nodes = {0: ("127.0.0.1", 1), 1: (host, port)}
    broker.topics = {"t": {0: 1}}
    played = await serve(broker)
    async with Cluster.connect(played.bootstrap, timeout=0.5) as cluster:
        with pytest.raises(AckdropError):
            await cluster.fetch("t", 0, 0)
