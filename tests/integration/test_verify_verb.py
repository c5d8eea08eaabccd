"""`ackdrop verify`: topics of a real broker, alone and against the ledger of a run that is over."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

DEADLINE = 60

Write = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str
    report: Any

    @property
    def codes(self) -> list[str]:
        return [reason["code"] for reason in self.report["reasons"]]

    @property
    def arm(self) -> Any:
        (arm,) = self.report["arms"]
        return arm

    @property
    def causes(self) -> list[str]:
        return [finding["cause"] for finding in self.arm["findings"] if finding["kind"] == "duplicate"]


@pytest.fixture
def ackdrop(tmp_path: Path) -> Callable[..., Ended]:
    """`ackdrop(verb, *arguments)` in a process and a folder of its own."""

    def call(*arguments: str) -> Ended:
        report = tmp_path / "result.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "ackdrop", *arguments, "--json", str(report)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False)
        return Ended(
            done.returncode, done.stdout, done.stderr, json.loads(report.read_text()) if report.exists() else {}
        )

    return call


@pytest.fixture
def write(embedded_broker: str, library: Any) -> Write:
    """`write(records, **config)` makes a topic with these (key, value, headers, milliseconds) and gives its name."""
    kafka = library("kafka")

    def call(records: list[tuple[bytes, bytes, dict[str, str], int]], again: int = 1, **config: Any) -> str:
        topic = f"verify-{uuid.uuid4().hex[:8]}"
        admin = kafka.KafkaAdminClient(bootstrap_servers=embedded_broker)
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
        admin.close()
        for _ in range(again):
            producer = kafka.KafkaProducer(bootstrap_servers=embedded_broker, **config)
            for key, value, headers, at in records:
                pairs = [(name, text.encode()) for name, text in headers.items()]
                producer.send(topic, value, key=key, headers=pairs, partition=0, timestamp_ms=at).get(20)
            producer.close()
        return topic

    return call


def orders(count: int, first: int = 0) -> list[tuple[bytes, bytes, dict[str, str], int]]:
    return [
        (b"k", b"the same", {"order-id": str(number)}, 1_700_000_000_000 + number)
        for number in range(first, first + count)
    ]


def test_a_topic_without_copies_passes(embedded_broker: str, ackdrop: Any, write: Write) -> None:
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", write(orders(5)))
    assert (ended.code, ended.report["verdict"], ended.codes) == (0, "passed", [])
    assert (ended.arm["log"]["records"], ended.arm["log"]["duplicates"]) == (5, 0)
    assert ended.arm["wire"]["retries"] is None
    assert "records in the log" in ended.out


def test_equal_records_alone_prove_nothing(embedded_broker: str, ackdrop: Any, write: Write) -> None:
    topic = write(orders(3), again=2, enable_idempotence=False)
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", topic)
    assert (ended.code, ended.codes) == (3, ["ambiguous-duplicates"])
    assert (ended.arm["log"]["duplicates"], set(ended.causes)) == (3, {"ambiguous"})


def test_what_the_user_names_decides(embedded_broker: str, ackdrop: Any, write: Write) -> None:
    topic = write(orders(3), again=2, enable_idempotence=False)
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", topic, "--identity", "header:order-id")
    assert (ended.code, ended.codes, ended.arm["log"]["duplicates"]) == (1, ["expectation-failed"], 3)
    assert ended.report["run"]["command"][-2:] == ["--identity", "header:order-id"]
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", topic, "--identity", "key")
    assert ended.arm["log"]["distinct"] == 1


def test_one_producer_that_sends_again_is_the_application(embedded_broker: str, ackdrop: Any, write: Write) -> None:
    topic = write(orders(2) + orders(2))
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", topic)
    assert (ended.arm["log"]["duplicates"], set(ended.causes)) == (2, {"application-resend"})


def test_a_topic_that_is_not_there_is_wrong_usage(embedded_broker: str, ackdrop: Any, tmp_path: Path) -> None:
    ended = ackdrop("verify", "--bootstrap", embedded_broker, "--topic", "nobody-made-it")
    assert ended.code == 2
    assert "no topic 'nobody-made-it'" in ended.err
    assert not (tmp_path / "ackdrop-runs").exists()


def test_a_run_is_verified_again(embedded_broker: str, ackdrop: Any, library: Any, tmp_path: Path) -> None:
    library("kafka")
    first = ackdrop("run", "lost-ack-disconnect", "--bootstrap", embedded_broker, "--keep")
    assert first.code == 0, first.err
    (folder,) = (tmp_path / "ackdrop-runs").iterdir()
    again = ackdrop("verify", "--bootstrap", embedded_broker, "--run", str(folder))
    assert again.code == 0, again.out + again.err
    for then, now in zip(first.report["arms"], again.report["arms"], strict=True):
        assert {word: now[word] for word in ("name", "log", "records", "wire", "expectations")} == {
            word: then[word] for word in ("name", "log", "records", "wire", "expectations")
        }
        assert now["findings"] == then["findings"]


def test_a_log_that_was_cut_since_is_no_proof(embedded_broker: str, ackdrop: Any, library: Any, tmp_path: Path) -> None:
    kafka = library("kafka")
    first = ackdrop("run", "lost-ack-disconnect", "--bootstrap", embedded_broker, "--keep")
    assert first.code == 0, first.err
    (folder,) = (tmp_path / "ackdrop-runs").iterdir()
    topic = first.report["arms"][1]["findings"][0]["places"][0]["topic"]
    admin = kafka.KafkaAdminClient(bootstrap_servers=embedded_broker)
    admin.delete_records({kafka.TopicPartition(topic, 0): 2})
    admin.close()
    again = ackdrop("verify", "--bootstrap", embedded_broker, "--run", str(folder))
    assert (again.code, again.report["verdict"]) == (3, "inconclusive")
    gone = [reason["text"] for reason in again.report["reasons"] if reason["code"] == "log-gone"]
    assert gone
    assert "starts at 2: 2 records are gone" in gone[0]
