"""The snapshot, out of batches of observations."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from ackdrop.control.gathering import MOST_RECENT, Gathering, Sources, told
from ackdrop.control.snapshot import Traffic
from ackdrop.observations import (
    Acked,
    Acted,
    Answered,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    Flow,
    Forwarded,
    LetPass,
    Observation,
    Passed,
    Undecoded,
)
from ackdrop.series import packed

FLOW = Flow(1, "app", "", 7, -1, None, "orders", 0, -1, -1)


class Clock:
    """A clock, and traffic, that stand where a test puts them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.traffic = Traffic()

    def sources(self) -> Sources:
        return Sources(clock=lambda: self.now, traffic=lambda: self.traffic)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gathering(clock: Clock) -> Gathering:
    return Gathering(clock.sources())


def test_connections_are_those_that_are_open_and_know_who_produces_on_them(gathering, attempt):
    gathering.take([ConnectionOpened(100.0, 1, -1, "1.2.3.4:5"), ConnectionOpened(100.1, 2, 0, "1.2.3.4:6")])
    gathering.take([attempt(connection=2), ConnectionClosed(101.0, 1, "client", "fin", "")])
    snapshot = gathering.snapshot()
    assert (snapshot.connections_open, snapshot.connections_total) == (1, 2)
    (connection,) = snapshot.connections
    assert (connection.number, connection.node, connection.client_id, connection.attempts) == (2, 0, "app", 1)


def test_a_request_of_many_partitions_is_one_request_and_one_dropped_ack(gathering, attempt):
    both = [attempt(number=1), attempt(number=2, partition=1)]
    gathering.take(both)  # their fates may come in another batch
    gathering.take([Acked(101.0, 1, "dropped", None), Acked(101.0, 2, "dropped", None)])
    snapshot = gathering.snapshot()
    assert (snapshot.produce_requests, snapshot.attempts, snapshot.acks.dropped) == (1, 2, 1)


def test_so_it_is_where_it_was_told_with_all_else_that_has_passed(gathering):
    """Two requests of two batches each, and one of one, on two connections of which one is known."""
    flows = [dataclasses.replace(FLOW, connection=number // 2, partition=number % 2) for number in range(3)]
    rows = [(number, 100.0 + number, 4, -1, 2, 5, 90, 101.0, 2 * number) for number in range(5)]
    gathering.take([ConnectionOpened(99.0, 0, -1, "1.2.3.4:5"), Passed(flows, None, (2, 2, 1), packed(rows), 3)])
    snapshot = gathering.snapshot()
    assert (snapshot.produce_requests, snapshot.attempts, snapshot.records) == (3, 5, 10)
    assert snapshot.connections[0].attempts == 4


def test_what_the_proxy_added_is_measured_on_the_way_there_and_back(gathering, attempt):
    gathering.take([attempt(), Forwarded(100.3, 1), Answered(101.0, 1, 0, 7), Acked(103.0, 1, "delayed", 0)])
    snapshot = gathering.snapshot()
    there, back = snapshot.added_to_requests, snapshot.added_to_answers
    assert there.counts[there.bounds.index(0.5)] == 1
    assert back.counts[back.bounds.index(2.5)] == 1
    assert back.total == pytest.approx(2.0)


def test_a_fault_matches_and_fires_on_frames_and_not_on_partitions(gathering, decided):
    gathering.take([decided(), decided(partition=1, attempt=2), decided(correlation_id=2, fired=False, hit=False)])
    assert gathering.totals("lose it") == (2, 1)
    gathering.take([LetPass("lose it", 1_000), LetPass("another", 2)])
    assert [gathering.totals(fault) for fault in ("lose it", "another", "a third")] == [(1_002, 1), (2, 0), (0, 0)]
    assert [happened.fault for happened in gathering.snapshot().recent] == ["lose it"]


def test_rates_are_taken_over_the_last_seconds(clock, gathering, attempt):
    for second in range(1, 21):
        clock.now, clock.traffic = 100.0 + second, Traffic(10 * second, 1000 * second, 9 * second, 100 * second)
        gathering.take([attempt(number=second, correlation_id=second)])
    rates = gathering.snapshot().rates
    assert rates.requests == pytest.approx(10.0)
    assert rates.answers == pytest.approx(9.0)
    assert rates.client_bytes == pytest.approx(1000.0)
    assert rates.produce == pytest.approx(1.0)
    assert 5.0 <= rates.seconds <= 6.0


def test_copies_of_ours_are_no_retries_and_no_requests(gathering, attempt):
    gathering.take([attempt(), attempt(number=2, retry_of=1, injected=True)])
    snapshot = gathering.snapshot()
    assert (snapshot.produce_requests, snapshot.injected, snapshot.retries.retries, snapshot.records) == (1, 1, 0, 1)


def test_no_more_is_recent_than_there_is_room_for(gathering, decided):
    gathering.take([decided(correlation_id=number) for number in range(10 * MOST_RECENT)])
    assert len(gathering.snapshot().recent) == MOST_RECENT


def test_all_that_is_recent_can_be_told(gathering, attempt, decided):
    facts: list[Observation] = [
        ConnectionOpened(1.0, 1, -1, "1.2.3.4:5"),
        ConnectionClosed(2.0, 1, "ackdrop", "reset", "a fault"),
        attempt(number=2, retry_of=1, tries=2, ambiguous=True),
        Answered(3.0, 2, 6, -1),
        decided(),
        Acted(4.0, "stop it", "broker", "pause", False, "it is not ours", 0.0),
        Undecoded(5.0, 1, "produce", 99, "too new", True),
        Changed(6.0, "lose it", "disarmed", "control", None, 0.0),
    ]
    gathering.take(facts)
    kinds = [happened.kind for happened in gathering.snapshot().recent]
    assert kinds == ["connected", "closed", "retry", "error", "fault", "acted", "undecoded", "change"]
    assert told(facts[3]).text == "the broker answered attempt 2 with NOT_LEADER_OR_FOLLOWER"


def test_every_kind_of_observation_can_be_taken(gathering):
    """None that comes later breaks a proxy: one that is not looked at is passed over."""
    for kind in typing.get_args(Observation):
        fields = {field.name: _any(field) for field in dataclasses.fields(kind)}
        gathering.take([kind(**fields)])
    gathering.snapshot()


def _any(field: dataclasses.Field[typing.Any]) -> object:
    kinds = {"int": 1, "float": 1.0, "str": "x", "bool": True, "int | None": 1, "str | None": "x"}
    attempts = packed([(1, 1.0, 1, -1, 1, 1, 120, 1.5, 0)])
    named = {"who": "file", "flows": (FLOW,), "asked": None, "counts": (1,), "attempts": attempts}
    return named.get(field.name, kinds.get(str(field.type), "delivered"))
