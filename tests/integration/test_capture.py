"""Captures of real traffic, judged by tshark: what its own Kafka dissector reads is held against the ledger.

tshark 4.0 knows Produce up to version 8, and others up to versions of that time. The client here speaks such versions;
of newer ones it reads the header, and may call the rest malformed.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ackdrop.capture.comments import parse
from ackdrop.kafka.apis import API_NAMES

from ..pcapng_files import fields, read, tool

pytestmark = pytest.mark.integration

PATIENCE = 20.0
FAULT = 'lose the "third" ack'
SCENARIO = f"""
version: 1
title: The third ack is lost
workload: {{records: 12}}
faults:
  - name: '{FAULT}'
    at: produce.response
    match: {{attempt: first}}
    when: {{nth: 3}}
    do: {{drop: {{then: reset}}}}
"""
SECRET = "Zq7Kx9PwLm3TyRv5"

ADDRESS = ["ip.src", "tcp.srcport", "ip.dst", "tcp.dstport"]
HEADER = ["kafka.api_key", "kafka.request.version", "kafka.response.version", "kafka.correlation_id", "kafka.client_id"]
BATCH = [
    "kafka.required_acks",
    "kafka.topic_name",
    "kafka.partition_id",
    "kafka.producer_id",
    "kafka.producer_epoch",
    "kafka.batch_base_sequence",
    "kafka.batch_last_offset_delta",
    "kafka.batch_crc",
]
ANSWER = ["kafka.error", "kafka.offset"]
FRAME = ["frame.number", "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction"]
FLAWS = ["_ws.malformed", "tcp.analysis.flags", "tcp.checksum.status", "kafka.unsupported_api_version"]
NAMES = [*FRAME, *ADDRESS, *HEADER, *BATCH, *ANSWER, *FLAWS, "_ws.col.Info", "frame.comment"]


@dataclass(frozen=True)
class Captured:
    """A run that is over: its folder, its capture as tshark reads it (frames of Kafka and others), its report."""

    folder: Path
    path: Path
    rows: list[dict[str, str]]
    report: Any

    def of(self, interface: str, *, inbound: bool) -> list[dict[str, str]]:
        """The frames of Kafka that ackdrop received or sent there."""
        rows = [row for row in self.rows if row["kafka.correlation_id"] and row["frame.interface_name"] == interface]
        rows = [each for row in rows for each in apart(row)]
        return [row for row in rows if row["frame.packet_flags_direction"][-1:] == ("1" if inbound else "2")]

    def reached(self, side: str) -> list[dict[str, Any]]:
        """The frames that the ledger tells of."""
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["event"] == "frame" and event["side"] == side]

    def ask(self, query: str) -> list[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(self.folder / "ledger.db")) as ledger:
            ledger.row_factory = sqlite3.Row
            return ledger.execute(query).fetchall()


def decoded_as(note: str) -> list[str]:
    """The options for tshark that the result names."""
    return re.findall(r"-d|tcp\.port==\d+,kafka", note)


@pytest.fixture(scope="module")
def run_of(
    embedded_broker: str, proxy_processes: Any, library: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Captured]:
    """`run_of(**config)`: seven records of a kafka-python producer through a proxy that loses the third ack."""
    tool("tshark")
    kafka = library("kafka")

    def make(**config: Any) -> Captured:
        here = tmp_path_factory.mktemp("capture")
        (here / "scenario.yaml").write_text(SCENARIO)
        path = here / "capture.pcapng"
        command = ["--bootstrap", embedded_broker, "--listen", "127.0.0.1:0", "--scenario", str(here / "scenario.yaml")]
        process = proxy_processes(*command, "--capture", str(path))
        topic = f"ackdrop-captured-{here.name.replace('_', '-')}"
        patience = {"request_timeout_ms": 5000, "delivery_timeout_ms": 20_000, "retries": 5, "client_id": "a client"}
        address = process.address()
        with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=embedded_broker)) as admin:
            admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
        with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=address, **patience, **config)) as producer:
            for number in range(7):
                producer.send(topic, b"value %d" % number, partition=0).get(PATIENCE)
        ended = process.end()
        (note,) = [note for note in ended.report["notes"] if note.startswith("The capture")]
        assert str(path) in note
        (folder,) = process.out_folder.iterdir()
        return Captured(folder, path, fields(path, NAMES, *decoded_as(note)), ended.report)

    return make


@pytest.fixture(scope="module")
def old(run_of: Callable[..., Captured]) -> Captured:
    """Of a client that speaks what brokers of 2019 spoke, as Redpanda does."""
    return run_of(api_version=(2, 2))


@pytest.fixture(scope="module")
def new(run_of: Callable[..., Captured]) -> Captured:
    """Of one that speaks the newest versions."""
    return run_of()


@pytest.fixture(params=["old", "new"])
def either(request: pytest.FixtureRequest) -> Captured:
    found: Captured = request.getfixturevalue(request.param)
    return found


def apart(row: dict[str, str]) -> Iterator[dict[str, str]]:
    """One row for each frame of Kafka, where a packet has several. They are requests without records here."""
    count = row["kafka.correlation_id"].count("|") + 1
    for number in range(count):
        values = {name: row[name].split("|") for name in HEADER}
        yield row | {name: each[number] for name, each in values.items() if len(each) == count} | {"of": str(count)}


def camel(api: str) -> str:
    return "".join(word.capitalize() for word in api.split("_"))


def test_tshark_reads_every_request_as_the_ledger_has_it(either: Captured) -> None:
    rows, reached = either.of("client", inbound=True), either.reached("request")
    peers = {row["connection"]: row["peer"] for row in either.ask("SELECT connection, peer FROM connections")}
    assert len(rows) > 12
    zero, start = float(rows[0]["frame.time_epoch"]), reached[0]["at"]
    assert [
        (
            API_NAMES[int(row["kafka.api_key"])],
            int(row["kafka.request.version"]),
            int(row["kafka.correlation_id"]),
            row["kafka.client_id"],
            f"{row['ip.src']}:{row['tcp.srcport']}",
        )
        for row in rows
    ] == [
        (each["api"], each["version"], each["correlation_id"], each["client_id"], peers[each["connection"]])
        for each in reached
    ]
    for row, each in zip(rows, reached, strict=True):
        if row["of"] == "1":  # of several, it names the last
            assert row["_ws.col.Info"].startswith(f"Kafka {camel(each['api'])} v{each['version']} Request")
    late = [
        (each["at"] - start) - (float(row["frame.time_epoch"]) - zero) for row, each in zip(rows, reached, strict=True)
    ]
    waited = [seconds for seconds in late if abs(seconds) > 1.6e-6]
    assert len(waited) <= 1  # the first produce request: until its start offset was known
    assert all(0 < seconds < PATIENCE for seconds in waited)


def test_tshark_reads_every_answer_as_the_ledger_has_it(either: Captured) -> None:
    rows, reached = either.of("broker", inbound=True), either.reached("response")
    zero, start = float(rows[0]["frame.time_epoch"]), reached[0]["at"]
    for row, each in zip(rows, reached, strict=True):
        assert int(row["kafka.correlation_id"]) == each["correlation_id"]
        assert float(row["frame.time_epoch"]) - zero == pytest.approx(each["at"] - start, abs=1.6e-6)


def test_what_came_from_one_side_went_to_the_other_but_the_lost_ack(either: Captured) -> None:
    names = ["kafka.api_key", "kafka.correlation_id"]
    for one, other, missing in (("client", "broker", 0), ("broker", "client", 1)):
        came = [tuple(row[name] for name in names) for row in either.of(one, inbound=True)]
        went = [tuple(row[name] for name in names) for row in either.of(other, inbound=False)]
        assert len(came) - len(went) == missing
    (attempt,) = either.ask("SELECT * FROM attempts WHERE ack = 'dropped'")
    lost = str(attempt["correlation_id"])
    (arrived,) = [row for row in either.of("broker", inbound=True) if FAULT.split('"')[1] in row["frame.comment"]]
    assert arrived["kafka.correlation_id"] == lost
    assert lost not in {
        row["kafka.correlation_id"]
        for row in either.of("client", inbound=False)
        if row["tcp.dstport"] == arrived["tcp.dstport"]
    }


def test_of_versions_that_it_knows_tshark_reads_what_was_produced(old: Captured) -> None:
    requests = [row for row in old.of("client", inbound=True) if row["kafka.api_key"] == "0"]
    answers = [row for row in old.of("broker", inbound=True) if row["kafka.api_key"] == "0"]
    attempts = old.ask("SELECT * FROM attempts ORDER BY number")
    assert {attempt["api_version"] for attempt in attempts} == {7}
    assert len(attempts) == 8
    assert [tuple(row[name] for name in BATCH) for row in requests] == [
        (
            str(each["acks"]),
            each["topic"],
            str(each["partition"]),
            str(each["producer_id"]),
            str(each["producer_epoch"]),
            str(each["base_sequence"]),
            str(each["records"] - 1),
            f"0x{each['crc']:08x}",
        )
        for each in attempts
    ]
    assert [(int(row["kafka.error"]), int(row["kafka.offset"])) for row in answers] == [
        (each["error"], each["base_offset"]) for each in attempts
    ]


def test_tshark_finds_no_flaw(either: Captured) -> None:
    for row in either.rows:
        assert not row["tcp.analysis.flags"], row
        assert row["tcp.checksum.status"] == "1"
        assert not row["_ws.malformed"] or newer_than_tshark(either, row), row


def newer_than_tshark(captured: Captured, row: dict[str, str]) -> bool:
    """Whether it reads something by a version that it says it does not know; the answer to that it does not know."""
    return bool(row["kafka.unsupported_api_version"]) or "Unsupported API version" in row["_ws.col.Info"]


def test_of_old_versions_nothing_is_malformed(old: Captured) -> None:
    assert [row["_ws.malformed"] for row in old.rows if row["_ws.malformed"]] == []


def test_the_comments_name_connections_faults_and_ends(either: Captured) -> None:
    packets = read(either.path.read_bytes()).packets
    told = [comment for packet in packets for line in packet.comments if (comment := parse(line))]
    connections = either.ask("SELECT * FROM connections")
    opened = [(comment.values["connection"], comment.values["side"]) for comment in told if comment.what == "opened"]
    assert sorted(opened) == sorted((row["connection"], side) for row in connections for side in ("client", "broker"))
    (fault,) = [comment for comment in told if comment.what == "fault"]
    (attempt,) = either.ask("SELECT * FROM attempts WHERE ack = 'dropped'")
    assert fault.values == {
        "fault": FAULT,
        "does": "drop",
        "connection": attempt["connection"],
        "arm": "proxy",
        "at": "produce.response",
        "api": "produce",
        "version": attempt["api_version"],
        "correlation": attempt["correlation_id"],
        "topic": attempt["topic"],
        "partition": 0,
    }
    ended = {comment.values["connection"]: comment.values for comment in told if comment.what == "ended"}
    assert {number: (each["by"], each["how"]) for number, each in ended.items()} == {
        row["connection"]: (row["closed_by"], row["closed_how"]) for row in connections
    }


def test_capinfos_has_nothing_to_complain_about(new: Captured) -> None:
    done = subprocess.run([tool("capinfos"), "-M", str(new.path)], capture_output=True, text=True, check=True)
    assert "Strict time order:   True" in done.stdout
    assert re.search(r"Capture application: ackdrop \d", done.stdout)
    assert f"Number of packets:   {len(new.rows)}" in done.stdout
