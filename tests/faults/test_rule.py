"""What a rule applies to, and when."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults.rule import Match, When


@pytest.mark.parametrize(
    ("globs", "topic", "fits"),
    [
        (("*",), "anything", True),
        (("orders-*",), "orders-eu", True),
        (("orders-*",), "orders", False),
        (("a", "b?"), "b1", True),
        (("a", "b?"), "b12", False),
        (("Orders",), "orders", False),
        (("t[12]",), "t2", True),
        ((), "t", False),
    ],
)
def test_topics_and_clients_are_globs(frame: Any, entry: Any, globs: tuple[str, ...], topic: str, fits: bool) -> None:
    by_topic = Match(topic=globs).entries(frame(entry(topic=topic)))
    by_client = Match(client_id=globs).entries(frame(client=topic))
    assert bool(by_topic) is bool(by_client) is fits


def test_only_the_entries_that_fit(frame: Any, entry: Any) -> None:
    entries = [entry(partition, topic) for topic in ("t", "u") for partition in range(3)]
    match = Match(topic=("u",), partition=(0, 2))
    assert match.entries(frame(*entries)) == [entry(0, "u"), entry(2, "u")]


def test_partition_zero_is_a_partition(frame: Any, entry: Any) -> None:
    assert Match(partition=(0,)).entries(frame(entry(0), entry(1))) == [entry(0)]
    assert Match(partition=()).entries(frame(entry(0))) == []


@pytest.mark.parametrize(("wanted", "fits"), [(None, [False, True]), (True, [True]), (False, [False])])
def test_idempotent(frame: Any, entry: Any, wanted: bool | None, fits: list[bool]) -> None:
    found = Match(idempotent=wanted).entries(frame(entry(idempotent=False), entry(idempotent=True)))
    assert [each.idempotent for each in found] == fits


@pytest.mark.parametrize(
    ("wanted", "fits"), [("any", [1, 2, 3]), ("first", [1]), ("retry", [2, 3]), (1, [1]), (3, [3]), (4, [])]
)
def test_attempt(frame: Any, entry: Any, wanted: Any, fits: list[int]) -> None:
    found = Match(attempt=wanted).entries(frame(*(entry(tries=tries) for tries in (1, 2, 3))))
    assert [each.tries for each in found] == fits


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        (When(), [1, 2, 3, 4, 5, 6]),
        (When(nth=(3,)), [3]),
        (When(nth=(2, 5, 9)), [2, 5]),
        (When(first=2), [1, 2]),
        (When(first=0), []),
        (When(every=1), [1, 2, 3, 4, 5, 6]),
        (When(every=3), [3, 6]),
    ],
)
def test_counts(when: When, fires: list[int]) -> None:
    assert [count for count in range(1, 7) if when.counts(count)] == fires


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        (When(), [0.0, 1.0, 2.0, 3.0]),
        (When(after=1.0), [1.0, 2.0, 3.0]),
        (When(until=2.0), [0.0, 1.0]),
        (When(after=1.0, until=3.0), [1.0, 2.0]),
        (When(after=0.0, until=0.0), []),
    ],
)
def test_the_window_is_half_open(when: When, opens: list[float]) -> None:
    assert [elapsed for elapsed in (0.0, 1.0, 2.0, 3.0) if when.open_at(elapsed)] == opens
