"""`ackdrop probe` as its users call it: every row on a broker of its own, on one that is given, and interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.broker.choose import choose
from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited
from ackdrop.packets import KafkaRequest, KafkaResponse
from ackdrop.probing.bench import Bench
from ackdrop.probing.cases.restarts import DAY
from ackdrop.probing.ground import Ground
from ackdrop.probing.sending import Sending

from .between import SILENCE, between
from .removal import see_gone

pytestmark = pytest.mark.integration

DEADLINE = 120
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "probe.md"

NEW, KNOWN, GAP = "appended", "deduplicated", "refused OUT_OF_ORDER_SEQUENCE_NUMBER"
STALE, BOTH = "refused INVALID_PRODUCER_EPOCH", f"{NEW} + {KNOWN}"
FENCED, ABORTABLE = "refused PRODUCER_FENCED", "refused TRANSACTION_ABORTABLE"
DONE = "done"
MEASURED = {
    "producer-ids": [DONE, DONE],
    "exact-duplicate": [NEW, KNOWN, KNOWN],
    "window": ["10 x appended", *[KNOWN] * 5, *[GAP] * 5, NEW],
    "other-payload": [NEW, KNOWN],
    "other-count": [NEW, GAP, GAP],
    "other-connection": [NEW, KNOWN],
    "two-partitions": [NEW, NEW, GAP, NEW],
    "gap": [NEW, GAP, NEW],
    "overlap": ["2 x appended", GAP, GAP, GAP, NEW],
    "wrap-around": [NEW, GAP, "refused INVALID_RECORD", NEW, KNOWN],
    "wrap-inside": [NEW, NEW, KNOWN, NEW],
    "newer-epoch": [NEW, NEW, KNOWN, STALE, STALE, NEW],
    "newer-epoch-ahead": [NEW, GAP],
    "older-epoch": [NEW, STALE, STALE, NEW],
    "unknown-producer": [NEW, KNOWN],
    "unknown-producer-ahead": [NEW, KNOWN, NEW],
    "pipelined": [BOTH, f"{NEW} + 2 x {KNOWN}"],
    "two-connections": ["2 x appended", *[BOTH] * 5],
    "acks": [NEW, KNOWN, f"no answer asked for, {NEW}", "no answer asked for, not written", NEW, *[KNOWN] * 3],
    "txn-fencing": [DONE, DONE, NEW, DONE, FENCED, STALE, STALE, FENCED, DONE, NEW, DONE],
    "txn-outside": [DONE, ABORTABLE, DONE, NEW, KNOWN, "refused INVALID_TXN_STATE", DONE],
    "txn-outside-12": [DONE, NEW, DONE],
    "txn-after-end": [DONE, DONE, NEW, DONE, STALE, STALE, ABORTABLE],
    "after-move": [],
    "after-restart": ["6 x appended", NEW, KNOWN, "restarted", KNOWN, *[GAP] * 5, NEW, NEW],
    "after-kill": ["6 x appended", "restarted", KNOWN, *[GAP] * 5, NEW],
}
"""What Apache Kafka 4.3.1 does, case by case and step by step."""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str
    json: Any
    file: Path
    markdown: str

    @property
    def effects(self) -> dict[str, list[str]]:
        return {case["name"]: [step["effect"] for step in case["steps"]] for case in self.json["cases"]}


def call(folder: Path, *arguments: str) -> Ended:
    """`ackdrop probe` with these arguments, in a process of its own, with its result in files."""
    file, page = folder / "probe.json", folder / "probe.md"
    command = [sys.executable, "-m", "ackdrop", "probe", *arguments, "--json", str(file), "--markdown", str(page)]
    command += ["--timeout", "30s"]
    environment = inherited(COLUMNS="80")
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment
    )
    assert "Traceback" not in done.stderr
    found = json.loads(file.read_text()) if file.exists() else None
    return Ended(done.returncode, done.stdout, done.stderr, found, file, page.read_text() if found else "")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A probe of a broker that it starts, restarts and kills itself."""
    return call(tmp_path_factory.mktemp("whole"), "--broker", "embedded")


@pytest.fixture
def probe(tmp_path: Path, embedded_broker: str) -> Callable[..., Ended]:
    return partial(call, tmp_path, "--bootstrap", embedded_broker)


def test_every_row(whole: Ended) -> None:
    assert whole.code == 0, whole.err
    assert whole.effects == MEASURED
    states = {case["name"]: case["state"] for case in whole.json["cases"] if case["state"] != "measured"}
    assert states == {"after-move": "left-out"}
    differing = [case["name"] for case in whole.json["cases"] for each in case["promises"] if each["kept"] is False]
    assert differing == ["window"]


def test_what_the_log_holds_is_what_was_written_and_nothing_else(whole: Ended) -> None:
    """Each batch is told once, without a hole from the first offset on."""
    for case in whole.json["cases"]:
        ends: dict[int, int] = {}
        for batch in (batch for step in case["steps"] for batch in step["wrote"]):
            assert batch["base_offset"] == ends.get(batch["partition"], 0), case["name"]
            ends[batch["partition"]] = batch["last_offset"] + 1


def test_what_is_said_at_the_top(whole: Ended) -> None:
    out = " ".join(whole.out.split())
    assert (
        "This broker remembers the last 5 batches of a producer in a partition; an older one that is sent again" in out
    )
    assert "After a restart it knows the last batch again." in out
    assert "After a restart a duplicate of records that are two days old is appended." in out
    assert "DIFFERS from Kafka: a duplicate whose original is not kept any more may be answered with" in out
    assert out.endswith("25 cases of 26 measured, 1 of them not as documented.")
    assert max(map(len, whole.out.splitlines())) <= 80
    assert "measuring: restarts" in whole.err


def test_the_document_has_the_table_of_a_run(whole: Ended) -> None:
    """`docs/probe.md` after a change: `ackdrop probe --broker embedded --markdown FILE` gives the table."""
    rows = [line for line in whole.markdown.splitlines() if line.startswith("|")]
    told = DOCUMENT.read_text(encoding="utf-8").partition("## Measured on")[2].splitlines()
    assert [line for line in told if line.startswith("|")] == rows


def test_the_document_names_cases_that_there_are() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Line by line")[2].partition("## What documents")[0]
    named = {name for line in section.splitlines() if line.startswith("|") for name in line.split("`")[1::2]}
    assert named - {"producer.id.expiration.ms"} <= set(MEASURED)
    assert len(named) > 15


def test_a_broker_of_the_users_is_not_restarted_and_nothing_has_changed(
    probe: Callable[..., Ended], whole: Ended, embedded_broker: str
) -> None:
    ended = probe("--compare", str(whole.file))
    assert ended.code == 0, ended.out
    assert "Nothing changed; 106 steps as before." in ended.out
    assert "not compared: Duplicates after a kill (not measured now" in ended.out
    away = {"after-restart": [], "after-kill": []}
    assert ended.effects == MEASURED | away
    see_gone(embedded_broker, "ackdrop-probe-")


def test_the_protocol_of_an_older_client_is_a_change(probe: Callable[..., Ended], whole: Ended) -> None:
    names = [part for name in ("window", "txn-outside") for part in ("--case", name)]
    ended = probe(
        "--at-most", "produce=7,init_producer_id=3", "--at-most", "end_txn=2", *names, "--compare", str(whole.file)
    )
    assert ended.code == 1
    spoken = {"add_partitions_to_txn": 3, "end_txn": 2, "find_coordinator": 6, "init_producer_id": 3, "produce": 7}
    assert ended.json["versions"] == spoken
    assert "before  refused TRANSACTION_ABORTABLE\n    now     refused INVALID_TXN_STATE" in ended.out
    assert "1 change; 18 steps as before." in ended.out
    assert "not compared: A gap (only in the earlier probe)" in ended.out


def taken(request: bytes, answer: bytes) -> bool:
    """Whether a batch was taken; one that comes before its new topic has a leader is sent once more."""
    told = KafkaResponse(answer, request=KafkaRequest(request))
    return bool(told.responses[0].partition_responses[0].error_code == 0)


def test_ctrl_c_keeps_what_was_seen_and_removes_the_topic(embedded_broker: str, tmp_path: Path) -> None:
    """It comes while an answer is waited for, in the second case."""

    async def interrupted() -> subprocess.CompletedProcess[bytes]:
        count = 0
        waiting = trio.Event()

        def change(api: str, version: int, request: bytes, answer: bytes) -> bytes | str:
            nonlocal count
            count += api == "produce" and taken(request, answer)
            if count > 3:
                waiting.set()
            return SILENCE if count > 3 and api == "produce" else answer

        async with between(embedded_broker, change) as here, trio.open_nursery() as nursery:
            (advertised, reached), *_ = here.mapping.items()
            mapping = f"{advertised[0]}:{advertised[1]}={reached[0]}:{reached[1]}"
            command = [sys.executable, "-m", "ackdrop", "probe", "--bootstrap", here.bootstrap, "--map", mapping]
            command += ["--json", str(tmp_path / "probe.json"), "--timeout", "60s"]
            command += ["--case", "exact-duplicate", "--case", "window", "--case", "gap"]
            process: trio.Process = await nursery.start(
                partial(trio.run_process, command, capture_stdout=True, check=False)
            )
            with trio.fail_after(DEADLINE):
                await waiting.wait()
                process.send_signal(signal.SIGINT)
                await process.wait()
            nursery.cancel_scope.cancel()
        assert process.returncode is not None
        return subprocess.CompletedProcess(command, process.returncode)

    assert trio.run(interrupted).returncode == 130
    found = json.loads((tmp_path / "probe.json").read_text())
    assert found["interrupted"]
    assert [(case["name"], case["state"], case["reason"]) for case in found["cases"]] == [
        ("exact-duplicate", "measured", None),
        ("window", "inconclusive", "interrupted"),
    ]
    see_gone(embedded_broker, "ackdrop-probe-")


async def test_old_records_are_not_known_again_once_the_broker_has_looked_for_what_is_expired() -> None:
    """No restart is needed for what `docs/probe.md` says of them; the broker looks every second here, not every ten
    minutes. What is of today is known for as long as one looks."""
    properties = {"producer.id.expiration.check.interval.ms": "1000"}
    async with (
        choose("embedded", None, False, None, print, print, properties=properties) as broker,
        Cluster.connect(broker.bootstrap) as cluster,
    ):
        name = "ackdrop-probe-old"
        await cluster.create_topic(name, 2)
        bench = Bench(Ground(cluster, name, await cluster.topic_id(name), {}, 10.0), [0, 1])
        producer = await bench.producer()
        today = Sending(producer.batch(0))
        old = Sending(producer.dated(producer.at - 2 * DAY).batch(0), partition=1)
        assert (await bench.send("today", "", today)).effect == NEW
        assert (await bench.send("old", "", old)).effect == NEW
        with trio.fail_after(20):
            while True:
                if (again := await bench.send("again", "", old)).effect != KNOWN:
                    break
                await trio.sleep(0.1)
        assert again.effect == NEW
        assert (await bench.send("still", "", today)).effect == KNOWN
        bench.close()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--case", "gapp"], 2, "did you mean gap?"),
        (["--at-most", "produce=2"], 2, "no batch has a producer id below produce=3"),
        (["--compare", __file__], 2, "is not JSON"),
        (["--bootstrap", "127.0.0.1:1"], 4, "connection refused"),
        (["--bootstrap", "192.0.2.1:9092"], 2, "--allow-remote"),
        (["--json", f"{__file__}/probe.json", "--bootstrap", "127.0.0.1:1"], 2, "cannot write"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], code: int, said: str) -> None:
    command = [sys.executable, "-m", "ackdrop", "probe", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
