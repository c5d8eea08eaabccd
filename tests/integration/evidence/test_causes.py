"""Every cause of a duplicate, made for real before a real broker, and named by the report with its chain of attempts.

What the report says of the log is held against what kcat reads, and the chain against the batches that stand there and
against what the fault engine says that it did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.broker import embedded

pytestmark = pytest.mark.integration

FAULT = "the fault"
ACK_LOST = {"error": {"code": "REQUEST_TIMED_OUT"}}
"""The broker has appended, and says that it is not sure: the quickest way to a retry."""
OUT_OF_SEQUENCE = {"error": {"code": "OUT_OF_ORDER_SEQUENCE_NUMBER"}}
NO_PRODUCER = (-1, -1, -1)


def scenario(do: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """Six records, one at a time; the fault is done to the third answer."""
    workload = {
        "records": 6,
        "pipelined": False,
        "config": {"retries": 5, "request_timeout": "2s", "delivery_timeout": "15s", "retry_backoff": "20ms"},
        "deadline": "40s",
        **more.pop("workload", {}),
    }
    faults = [{"name": FAULT, "at": "produce.response", "match": {"attempt": "first"}, "when": {"nth": 3}, "do": do}]
    return {"version": 1, "title": "A test", "workload": workload, "faults": faults if do else [], **more}


@pytest.fixture
def faulty_proxy(start_proxy: Any, tmp_path: Path) -> Callable[[dict[str, Any]], Any]:
    """`faulty_proxy(do)`: `ackdrop proxy` that does this to the third answer."""

    def start(do: dict[str, Any]) -> Any:
        file = tmp_path / "faults.yaml"
        file.write_text(json.dumps(scenario(do)))
        return start_proxy("--scenario", str(file))

    return start


@pytest.fixture
def chain(batches: Callable[[str, str], dict[int, Any]]) -> Callable[..., list[Any]]:
    """`chain(bootstrap, finding)` gives the attempts of a finding, after it has held each that was appended against
    the batch that stands where the broker said."""

    def check(bootstrap: str, finding: Any) -> list[Any]:
        attempts: list[Any] = finding["attempts"]
        touched = [attempt["fault"] for attempt in attempts if attempt["fault"] is not None]
        assert touched == ([] if finding["fault"] is None else [finding["fault"]])
        (topic,) = {attempt["topic"] for attempt in attempts}
        standing = batches(bootstrap, topic)
        assert attempts == sorted(attempts, key=lambda attempt: attempt["at"])
        for attempt in attempts:
            assert attempt["at"] <= attempt["answered_at"] <= attempt["acked_at"]
            header = standing[attempt["base_offset"]]
            assert numbers(attempt) == (header.producer_id, header.producer_epoch, header.base_sequence)
            assert (attempt["crc"], attempt["records"]) == (header.crc, header.records)
        return attempts

    return check


def numbers(attempt: Any) -> tuple[int, int, int]:
    """Producer id, epoch and sequence: what a broker goes by (KIP-98)."""
    return attempt["producer_id"], attempt["producer_epoch"], attempt["base_sequence"]


def frame(attempt: Any) -> tuple[int, int]:
    return attempt["connection"], attempt["correlation_id"]


def offsets(finding: Any) -> list[int]:
    return [place["offset"] for place in finding["places"]]


def only(findings: list[Any], cause: str | None) -> Any:
    """The one finding, which has this cause."""
    (finding,) = findings
    assert finding["cause"] == cause
    return finding


def test_a_retry_without_a_producer_id(embedded_broker: str, run: Any, rows: Any, chain: Any) -> None:
    """…is `retry-unprotected`. The same with one is a retry that the broker saw through: `deduplicated`."""
    done = run(embedded_broker, scenario(ACK_LOST))
    assert done.code == 0
    log = rows(embedded_broker, done.topics["off"])
    twice = only(done.findings("off", "duplicate"), "retry-unprotected")
    assert list(log.copies.values()) == [offsets(twice)] == [[2, 3]]
    assert (twice["record"], twice["fault"]) == ("p1/2", FAULT)
    first, again = chain(embedded_broker, twice)
    assert numbers(first) == numbers(again) == NO_PRODUCER
    assert (first["retry_of"], again["retry_of"]) == (None, first["number"])
    assert done.fired("off") == [frame(first)]
    assert (first["error"], first["ack"], again["error"], again["ack"]) == (
        "REQUEST_TIMED_OUT",
        "delivered",
        None,
        "delivered",
    )

    assert rows(embedded_broker, done.topics["on"]).copies == {}
    once = only(done.findings("on", "deduplicated"), None)
    assert (offsets(once), once["fault"]) == ([2], FAULT)
    first, again = chain(embedded_broker, once)
    assert numbers(first) == numbers(again) != NO_PRODUCER
    assert done.fired("on") == [frame(first)]
    assert first["base_offset"] == again["base_offset"] == 2


def test_an_application_that_sends_again(embedded_broker: str, run: Any, rows: Any, chain: Any) -> None:
    """…is `application-resend` in both arms: every send has a sequence of its own."""
    done = run(
        embedded_broker,
        scenario(
            None,
            workload={"records": 2, "sends": 3},
            control="none",
            expect={arm: {"records": 6, "distinct": 2, "duplicates": 4, "retries": 0} for arm in ("off", "on")},
        ),
    )
    assert done.code == 0
    for arm in ("off", "on"):
        found = done.findings(arm, "duplicate")
        assert list(rows(embedded_broker, done.topics[arm]).copies.values()) == [offsets(one) for one in found]
        assert [one["cause"] for one in found] == ["application-resend"] * 2
        assert {one["fault"] for one in found} == {None}
        sent = [numbers(attempt) for one in found for attempt in chain(embedded_broker, one)]
        assert [number for _, _, number in sent] == ([-1] * 6 if arm == "off" else [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("connection", ["same", "new"])
def test_a_copy_that_ackdrop_itself_sent(
    embedded_broker: str, run: Any, rows: Any, chain: Any, connection: str
) -> None:
    """…is `injected`: no retry, and not the producer's doing. A broker that knows its sequence drops it."""
    expect = {"off": {"duplicates": 1, "retries": 0, "lost": 0}, "on": {"duplicates": 0, "retries": 0, "lost": 0}}
    copy = scenario({"duplicate": {"times": 1, "connection": connection}}, control="none", expect=expect)
    copy["faults"][0]["at"] = "produce.request"
    done = run(embedded_broker, copy)
    assert done.code == 0
    twice = only(done.findings("off", "duplicate"), "injected")
    assert list(rows(embedded_broker, done.topics["off"]).copies.values()) == [offsets(twice)]
    assert (twice["record"], offsets(twice)[0], twice["fault"]) == ("p1/2", 2, FAULT)
    first, again = chain(embedded_broker, twice)
    assert done.fired("off") == [frame(first)]
    assert (first["injected"], again["injected"], again["retry_of"]) == (False, True, first["number"])
    assert (first["connection"] == again["connection"]) == (connection == "same")
    assert numbers(first) == numbers(again) == NO_PRODUCER
    assert rows(embedded_broker, done.topics["on"]).copies == {}
    assert done.findings("on", "duplicate") == []


def test_a_broker_that_has_forgotten_the_producer(run: Any, rows: Any, chain: Any) -> None:
    """…is `broker-did-not-deduplicate`: the state of the producer id expires before its retry comes."""
    forgetful = {"producer.id.expiration.ms": "300", "producer.id.expiration.check.interval.ms": "100"}
    arms = [{"name": "on", "idempotence": True}]
    lost = scenario({"drop": {"then": "hold"}}, arms=arms, control="none", expect={"on": {"duplicates": 1}})

    def look(bootstrap: str) -> None:
        done = run(bootstrap, lost)
        twice = only(done.findings("on", "duplicate"), "broker-did-not-deduplicate")
        assert list(rows(bootstrap, done.topics["on"]).copies.values()) == [offsets(twice)] == [[2, 3]]
        first, again = chain(bootstrap, twice)
        assert numbers(first) == numbers(again) != NO_PRODUCER
        assert first["connection"] != again["connection"]
        assert (first["ack"], again["ack"], twice["fault"]) == ("dropped", "delivered", FAULT)
        assert done.fired("on") == [frame(first)]
        assert done.code == 0

    async def main() -> None:
        async with embedded.broker(extra=forgetful) as running:
            await trio.to_thread.run_sync(look, running.bootstrap)

    trio.run(main)


@pytest.mark.parametrize("program", ["java", "go"])
def test_an_idempotent_client_that_numbers_its_batches_anew(
    embedded_broker: str,
    faulty_proxy: Any,
    programs: Any,
    rows: Any,
    chain: Any,
    new_topic: Any,
    program: str,
) -> None:
    """…is `new-epoch`. Told that a sequence is out of order, kafka-clients and franz-go count the epoch up and begin
    again at sequence 0 (KIP-360), with what stands in the log already."""
    topic, proxy = new_topic(1), faulty_proxy(OUT_OF_SEQUENCE)
    programs.run(program, proxy.address(), 6, 1, 5000, "true", f"{topic}:none")
    ended = proxy.end()
    twice = only(ended.arm["findings"], "new-epoch")
    assert list(rows(embedded_broker, topic).copies.values()) == [offsets(twice)] == [[2, 3]]
    first, again = chain(embedded_broker, twice)
    assert numbers(first)[2] == 2
    assert numbers(again) == (first["producer_id"], first["producer_epoch"] + 1, 0)
    assert again["retry_of"] == first["number"]
    assert (first["error"], again["error"], twice["fault"]) == ("OUT_OF_ORDER_SEQUENCE_NUMBER", None, FAULT)
    assert (ended.exit_code, ended.codes) == (1, ["expectation-failed"])


def test_a_program_that_is_started_again_while_it_waits_for_an_ack(
    embedded_broker: str, faulty_proxy: Any, programs: Any, rows: Any, chain: Any, new_topic: Any
) -> None:
    """…and sends its input from the beginning: what had its ack is `application-resend`; what had none is sent again
    as any retry is, and `new-producer-id` says why idempotence did not help."""
    topic, proxy = new_topic(1), faulty_proxy({"drop": {"then": "hold"}})
    work = (proxy.address(), 6, 1, 20_000, "true", f"{topic}:none")
    with programs.start("go", *work, env={"EVENT_TIMES": "yes"}) as first_life:
        _until(lambda: len(rows(embedded_broker, topic)) == 3)
        first_life.kill()
    programs.run("go", *work, env={"EVENT_TIMES": "yes"})
    ended = proxy.end()
    found = ended.arm["findings"]
    assert [one["cause"] for one in found] == ["application-resend"] * 2 + ["new-producer-id"]
    assert list(rows(embedded_broker, topic).copies.values()) == list(map(offsets, found)) == [[0, 3], [1, 4], [2, 5]]
    first, again = chain(embedded_broker, found[2])
    assert numbers(first)[1:] == numbers(again)[1:] == (0, 2)
    assert again["producer_id"] not in (-1, first["producer_id"])
    assert (first["ack"], again["ack"], found[2]["fault"]) == ("dropped", "delivered", FAULT)
    assert (ended.exit_code, ended.codes) == (1, ["expectation-failed"])


def test_equal_batches_on_two_connections_at_once(
    embedded_broker: str, faulty_proxy: Any, raw: Any, rows: Any, chain: Any, new_topic: Any
) -> None:
    """…are `ambiguous`: a retry, or meant; without a producer id nothing tells, and nothing is condemned."""
    topic, proxy = new_topic(1), faulty_proxy({"delay": {"for": "60s"}})
    address = proxy.address()
    one, other = (raw.Connection(address, "by hand", correlation) for correlation in (100, 200))
    for value in (b"first", b"second"):
        one.produce(topic, raw.batch([raw.Record(b"a key", value)]), acks=1)
    made = raw.batch([raw.Record(b"a key", b"third")])
    first = one.begin(topic, made, acks=1)
    _until(lambda: len(rows(embedded_broker, topic)) == 3)
    second = other.begin(topic, made, acks=1)
    assert other.answer().base_offset == 3
    one.close()
    other.close()
    ended = proxy.end()
    twice = only(ended.arm["findings"], "ambiguous")
    assert list(rows(embedded_broker, topic).copies.values()) == [offsets(twice)] == [[2, 3]]
    attempts = chain(embedded_broker, twice)
    assert [attempt["correlation_id"] for attempt in attempts] == [first, second] == [103, 201]
    assert [numbers(attempt) for attempt in attempts] == [NO_PRODUCER] * 2
    assert [attempt["crc"] for attempt in attempts] == [raw.crc(made)] * 2
    assert [attempt["ack"] for attempt in attempts] == ["delayed", "delivered"]


@pytest.fixture(scope="module")
def meddled(embedded_broker: str, begin: Any, rows: Any, raw: Any) -> Any:
    """A run into whose topic somebody writes past the proxy while it goes on: a copy of its first record, and a record
    in its name that it never sent."""
    slow = {"records": 40, "rate": "8/s"}
    arms = [{"name": "on", "idempotence": True}]
    running = begin(embedded_broker, scenario(None, workload=slow, arms=arms, control="none", expect={"on": {}}))
    topic = _until(lambda: running.topics().get("on"))
    first = _until(partial(rows, embedded_broker, topic))[0]
    run, producer, *_ = first.headers["ackdrop"].split("/")
    connection = raw.Connection(embedded_broker)
    for name in (first.headers["ackdrop"], f"{run}/{producer}/777/0/777"):
        copy = raw.Record(first.key.encode(), first.value.encode(), (("ackdrop", name.encode()),))
        assert connection.produce(topic, raw.batch([copy])).error == 0
    connection.close()
    return running.end()


def _until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := what()):
        assert time.monotonic() < deadline
    return found


def test_a_copy_that_went_past_the_proxy(embedded_broker: str, meddled: Any, rows: Any) -> None:
    """…is `unexplained`, and the run cannot be believed: a gate says so."""
    twice = only(meddled.findings("on", "duplicate"), "unexplained")
    assert list(rows(embedded_broker, meddled.topics["on"]).copies.values()) == [offsets(twice)]
    assert [attempt["base_offset"] for attempt in twice["attempts"]] == [0]
    assert (twice["record"], twice["fault"], meddled.arm("on")["log"]["past_proxy"]) == ("p1/0", None, 2)
    assert (meddled.code, {reason["code"] for reason in meddled.report["reasons"]}) == (3, {"went-past-proxy"})


def test_a_record_of_this_run_that_nobody_sent(embedded_broker: str, meddled: Any, rows: Any) -> None:
    """…is a phantom; its chain is empty, for no attempt wrote it."""
    phantom = only(meddled.findings("on", "phantom"), None)
    (place,) = [row.offset for row in rows(embedded_broker, meddled.topics["on"]) if row.identity[2] == "777"]
    assert (phantom["record"], offsets(phantom), phantom["attempts"]) == ("p1/777", [place], [])
    log = meddled.arm("on")["log"]
    assert (log["phantom"], log["duplicates"], log["records"]) == (1, 1, 42)
