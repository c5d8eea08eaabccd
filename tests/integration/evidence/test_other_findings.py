"""What else a log can show, each made for real: lost, in the log though nobody was told, out of order, a phantom, at
another offset than the one that was told.

A client library does none of that when it is asked to, so a producer of hand-made frames takes its place in the arms
(`programs/odd_producer.py`). What the report says is held against what kcat reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.integration

RECORDS = 4
CLEAN = {"records": RECORDS, "distinct": RECORDS, "duplicates": 0, "lost": 0, "unacked_present": 0, "out_of_order": 0}
CLEAN |= {"phantom": 0, "offset_mismatch": 0, "past_proxy": 0}
SCENARIO = {
    "version": 1,
    "title": "An odd producer",
    "workload": {"records": RECORDS, "pipelined": False},
    "control": "none",
    "expect": {arm: {"lost": 0, "phantom": 0, "offset_mismatch": 0, "out_of_order": 0} for arm in ("off", "on")},
}
WAYS = ("reused-sequence", "one-offset-for-all", "backwards", "one-too-many", "silent")
SIDE_BY_SIDE = 3


@pytest.fixture(scope="module")
def runs(embedded_broker: str, run: Any, odd_producer: Any, rows: Any) -> Iterator[dict[str, Future[Any]]]:
    """A run for each way to be odd, a few at a time."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {way: pool.submit(run, embedded_broker, SCENARIO, "--producer-python", odd_producer(way)) for way in WAYS}


@pytest.fixture
def odd(runs: dict[str, Future[Any]], embedded_broker: str, rows: Any) -> Callable[[str, str], Any]:
    """`odd(way, arm)`: the arm of the report, its one finding, and the log as kcat reads it."""

    def look(way: str, arm: str) -> Any:
        done = runs[way].result()
        found = done.arm(arm)["findings"]
        assert len(found) == 1
        assert done.code == (0 if way == "silent" else 1)
        return done.arm(arm), found[0], rows(embedded_broker, done.topics[arm])

    return look


def both(test: Any) -> Any:
    return pytest.mark.parametrize("arm", ["off", "on"])(test)


def attempts(finding: Any, *words: str) -> list[tuple[Any, ...]]:
    return [tuple(attempt[word] for word in words) for attempt in finding["attempts"]]


def record_of(row: Any) -> str:
    """The logical record's name in a report: producer and number."""
    return "/".join(row.identity[1:])


def test_acked_and_not_written(odd: Any, runs: dict[str, Future[Any]]) -> None:
    """A sequence that the broker knows is acked with the offset of what it knows, whatever it holds: what came under it
    second is lost. The chain has both. Without a producer id the same batch is simply written."""
    arm, found, log = odd("reused-sequence", "on")
    assert [record_of(row) for row in log] == ["p1/0", "p1/1", "p1/2"]
    assert arm["log"] | {"aborted": 0} == CLEAN | {"records": 3, "distinct": 3, "lost": 1, "aborted": 0}
    assert (found["kind"], found["record"], found["places"]) == ("lost", "p1/3", [])
    assert attempts(found, "base_sequence", "base_offset", "ack", "error") == [(2, 2, "delivered", None)] * 2
    first, second = attempts(found, "crc")
    assert first != second
    assert runs["reused-sequence"].result().arm("off")["findings"] == []


@both
def test_acked_at_another_offset(odd: Any, arm: str) -> None:
    """A client that gives every record of a batch the offset of the batch."""
    told, found, log = odd("one-offset-for-all", arm)
    assert told["log"] | {"aborted": 0} == CLEAN | {"offset_mismatch": 1, "aborted": 0}
    assert (found["kind"], found["record"]) == ("offset_mismatch", record_of(log[1]))
    assert [place["offset"] for place in found["places"]] == [log[1].offset]
    assert attempts(found, "records", "base_offset", "ack") == [(2, 0, "delivered")]
    assert told["records"]["acked"] == RECORDS


@both
def test_out_of_order(odd: Any, arm: str) -> None:
    """The record that stands behind one that was sent after it; the chain has the attempts of both."""
    told, found, log = odd("backwards", arm)
    assert [record_of(row) for row in log] == ["p1/1", "p1/0", "p1/2", "p1/3"]
    assert told["log"] | {"aborted": 0} == CLEAN | {"out_of_order": 1, "aborted": 0}
    assert (found["kind"], found["record"]) == ("out_of_order", "p1/0")
    assert [place["offset"] for place in found["places"]] == [1]
    assert attempts(found, "base_offset") == [(0,), (1,)]


@both
def test_in_the_log_and_never_sent(odd: Any, arm: str) -> None:
    told, found, log = odd("one-too-many", arm)
    assert record_of(log[RECORDS]) == f"p1/{RECORDS}"
    assert told["log"] | {"aborted": 0} == CLEAN | {"records": 5, "distinct": 5, "phantom": 1, "aborted": 0}
    assert (found["kind"], found["record"]) == ("phantom", f"p1/{RECORDS}")
    assert [place["offset"] for place in found["places"]] == [RECORDS]
    assert attempts(found, "base_offset", "ack") == [(RECORDS, "delivered")]
    assert told["records"]["sent"] == RECORDS


@both
def test_in_the_log_though_the_producer_was_told_that_it_failed(odd: Any, arm: str) -> None:
    told, found, log = odd("silent", arm)
    assert told["log"] | {"aborted": 0} == CLEAN | {"unacked_present": 1, "aborted": 0}
    assert told["records"] == {"sent": RECORDS, "acked": RECORDS - 1, "failed": 1, "unknown": 0}
    assert (found["kind"], found["record"]) == ("unacked_present", record_of(log[1]))
    assert [place["offset"] for place in found["places"]] == [1]
    assert attempts(found, "base_offset", "ack") == [(1, "delivered")]


def test_a_client_that_gives_up_after_its_last_try(embedded_broker: str, run: Any, rows: Any) -> None:
    """kafka-python without retries reports a failure for what the broker has appended: the fault is named."""
    fault = {"at": "produce.response", "when": {"nth": 2}, "do": {"error": {"code": "REQUEST_TIMED_OUT"}}}
    scenario = SCENARIO | {
        "workload": {"records": RECORDS, "pipelined": False, "config": {"retries": 0}},
        "arms": [{"name": "off", "idempotence": False}],
        "faults": [fault | {"name": "the last word"}],
        "expect": {"off": {"unacked_present": 1, "lost": 0, "failed": 1}},
    }
    done = run(embedded_broker, scenario)
    (found,) = done.arm("off")["findings"]
    assert (done.code, found["kind"], found["fault"]) == (0, "unacked_present", "the last word")
    row = rows(embedded_broker, done.topics["off"])[found["places"][0]["offset"]]
    assert (row.offset, record_of(row)) == (1, found["record"])
    assert attempts(found, "error", "base_offset") == [("REQUEST_TIMED_OUT", 1)]
    assert done.fired("off") == attempts(found, "connection", "correlation_id")


def test_acked_and_not_written_by_a_program_that_is_not_ours(
    embedded_broker: str, start_proxy: Any, raw: Any, rows: Any, new_topic: Any
) -> None:
    """Both batches were acked, the second one under a sequence whose success had been delivered: it was no retry, and
    its bytes are not those that stand at the offset."""
    topic, proxy = new_topic(1), start_proxy()
    connection = raw.Connection(proxy.address())
    producer = connection.init_producer_id()
    for value, sequence in ((b"first", 0), (b"second", 1), (b"third", 1)):
        answer = connection.produce(topic, raw.batch([raw.Record(b"a key", value)], producer, sequence))
        assert (answer.error, answer.base_offset) == (0, sequence)
    connection.close()
    ended = proxy.end()
    assert [row.value for row in rows(embedded_broker, topic)] == ["first", "second"]
    (found,) = ended.arm["findings"]
    assert (ended.arm["log"]["lost"], found["kind"]) == (1, "lost")
    assert (ended.exit_code, ended.codes) == (1, ["expectation-failed", "no-retry"])
