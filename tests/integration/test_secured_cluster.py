"""Three brokers that speak TLS and ask for SASL, a fault at one partition, and leadership that moves meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.integration

DEADLINE = 150.0

SCENARIO = """
version: 1
title: An ack of partition 1 is lost, and the leaders move
workload:
  records: 180
  rate: 40/s
  topic: {partitions: 3, replication: 3}
  config: {retries: 50, request_timeout: 4s, delivery_timeout: 40s}
faults:
  - name: lose an ack of partition 1
    at: produce.response
    match: {partition: 1, attempt: first}
    when: {nth: 3}
    do: {drop: {then: disconnect}}
  - name: move the leaders
    at: broker
    when: {after: 1s, times: 1}
    do: {transfer_leadership: {}}
expect:
  "off": {duplicates: ">= 1", lost: 0}
  "on": {duplicates: 0, lost: 0}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: its code, what it said, its result, its folder, and the ports that its children spoke to."""

    code: int
    said: str
    result: Any
    folder: Path
    peers: frozenset[int]


class Family:
    """The connections of a process's children, as often as this machine can look."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self.peers: set[int] = set()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.005):
            try:
                for child in self._process.children(recursive=True):
                    # Between its fork and its exec a child still has what ackdrop itself had open.
                    if "drive_" in " ".join(child.cmdline()):
                        self.peers |= {found.raddr.port for found in child.net_connections("tcp") if found.raddr}
            except psutil.NoSuchProcess:
                continue

    def end(self) -> frozenset[int]:
        self._over.set()
        self._thread.join()
        return frozenset(self.peers)


Run = Callable[..., Ran]


@pytest.fixture
def run(three_brokers: Any, tmp_path: Path) -> Run:
    """`run(listener, mechanism, *arguments)`: the scenario before the three brokers' listeners of this name."""
    (tmp_path / "led.yaml").write_text(SCENARIO)
    (tmp_path / "password").write_text(three_brokers.users["alice"] + "\n")

    def begin(listener: str, mechanism: str | None, *arguments: str) -> Ran:
        options = ["--bootstrap", ",".join(three_brokers.addresses(listener)), "--json", "result.json"]
        if listener != "SASL":
            options += ["--upstream-tls", "--upstream-ca", str(three_brokers.certificates.ca)]
        if listener == "MTLS":
            options += ["--upstream-cert", str(three_brokers.certificates.client)]
            options += ["--upstream-key", str(three_brokers.certificates.client_key)]
        if mechanism is not None:
            options += ["--upstream-sasl-mechanism", mechanism, "--upstream-sasl-username", "alice"]
            options += ["--upstream-sasl-password-file", "password"]
        command = [sys.executable, "-m", "ackdrop", "run", "led.yaml", *options, *arguments]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
        ) as process:
            family = Family(process.pid)
            said, _ = process.communicate(timeout=DEADLINE)
            peers = family.end()
        written = tmp_path / "result.json"
        result = json.loads(written.read_text()) if written.exists() else None
        return Ran(process.returncode, said, result, tmp_path, peers)

    return begin


def passed(ran: Ran, three_brokers: Any) -> None:
    """It passed, the leaders were moved, and producers were with the proxy alone."""
    assert ran.code == 0, ran.said
    for arm in ran.result["arms"]:
        assert {fault["name"]: fault["fired"] for fault in arm["wire"]["faults"]} == {
            "lose an ack of partition 1": 1,
            "move the leaders": 1,
        }
        assert arm["log"]["past_proxy"] == 0
        assert arm["records"]["acked"] == 180
    off, on = (arm["log"]["duplicates"] for arm in ran.result["arms"])
    assert off > on == 0
    assert len([note for note in ran.result["notes"] if '"move the leaders" (transfer_leadership' in note]) == 2
    assert ran.peers
    assert not ran.peers & three_brokers.ports


@pytest.mark.parametrize("producer", ["kafka-python", "confluent-kafka", "aiokafka"])
def test_leaders_move_during_a_run_over_tls_and_scram(run: Run, three_brokers: Any, producer: str) -> None:
    ran = run("SASL_TLS", "SCRAM-SHA-512", "--producer", producer)
    passed(ran, three_brokers)
    secret = three_brokers.users["alice"]
    assert secret not in ran.said
    files = [path for path in ran.folder.rglob("*") if path.is_file() and path.name != "password"]
    assert len(files) > 5
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("listener", "mechanism"), [("SASL", "SCRAM-SHA-256"), ("SASL_TLS", "PLAIN"), ("TLS", None), ("MTLS", None)]
)
def test_the_same_in_other_ways_of_being_let_in(
    run: Run, three_brokers: Any, listener: str, mechanism: str | None
) -> None:
    passed(run(listener, mechanism), three_brokers)
