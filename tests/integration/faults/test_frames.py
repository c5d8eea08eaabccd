"""Every fault on frames, done to a real client before the real broker, as both sides of ackdrop see it.

The client is kafka-python, run by `ackdrop run`, one record a request. A relay of the test's own
stands in front of ackdrop and another one behind it: what passed each of them has to agree with the ledger, and with
what the fault says that it does.
"""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ackdrop.environment import inherited
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request, parse_response

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 4
DEADLINE = 60.0
RECORDS = 8
RECORD = re.compile(rb"ackdrop.[0-9a-f]{8}/p1/([0-9]+)/", re.DOTALL)
THIRD = {"nth": 3}
METADATA, INIT_PRODUCER_ID = 3, 22

FAULTS: dict[str, dict[str, Any]] = {
    "drop-request": {"at": "produce.request", "do": {"drop": {}}},
    "drop-answer": {"at": "produce.response", "do": {"drop": {}}},
    "delay-request": {"at": "produce.request", "do": {"delay": {"for": "300ms"}}},
    "delay-answer": {"at": "produce.response", "do": {"delay": {"for": "300ms"}}},
    "error-request": {"at": "produce.request", "do": {"error": {"code": "NOT_LEADER_OR_FOLLOWER"}}},
    "error-answer": {"at": "produce.response", "do": {"error": {"code": "REQUEST_TIMED_OUT"}}},
    "truncate-request": {"at": "produce.request", "do": {"truncate": {"bytes": "40B"}}},
    "truncate-answer": {"at": "produce.response", "do": {"truncate": {"bytes": "10B"}}},
    "corrupt-crc": {"at": "produce.request", "do": {"corrupt": {"field": "crc"}}},
    "corrupt-answer": {"at": "produce.response", "do": {"corrupt": {"field": "correlation_id"}}},
    "duplicate": {"at": "produce.request", "do": {"duplicate": {"times": 2}}},
    "late": {"at": "produce.request", "do": {"late": {"release": "retried"}}},
    "reorder": {"at": "produce.request", "do": {"reorder": {}}},
    "rewrite": {"at": "produce.request", "do": {"rewrite": {"acks": 1, "timeout_ms": 4321}}},
    "other-copies": {"at": "init_producer_id.request", "when": {"nth": 1}, "do": {"duplicate": {"times": 2}}},
    "other-copy-alone": {"at": "metadata.request", "when": {"nth": 2}, "do": {"duplicate": {"connection": "new"}}},
    "other-late": {"at": "init_producer_id.request", "when": {"nth": 1}, "do": {"late": {"release": "400ms"}}},
}
RETRIED = {
    *("drop-request", "drop-answer", "error-request", "error-answer", "truncate-request", "truncate-answer"),
    *("corrupt-answer", "late"),
}
SILENT = {"drop-request", "drop-answer", "corrupt-answer", "late"}
"""Where a request is left without an answer: the client is to wait for it no longer than a second."""

WITHOUT_IDEMPOTENCE = {"corrupt-crc", "reorder"}
"""Where kafka-python goes on after an error that it does not retry, and where it has several requests in flight."""

FAILED = {"corrupt-crc": 1}
"""Records of which the client is told that they failed: CORRUPT_MESSAGE (2) is final for kafka-python."""


@dataclass(frozen=True, slots=True)
class Produce:
    """A produce request that passed: when its last byte did, and what stands in it. `answer` is the error of the
    answer that passed in the other direction, with the time; None without one."""

    at: float
    frame: bytes
    correlation: int
    acks: int
    timeout: int
    records: tuple[bytes, ...]
    answer: tuple[float, int] | None


@dataclass(frozen=True, slots=True)
class Ran:
    """A run, and what passed in front of ackdrop and behind it. `attempts` are the ledger's."""

    exit_code: int
    said: str
    arm: dict[str, Any]
    front: list[Any]
    back: list[Any]
    attempts: list[sqlite3.Row]
    events: list[dict[str, Any]]

    @property
    def asked(self) -> list[Produce]:
        """The client's requests, in front."""
        return produces(self.front)

    @property
    def forwarded(self) -> list[Produce]:
        """What the broker was asked."""
        return produces(self.back)

    @property
    def hit(self) -> tuple[sqlite3.Row, Produce]:
        """The attempt on which the fault fired, and the same one in front."""
        (row,) = [row for row in self.attempts if row["number"] == 3 and not row["injected"]]
        return row, self.asked[2]


def whole(way: Any) -> Iterator[tuple[float, bytes]]:
    """A way's whole frames, each with the time of its last byte."""
    data, at = way.data, 0
    while at + 4 <= len(data):
        end = at + 4 + struct.unpack_from(">i", data, at)[0]
        if end > len(data):
            return
        yield way.arrived(end), data[at:end]
        at = end


def requests(passed: list[Any], key: int) -> list[tuple[float, bytes]]:
    """The requests of an API on these connections, by time."""
    frames = (found for each in passed for found in whole(each.up))
    return sorted((at, frame) for at, frame in frames if request_header(frame).api_key == key)


def produces(passed: list[Any]) -> list[Produce]:
    """The produce requests of these connections, by time."""
    found = []
    for each in passed:
        answers: dict[int, list[tuple[float, bytes]]] = {}
        for at, frame in whole(each.down):
            answers.setdefault(struct.unpack_from(">i", frame, 4)[0], []).append((at, frame))
        for at, frame in whole(each.up):
            header = request_header(frame)
            if header.api_key != 0:
                continue
            request = parse_request(frame, header)
            told = next(iter(answers.get(header.correlation_id, ())), None)
            if told is not None and each.up.ended is not None and told[0] > each.up.ended[0]:
                told = None  # nobody is there any more to read it
            error = None if told is None else (told[0], parse_response(told[1], header.api_version)[0].error)
            records = tuple(RECORD.findall(frame))
            found.append(Produce(at, frame, header.correlation_id, request.acks, request.timeout_ms, records, error))
    return sorted(found, key=lambda each: each.at)


def start(name: str, bootstrap: str, front: Any, back: Any, folder: Path) -> Ran:
    arm = "off" if name in WITHOUT_IDEMPOTENCE else "on"
    scenario = {
        "version": 1,
        "title": name,
        "control": "none",
        "workload": {
            "producer": "kafka-python",
            "records": RECORDS,
            # What is sent while a client still connects goes into one request: two have to be on their way here.
            "rate": "5/s" if name == "reorder" else "30/s",
            "pipelined": name == "reorder",
            "config": {
                "acks": "all",
                "retries": 10,
                "request_timeout": "1s" if name in SILENT else "15s",
                "delivery_timeout": "20s",
                "max_in_flight": 5,
                "linger": "0ms",
                "retry_backoff": "50ms",
            },
            "client_config": {"socks5_proxy": f"socks5://{front.address}"},
            "deadline": "40s",
        },
        "arms": [{"name": arm, "idempotence": arm == "on"}],
        "faults": [{"name": name, "when": THIRD, **FAULTS[name]}],
        "expect": {arm: {"duplicates": 0, "lost": 0}},
    }
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(scenario))
    command = [sys.executable, "-m", "ackdrop", "run", str(file), "--bootstrap", back.address]
    command += ["--map", f"{bootstrap}={back.address}", "--json", str(folder / "result.json")]
    command += ["--out", str(folder / "runs")]
    done = subprocess.run(
        command,
        cwd=folder,
        env=inherited(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (folder / "result.json").exists(), done.stdout + done.stderr
    (run,) = (folder / "runs").iterdir()
    (arm,) = json.loads((folder / "result.json").read_text())["arms"]
    ledger = sqlite3.connect(run / "ledger.db")
    ledger.row_factory = sqlite3.Row
    try:
        attempts = ledger.execute("SELECT * FROM attempts ORDER BY number").fetchall()
    finally:
        ledger.close()
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return Ran(done.returncode, done.stdout + done.stderr, arm, front.passed, back.passed, attempts, events)


@pytest.fixture(scope="module")
def runs(
    embedded_broker: str, recorders: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Ran]]]:
    host, _, port = embedded_broker.rpartition(":")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {
            name: pool.submit(
                start, name, embedded_broker, recorders(), recorders((host, int(port))), tmp_path_factory.mktemp(name)
            )
            for name in FAULTS
        }


@pytest.fixture
def ran(runs: dict[str, Future[Ran]]) -> Callable[[str], Ran]:
    return lambda name: runs[name].result(4 * DEADLINE)


@pytest.mark.parametrize("name", FAULTS)
def test_the_client_gets_over_it(ran: Callable[[str], Ran], name: str) -> None:
    done = ran(name)
    assert done.exit_code == 0, done.said
    good = RECORDS - FAILED.get(name, 0)
    assert (done.arm["records"]["acked"], done.arm["log"]["distinct"]) == (good, good)
    assert (done.arm["log"]["duplicates"], done.arm["log"]["lost"]) == (0, 0)
    (fault,) = done.arm["wire"]["faults"]
    assert fault["fired"] == 1
    assert (done.arm["wire"]["retries"] > 0) == (name in RETRIED)


@pytest.mark.parametrize("name", FAULTS)
def test_the_ledger_agrees_with_what_passed_on_both_sides(ran: Callable[[str], Ran], name: str) -> None:
    done = ran(name)
    assert len(done.asked) == sum(not row["injected"] for row in done.attempts)
    assert len(done.forwarded) == sum(row["forwarded_at"] is not None for row in done.attempts)
    answered = [each for each in done.forwarded if each.answer is not None]
    assert len(answered) == sum(row["answered_at"] is not None for row in done.attempts)
    told = [each for each in done.asked if each.answer is not None]
    assert len(told) == sum(row["ack"] in ("delivered", "delayed") for row in done.attempts)
    untouched = {each.frame for each in done.forwarded} - {each.frame for each in done.asked}
    assert len(untouched) == (name in ("corrupt-crc", "rewrite"))


def test_a_dropped_request_never_reaches_the_broker(ran: Callable[[str], Ran]) -> None:
    done = ran("drop-request")
    row, asked = done.hit
    assert (row["forwarded_at"], row["ack"], asked.answer) == (None, "none", None)
    assert asked.frame not in [each.frame for each in done.forwarded]
    assert [each.records for each in done.asked].count(asked.records) == 2
    assert [each.records for each in done.forwarded].count(asked.records) == 1


def test_a_dropped_answer_has_left_the_broker(ran: Callable[[str], Ran]) -> None:
    done = ran("drop-answer")
    row, asked = done.hit
    assert (row["error"], row["ack"], asked.answer) == (0, "dropped", None)
    behind = [each for each in done.forwarded if each.records == asked.records]
    assert [each.answer is not None and each.answer[1] for each in behind] == [0, 0]
    before = done.asked[1].answer  # the client asks only after it
    assert before is not None
    assert behind[1].at - before[0] >= 0.99


def test_a_delayed_request_and_a_delayed_answer(ran: Callable[[str], Ran]) -> None:
    for name in ("delay-request", "delay-answer"):
        done = ran(name)
        _, near = done.hit
        (far,) = [each for each in done.forwarded if each.frame == near.frame]
        assert near.answer is not None
        assert far.answer is not None
        there, back = far.at - near.at, near.answer[0] - far.answer[0]
        assert (there if name == "delay-request" else back) >= 0.29


def test_an_error_at_a_request_is_answered_without_the_broker(ran: Callable[[str], Ran]) -> None:
    done = ran("error-request")
    row, asked = done.hit
    assert (row["forwarded_at"], row["error"], row["seen_error"], asked.answer and asked.answer[1]) == (
        None,
        None,
        6,
        6,
    )
    assert [each.records for each in done.forwarded].count(asked.records) == 1


def test_an_error_at_an_answer_replaces_a_success(ran: Callable[[str], Ran]) -> None:
    done = ran("error-answer")
    row, asked = done.hit
    assert (row["error"], row["seen_error"], asked.answer and asked.answer[1]) == (0, 7, 7)
    assert [each.answer and each.answer[1] for each in done.forwarded if each.records == asked.records] == [0, 0]


@pytest.mark.parametrize(("name", "size"), [("truncate-request", 40), ("truncate-answer", 10)])
def test_a_truncated_frame_is_the_last_of_its_connection(ran: Callable[[str], Ran], name: str, size: int) -> None:
    done = ran(name)
    near = next(each for each in done.front if done.hit[1].frame in each.up.data)
    before = near.up.data[: near.up.data.index(done.hit[1].frame)]
    far = next(each for each in done.back if each.up.data.startswith(before) and len(each.up.data) > len(before))
    data, way = (far.up.data, far.up) if name == "truncate-request" else (near.down.data, near.down)
    read = sum(len(frame) for _, frame in whole(way))
    assert len(data) - read == size
    if name == "truncate-request":
        assert done.hit[1].frame.startswith(data[read:])
    assert near.down.ended[1] == "fin"
    assert far.up.ended[1] == "fin"


def test_a_wrong_check_sum_is_refused_by_the_broker(ran: Callable[[str], Ran]) -> None:
    done = ran("corrupt-crc")
    row, near = done.hit
    (far,) = [each for each in done.forwarded if each.frame not in {one.frame for one in done.asked}]
    places = [at for at, (one, other) in enumerate(zip(near.frame, far.frame, strict=True)) if one != other]
    assert 1 <= len(places) <= 4
    assert struct.pack(">I", row["crc"]) == near.frame[places[0] : places[0] + 4]
    assert (row["error"], far.answer and far.answer[1], near.answer and near.answer[1]) == (2, 2, 2)


def test_an_answer_with_another_correlation_id_is_none(ran: Callable[[str], Ran]) -> None:
    done = ran("corrupt-answer")
    row, asked = done.hit
    assert (row["error"], row["ack"], asked.answer) == (0, "dropped", None)
    (near,) = [each for each in done.front if asked.frame in each.up.data]
    ids = [struct.unpack_from(">i", frame, 4)[0] for _, frame in whole(near.down)]
    assert asked.correlation ^ 0x40000000 in ids


def test_copies_reach_the_broker_and_their_answers_nobody(ran: Callable[[str], Ran]) -> None:
    done = ran("duplicate")
    _, asked = done.hit
    assert [each.frame for each in done.forwarded].count(asked.frame) == 3
    assert [each.frame for each in done.asked].count(asked.frame) == 1
    copies = [row for row in done.attempts if row["injected"]]
    assert [(row["error"], row["ack"]) for row in copies] == [(0, "none")] * 2
    assert len({row["base_offset"] for row in [*copies, done.hit[0]]}) == 1
    (near,) = [each for each in done.front if asked.frame in each.up.data]
    assert [struct.unpack_from(">i", frame, 4)[0] for _, frame in whole(near.down)].count(asked.correlation) == 1


def test_a_late_request_comes_after_its_retry_was_acked(ran: Callable[[str], Ran]) -> None:
    done = ran("late")
    row, asked = done.hit
    first, again = [each for each in done.asked if each.records == asked.records]
    retry, late = [each for each in done.forwarded if each.records == asked.records]
    assert (retry.frame, late.frame) == (again.frame, first.frame)
    assert retry.answer is not None
    assert again.answer is not None
    assert late.at > retry.answer[0]
    assert (row["released"], row["error"], row["ack"], first.answer) == ("retried", 0, "none", None)


def test_two_requests_change_places(ran: Callable[[str], Ran]) -> None:
    done = ran("reorder")
    _, asked = done.hit
    order = [each.frame for each in done.forwarded]
    near = [each.frame for each in done.asked]
    first = near.index(asked.frame)
    assert order == [*near[:first], near[first + 1], near[first], *near[first + 2 :]]
    answers = [each.answer[0] for each in done.asked[first : first + 2] if each.answer is not None]
    assert answers == sorted(answers)


def test_a_rewritten_request_asks_for_something_else(ran: Callable[[str], Ran]) -> None:
    done = ran("rewrite")
    _, near = done.hit
    (far,) = [each for each in done.forwarded if each.frame not in {one.frame for one in done.asked}]
    assert (near.acks, far.acks, far.timeout) == (-1, 1, 4321)
    assert (near.records, len(near.frame)) == (far.records, len(far.frame))
    assert near.answer is not None
    assert near.answer[1] == 0


def events(done: Ran) -> list[dict[str, Any]]:
    """What became of the requests without batches that the fault has sent."""
    return [line for line in done.events if line["event"] == "dispatched"]


def test_copies_of_another_request_reach_the_broker_and_their_answers_nobody(ran: Callable[[str], Ran]) -> None:
    done = ran("other-copies")
    first = requests(done.front, INIT_PRODUCER_ID)[0][1]
    assert [frame for _, frame in requests(done.front, INIT_PRODUCER_ID)].count(first) == 1
    assert [frame for _, frame in requests(done.back, INIT_PRODUCER_ID)].count(first) == 3
    (near,) = [each for each in done.front if first in each.up.data]
    (far,) = [each for each in done.back if first in each.up.data]
    answers = [[frame for _, frame in whole(way) if frame[4:8] == first[8:12]] for way in (near.down, far.down)]
    assert (len(answers[0]), len(answers[1])) == (1, 3)
    assert answers[0][0] == answers[1][0]
    assert [(line["api"], line["kind"], line["sent"]) for line in events(done)] == [
        ("init_producer_id", "copy", True)
    ] * 2


def test_a_copy_of_another_request_on_a_connection_of_its_own(ran: Callable[[str], Ran]) -> None:
    done = ran("other-copy-alone")
    second = requests(done.front, METADATA)[1][1]
    alone = [each for each in done.back if each.up.data == second]
    assert len(alone) == 1
    ((_, answer),) = whole(alone[0].down)
    assert answer[4:8] == second[8:12]
    (line,) = events(done)
    assert (line["api"], line["kind"], line["sent"]) == ("metadata", "copy", True)


def test_another_request_that_is_late(ran: Callable[[str], Ran]) -> None:
    done = ran("other-late")
    asked_at, first = requests(done.front, INIT_PRODUCER_ID)[0]
    (came_at,) = [at for at, frame in requests(done.back, INIT_PRODUCER_ID) if frame == first]
    assert came_at - asked_at >= 0.39
    (line,) = events(done)
    assert (line["api"], line["kind"], line["sent"]) == ("init_producer_id", "late", True)
