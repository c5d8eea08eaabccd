"""Facts for the ledger's tests: makers with everyday defaults, so that a test names only what it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ackdrop.ledger import Ledger
from ackdrop.observations import Attempt, Decided, LogBatch, LogRecord, Send

ATTEMPT = Attempt(
    number=1,
    at=100.0,
    connection=1,
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
    crc=0xFFFF_FFFF,
    size=120,
    retry_of=None,
    tries=1,
    ambiguous=False,
)

DECIDED = Decided(
    at=100.5,
    fault="lose the third ack",
    connection=1,
    correlation_id=1,
    client_id="app",
    topic="orders",
    partition=0,
    n=1,
    fired=True,
    verdict="drop",
    hit=True,
    attempt=1,
)

SEND = Send("p1", 0, 0, 0, "acked", 0, 5, None)

LOG = LogRecord("orders", 0, 5, "p1/0", 0, 0, "p1", True, 7, 0, 3, 5, 0xFFFF_FFFF, 1_700_000_000_000)

BATCH = LogBatch("orders", 0, 5, 6, 2, 7, 0, 3, 0xFFFF_FFFF, 140, "none", 1_700_000_000_000, "none")


def _maker(default: object) -> Callable[..., object]:
    return lambda **changes: dataclasses.replace(default, **changes)  # type: ignore[type-var]


@pytest.fixture(scope="session")
def attempt() -> Callable[..., Attempt]:
    return _maker(ATTEMPT)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def decided() -> Callable[..., Decided]:
    return _maker(DECIDED)  # type: ignore[return-value]


@pytest.fixture
def send() -> Callable[..., Send]:
    return _maker(SEND)  # type: ignore[return-value]


@pytest.fixture
def log_record() -> Callable[..., LogRecord]:
    return _maker(LOG)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def log_batch() -> Callable[..., LogBatch]:
    return _maker(BATCH)  # type: ignore[return-value]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.create(tmp_path / "run") as ledger:
        yield ledger
