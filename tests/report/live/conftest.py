"""A proxy of which every state can be had: snapshots with everyday defaults, and a desk that writes down its calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from ackdrop.control.snapshot import (
    Acks,
    FaultState,
    Happened,
    Histogram,
    LedgerState,
    Rates,
    RetryCounts,
    Snapshot,
    Traffic,
)
from ackdrop.observations import Attempt
from ackdrop.report.live.desk import About

NOTHING = Histogram((), (0,), 0.0)
EMPTY = Snapshot(
    now=160.0,
    began=100.0,
    zero=None,
    connections_open=0,
    connections_total=0,
    connections=(),
    listeners=(),
    traffic=Traffic(),
    rates=Rates(),
    produce_requests=0,
    attempts=0,
    records=0,
    injected=0,
    retries=RetryCounts(),
    acks=Acks(),
    errors=0,
    undecoded=0,
    added_to_requests=NOTHING,
    added_to_answers=NOTHING,
    faults=(),
    ledger=LedgerState(),
    recent=(),
)
BUSY = dataclasses.replace(
    EMPTY,
    zero=101.0,
    connections_open=3,
    connections_total=12,
    rates=Rates(5.0, 410.4, 409.8, 120.0, 1_234_567.0, 45_300.0),
    produce_requests=1204,
    retries=RetryCounts(3, 1, 2, 0, 0, 0, 2, 7, 1, 0),
    acks=Acks(2, 5, 0),
    errors=1,
)
LOSE = FaultState("lose the third ack", "produce.response", "drop", "the ack is lost", True, "scenario", 12, 1, 12, 1)
ABOUT = About("The third ack is lost", "127.0.0.1:19092", "Apache Kafka 4.3 at 127.0.0.1:9092")


class FakeDesk:
    """Fits `Desk`: a proxy whose state the test sets."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.about = ABOUT
        self.now = snapshot
        self.toggled: list[str] = []
        self.ends = 0
        self.ended: Callable[[], None] = lambda: None

    def snapshot(self) -> Snapshot:
        return self.now

    def toggle(self, fault: str) -> None:
        self.toggled.append(fault)
        changed = (dataclasses.replace(f, armed=not f.armed) if f.name == fault else f for f in self.now.faults)
        self.now = dataclasses.replace(self.now, faults=tuple(changed))

    def end(self) -> None:
        self.ends += 1
        self.ended()


def some(count: int) -> tuple[FaultState, ...]:
    """Faults: the first is armed and has fired, the others are `fault 2` and so on."""
    others = (dataclasses.replace(LOSE, name=f"fault {i}", fired=0, matched=0) for i in range(2, count + 1))
    return (LOSE, *others)[:count]


@pytest.fixture
def about() -> About:
    return ABOUT


@pytest.fixture
def empty() -> Snapshot:
    return EMPTY


@pytest.fixture
def busy() -> Snapshot:
    return BUSY


@pytest.fixture
def faults() -> Callable[[int], tuple[FaultState, ...]]:
    return some


@pytest.fixture
def events() -> Callable[[int], tuple[Happened, ...]]:
    """`events(n)`: n things a second apart, the last one now."""
    return lambda n: tuple(
        Happened(161.0 - n + i, "fault", f"connection 2: drop orders [{i}]", "lose it") for i in range(n)
    )


@pytest.fixture
def desk(busy: Snapshot, faults: Callable[[int], tuple[FaultState, ...]]) -> FakeDesk:
    return FakeDesk(dataclasses.replace(busy, faults=faults(2)))


@pytest.fixture
def a_retry() -> Attempt:
    """The second try of attempt 1, without a producer id."""
    return Attempt(
        number=2,
        at=100.0,
        connection=3,
        correlation_id=1,
        client_id="app",
        software="kafka-python 3.0.12",
        api_version=7,
        acks=-1,
        transactional_id=None,
        topic="orders",
        partition=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        records=1,
        crc=1,
        size=120,
        retry_of=1,
        tries=2,
        ambiguous=False,
    )
