"""What the tests of the faults share: frames as the engine sees them, and rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.faults import Drop
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Entry, Frame, Match, Rule, When


@pytest.fixture(scope="session")
def entry() -> Callable[..., Entry]:
    """`entry(partition=0, topic="t", idempotent=False, tries=1)`."""

    def make(partition: int = 0, topic: str = "t", *, idempotent: bool = False, tries: int = 1) -> Entry:
        return Entry(topic, partition, idempotent, tries, 0)

    return make


@pytest.fixture(scope="session")
def frame(entry: Callable[..., Entry]) -> Callable[..., Frame]:
    """`frame(entries...)`: a produce answer; one entry of partition 0 where none is given."""

    def make(*entries: Entry, client: str = "c", api: str = "produce", side: Any = "response") -> Frame:
        return Frame(api, side, client, 1, 1, entries or (entry(),))

    return make


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """`rule(name, fault, match={...}, **when)`: a rule on produce answers that drops."""

    def make(name: str = "r", fault: Any = None, match: dict[str, Any] | None = None, **when: Any) -> Rule:
        return Rule(name, "produce", "response", Match(**(match or {})), When(**when), fault or Drop())

    return make


@pytest.fixture(scope="session")
def engine() -> Callable[..., Engine]:
    """`engine(rules..., seed=1, arm="off")`."""

    def make(*rules: Rule, seed: int = 1, arm: str = "off", label: Callable[[str], str] = str) -> Engine:
        return Engine(rules, seed=seed, arm=arm, label=label)

    return make
