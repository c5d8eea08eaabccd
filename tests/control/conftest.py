"""Facts with everyday defaults, so that a test names only what it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from ackdrop.observations import Acked, Answered, Attempt, Decided, Forwarded, Observation

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
    crc=1,
    size=120,
    retry_of=None,
    tries=1,
    ambiguous=False,
)
DECIDED = Decided(100.5, "lose it", 1, 1, "app", "orders", 0, 1, True, "drop", True, 1)


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    return lambda **changes: dataclasses.replace(ATTEMPT, **changes)


@pytest.fixture
def decided() -> Callable[..., Decided]:
    return lambda **changes: dataclasses.replace(DECIDED, **changes)


@pytest.fixture
def lost_and_sent_again() -> Callable[..., list[Observation]]:
    """Attempt `number` is appended at `first`, its ack is dropped, and the next attempt repeats it: answered with
    `error` and `again`."""

    def make(number: int, first: int, again: int, error: int = 0, **changes: object) -> list[Observation]:
        one = dataclasses.replace(ATTEMPT, number=number, correlation_id=number, **changes)  # type: ignore[arg-type]
        two = dataclasses.replace(one, number=number + 1, correlation_id=number + 1, retry_of=number, tries=2, at=102.0)
        return [
            one,
            Forwarded(100.0, number),
            Answered(100.25, number, 0, first),
            dataclasses.replace(DECIDED, attempt=number, correlation_id=number),
            Acked(100.25, number, "dropped", None),
            two,
            Forwarded(102.0, number + 1),
            Answered(102.5, number + 1, error, again),
            Acked(102.5, number + 1, "delivered", error),
        ]

    return make
