"""What the tests of the core share: frames made by hand, a wire to feed them to, and rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ackdrop.core.commands import Side
from ackdrop.faults import Duplicate
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.rule import Side as RuleSide

from .frames import Frames
from .playbook import Play, play

CAPTURES = Path(__file__).parent.parent / "captures"


@pytest.fixture(scope="session")
def frames() -> Frames:
    return Frames()


@pytest.fixture(scope="session")
def playbook() -> Callable[..., Play]:
    """`playbook(*rules, translate=..., starts=..., **settings)` begins a play: see `play`."""
    return play


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """`rule(fault, name="r", match={...}, **when)`: a rule on produce answers; a duplicate is one on requests."""

    def make(fault: Any, name: str = "r", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        side: RuleSide = "request" if isinstance(fault, Duplicate) else "response"
        return Rule(name, "produce", side, Match(**(match or {})), When(**when), fault)

    return make


@pytest.fixture(scope="session")
def on() -> Callable[..., Rule]:
    """`on(place, fault, name="r", match={...}, **when)`: a rule at any `api.request` or `api.response`."""

    def make(place: str, fault: Any, name: str = "r", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        api, side = place.split(".")
        return Rule(
            name, api, "request" if side == "request" else "response", Match(**(match or {})), When(**when), fault
        )

    return make


@pytest.fixture(scope="session")
def ask(frames: Frames) -> Callable[..., bytes]:
    """`ask(cid, *partitions, value=b"v", producer=...)`: a produce request for partitions of topic `t` (0 alone)."""

    def make(
        cid: int, *partitions: int, value: bytes = b"v", producer: tuple[int, int, int] = (-1, -1, -1), **more: Any
    ) -> bytes:
        batch = frames.batch(frames.record(value + b"%d" % cid), producer=producer, at=1000 + cid)
        return frames.produce(cid, *(("t", partition, batch) for partition in partitions or (0,)), **more)

    return make


@pytest.fixture(scope="session")
def told(frames: Frames) -> Callable[..., bytes]:
    """`told(cid, {partition: (error, offset)})`: its answer; partition 0 without error at offset `cid` by default."""

    def make(cid: int, answers: dict[int, tuple[int, int]] | None = None, **more: Any) -> bytes:
        given = answers or {0: (0, cid)}
        return frames.produced(cid, *(("t", partition, *answer) for partition, answer in given.items()), **more)

    return make


# Captures.


class Frame(NamedTuple):
    """A line of a capture."""

    at: float
    connection: int
    side: Side
    api_key: int
    api_version: int
    fault: str | None
    data: bytes


def read_capture(path: Path) -> list[Frame]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    sides = {"request": Side.CLIENT, "response": Side.BROKER}
    return [
        Frame(
            row["t"],
            row["connection"],
            sides[row["direction"]],
            row["api_key"],
            row["api_version"],
            row["fault"],
            bytes.fromhex(row["frame"]),
        )
        for row in rows
    ]


def named(path: Path) -> str:
    return path.stem.removeprefix("redpanda-22.3.25-")


@pytest.fixture(params=sorted(CAPTURES.glob("*.jsonl")), ids=named)
def capture(request: pytest.FixtureRequest) -> tuple[str, list[Frame]]:
    """(name, frames) of each capture in turn."""
    return named(request.param), read_capture(request.param)


@pytest.fixture(params=sorted(CAPTURES.glob("*-idempotence-*.jsonl")), ids=named)
def lost_ack(request: pytest.FixtureRequest) -> tuple[str, list[Frame]]:
    """(name, frames) of each capture in which an ack was lost."""
    return named(request.param), read_capture(request.param)
