"""What `ackdrop proxy` shows while a real producer writes through it to a real broker: the page and its keys on a
terminal, log lines as JSON where there is none."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ackdrop.broker.ports import held

from ..terminals import LEFT, Job

pytestmark = pytest.mark.integration

SCENARIO = """
version: 1
title: Every ack may be lost
workload: {records: 12, pipelined: false}
faults:
  - name: lose every ack
    at: produce.response
    match: {attempt: first}
    do: {drop: {then: hold}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "every-ack.yaml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture
def producer(library: Any) -> Iterator[Callable[[str], Any]]:
    """`producer(bootstrap)`: a producer without idempotence, closed at the end."""
    kafka = library("kafka")
    with contextlib.ExitStack() as stack:
        yield lambda bootstrap: stack.enter_context(
            contextlib.closing(
                kafka.KafkaProducer(
                    bootstrap_servers=bootstrap, enable_idempotence=False, retries=5, request_timeout_ms=2_000
                )
            )
        )


@pytest.fixture
def on_a_terminal(tmp_path: Path, embedded_broker: str, scenario: str) -> Iterator[tuple[Job, str]]:
    """`ackdrop proxy` in the foreground of a terminal, and its address."""
    json_file = str(tmp_path / "result.json")
    with held(1) as (port,):
        address = f"127.0.0.1:{port}"
        arguments = ["--listen", address, "--bootstrap", embedded_broker, "--scenario", scenario, "--json", json_file]
        job = Job("-m", "ackdrop", "proxy", "--out", str(tmp_path / "runs"), *arguments)
        yield job, address
        job.close()


def test_a_fault_is_armed_and_disarmed_by_its_key(
    on_a_terminal: tuple[Job, str], producer: Any, new_topic: Any, tmp_path: Path
) -> None:
    job, address = on_a_terminal
    topic = new_topic(1)
    job.shows("1 arms or disarms the fault")
    job.press("1")
    job.shows("off    lose every ack")
    job.shows("disarmed by hand")
    client = producer(address)
    assert [client.send(topic, b"calm", partition=0).get(20).offset for _ in range(3)] == [0, 1, 2]
    job.shows("produce       ")
    job.press("1")
    job.shows("armed  lose every ack")
    assert client.send(topic, b"lost", partition=0).get(20).offset == 4
    job.shows(": 0 protected, 1 not")
    job.shows("doubled     1 record")
    client.close()
    job.press("q")
    assert job.ends() == "exited 0"
    assert job.put_back()
    report = job.seen.rpartition(LEFT)[2]
    assert "PASSED" in report
    assert re.search('"lose every ack" disarmed at .* armed at .* by hand', " ".join(report.split()))
    (arm,) = json.loads((tmp_path / "result.json").read_text())["arms"]
    assert arm["log"]["duplicates"] == 1
    assert arm["wire"]["acks_dropped"] == 1


def test_without_a_terminal_each_line_can_be_json(
    start_proxy: Any, scenario: str, producer: Any, new_topic: Any
) -> None:
    topic = new_topic(1)
    process = start_proxy("--scenario", scenario, "--log-format", "json")
    address = json.loads(process.says('"event": "listening"').string)["address"]
    client = producer(address)
    assert client.send(topic, b"lost", partition=0).get(20).offset == 1
    process.says('"event": "retry"')
    client.close()
    ended = process.end()
    told = [json.loads(line) for line in ended.err.splitlines()]
    events = [each["event"] for each in told]
    assert events[-1] == "ended"
    assert told[-1]["exit_code"] == ended.exit_code
    (fault,) = [each for each in told if each["event"] == "fault"]
    assert (fault["fault"], fault["topic"], fault["verdict"]) == ("lose every ack", topic, "drop")
    (retry,) = [each for each in told if each["event"] == "retry"]
    assert (retry["topic"], retry["tries"], retry["protected"]) == (topic, 2, False)
    assert events.index("connected") < events.index("fault") < events.index("retry")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", each["time"]) for each in told)


def test_without_a_terminal_what_happens_is_a_line_of_text(
    start_proxy: Any, scenario: str, producer: Any, new_topic: Any
) -> None:
    topic = new_topic(1)
    process = start_proxy("--scenario", scenario)
    client = producer(process.address())
    assert client.send(topic, b"lost", partition=0).get(20).offset == 1
    process.says(rf'^\d{{4}}-\S+ \S+  fault      "lose every ack": connection \d+: drop {topic} \[0\]$')
    process.says(rf"  retry      connection \d+: try 2 of {topic} \[0\], unprotected$")
    client.close()
    assert process.end().exit_code == 0
