"""Every fault at `connection`, done to a real client before the real broker, as both sides of ackdrop see it.

The client is kafka-python, run by `ackdrop run`. A relay of the test's own stands in front of ackdrop and another one
behind it: what passed each of them, and when, has to agree with the ledger, and with what the fault says that it does.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ackdrop.environment import inherited

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 4
DEADLINE = 60.0
RECORDS = 20

FAULTS: dict[str, dict[str, Any]] = {
    "disconnect": {"when": {"after": "300ms"}, "do": {"disconnect": {}}},
    "reset": {"when": {"after": "300ms"}, "do": {"reset": {}}},
    "refuse": {"when": {"nth": 2}, "do": {"refuse": {"for": "400ms"}}},
    "blackhole": {"when": {"after": "300ms"}, "do": {"blackhole": {"for": "2500ms"}}},
    "throttle": {"do": {"throttle": {"rate": "4KiB/s"}}},
    "latency": {"do": {"latency": {"for": "100ms"}}},
    "slice": {"do": {"slice": {"bytes": "16B", "every": "3ms"}}},
}
SILENT = {"blackhole"}
"""Where a request is left without an answer: the client is to wait for it no longer than a second."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request or an answer of a stream: when its first and its last byte passed."""

    begun: float
    at: float
    api: int
    correlation: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ran:
    """A run, and what passed in front of ackdrop and behind it. `connections` and `attempts` are the ledger's."""

    exit_code: int
    said: str
    arm: dict[str, Any]
    front: list[Any]
    back: list[Any]
    connections: list[sqlite3.Row]
    attempts: list[sqlite3.Row]

    def of(self, connection: sqlite3.Row) -> Any:
        """What passed in front on a connection that the ledger tells of."""
        (found,) = [each for each in self.front if f"127.0.0.1:{each.port}" == connection["peer"]]
        return found

    def behind(self, front: Any) -> Any:
        """The same connection behind ackdrop: the one that carried the same requests, but for one that came when it had
        ended."""
        found = [each for each in self.back if each.up.data and front.up.data.startswith(each.up.data)]
        assert found
        return max(found, key=lambda each: len(each.up.data))

    @property
    def ended(self) -> list[sqlite3.Row]:
        """The connections that the fault has ended."""
        return [row for row in self.connections if row["closed_by"] == "ackdrop" and row["closed_reason"] == "fault"]

    @property
    def fired(self) -> int:
        (fault,) = self.arm["wire"]["faults"]
        return int(fault["fired"])


def frames(way: Any, *, requests: bool) -> list[Frame]:
    """A way's whole frames; an answer's API is -1."""
    data, at, found = way.data, 0, []
    while at + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if at + 4 + size > len(data):
            break
        begun, end = way.arrived(at + 1), way.arrived(at + 4 + size)
        head = (
            struct.unpack_from(">hhi", data, at + 4) if requests else (-1, 0, *struct.unpack_from(">i", data, at + 4))
        )
        found.append(Frame(begun, end, head[0] if requests else -1, head[-1], data[at : at + 4 + size]))
        at += 4 + size
    return found


def produces(passed: list[Any]) -> list[Frame]:
    return [frame for each in passed for frame in frames(each.up, requests=True) if frame.api == 0]


def told(passed: list[Any]) -> int:
    """How many answers to produce requests passed while their client was still there."""
    count = 0
    for each in passed:
        asked = {frame.correlation for frame in frames(each.up, requests=True) if frame.api == 0}
        answers = [frame for frame in frames(each.down, requests=False) if frame.correlation in asked]
        count += sum(each.up.ended is None or frame.at < each.up.ended[0] for frame in answers)
    return count


def start(name: str, bootstrap: str, front: Any, back: Any, folder: Path) -> Ran:
    scenario = {
        "version": 1,
        "title": name,
        "control": "none",
        "workload": {
            "producer": "kafka-python",
            "records": RECORDS,
            "rate": "12/s",
            "pipelined": False,
            "config": {
                "acks": "all",
                "retries": 10,
                "request_timeout": "1s" if name in SILENT else "15s",
                "delivery_timeout": "20s",
            },
            "client_config": {"socks5_proxy": f"socks5://{front.address}"},
            "deadline": "40s",
        },
        "arms": [{"name": "on", "idempotence": True}],
        "faults": [{"name": name, "at": "connection", **FAULTS[name]}],
        "expect": {"on": {"duplicates": 0, "lost": 0}},
    }
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(scenario))
    command = [sys.executable, "-m", "ackdrop", "run", str(file), "--bootstrap", back.address]
    command += [
        "--map",
        f"{bootstrap}={back.address}",
        "--json",
        str(folder / "result.json"),
        "--out",
        str(folder / "runs"),
    ]
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
        connections = ledger.execute("SELECT * FROM connections ORDER BY connection").fetchall()
        attempts = ledger.execute("SELECT * FROM attempts ORDER BY number").fetchall()
    finally:
        ledger.close()
    return Ran(done.returncode, done.stdout + done.stderr, arm, front.passed, back.passed, connections, attempts)


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
    return lambda name: runs[name].result(2 * DEADLINE)


@pytest.mark.parametrize("name", FAULTS)
def test_the_client_gets_over_it(ran: Callable[[str], Ran], name: str) -> None:
    done = ran(name)
    assert done.exit_code == 0, done.said
    assert (done.arm["records"]["acked"], done.arm["log"]["distinct"]) == (RECORDS, RECORDS)
    assert (done.arm["log"]["duplicates"], done.arm["log"]["lost"]) == (0, 0)
    assert done.fired >= 1


@pytest.mark.parametrize("name", FAULTS)
def test_the_ledger_agrees_with_what_passed_on_both_sides(ran: Callable[[str], Ran], name: str) -> None:
    done = ran(name)
    # A client may send its next request, one at a time, just as its connection ends.
    assert 0 <= len(produces(done.front)) - len(done.attempts) <= len(done.ended)
    assert len(produces(done.back)) == sum(row["forwarded_at"] is not None for row in done.attempts)
    assert told(done.front) == sum(row["ack"] in ("delivered", "delayed") for row in done.attempts)
    answered = sum(len(frames(each.down, requests=False)) for each in done.back if produces([each]))
    assert answered >= sum(row["answered_at"] is not None for row in done.attempts)
    assert {row["peer"] for row in done.connections} == {f"127.0.0.1:{each.port}" for each in done.front}


@pytest.mark.parametrize(("name", "how"), [("disconnect", "fin"), ("reset", "reset")])
def test_all_connections_end_at_the_moment(ran: Callable[[str], Ran], name: str, how: str) -> None:
    done = ran(name)
    ended = done.ended
    assert len(ended) == done.fired >= 1
    assert {row["closed_how"] for row in ended} == {how}
    first = produces(done.front)[0].at
    for row in ended:
        at, seen = done.of(row).down.ended
        assert seen == how
        assert at - first >= 0.25
        assert any(later.at > at for later in produces(done.front))
        behind = done.behind(done.of(row))
        assert behind.up.ended[1] == how
    assert len(done.connections) > len(ended)
    assert [row["closed_how"] for row in done.connections if row not in ended].count("reset") == 0


def test_a_refused_connection_never_reaches_the_broker(ran: Callable[[str], Ran]) -> None:
    done = ran("refuse")
    refused = [row for row in done.connections if row["closed_reason"] == "fault"]
    assert len(refused) == done.fired >= 1
    assert refused[0]["connection"] == 2
    for row in refused:
        assert (row["closed_by"], row["closed_how"]) == ("ackdrop", "reset")
        passed = done.of(row)
        assert passed.down.data == b""
        assert passed.down.ended[1] == "reset"
    reached = [each.up.data for each in done.back if each.up.data]
    kept = [done.of(row).up.data for row in done.connections if row not in refused]
    assert all(data in reached for data in kept)
    assert len(kept) == len(done.connections) - len(refused)


def test_in_a_blackhole_nothing_passes_and_then_all_does(ran: Callable[[str], Ran]) -> None:
    done = ran("blackhole")
    first = produces(done.front)[0].at
    through = [at for each in done.front for at, _ in each.down.chunks]
    through += [at for each in done.back for at, data in each.up.chunks if any(data in f.up.data for f in done.front)]
    dark, light = max(pairwise(sorted(through)), key=lambda pause: pause[1] - pause[0])
    assert light - dark >= 2.2
    assert light - first >= 2.75
    assert [at for each in done.front for at, _ in each.up.chunks if dark < at < light]
    retries = [row for row in done.attempts if row["retry_of"] is not None]
    assert retries
    first_of = {row["number"]: row for row in done.attempts}
    for row in retries:
        assert first_of[row["retry_of"]]["ack"] in ("withheld", "none")
    assert all(row["forwarded_at"] is not None for row in done.attempts)


def test_a_throttled_connection_carries_no_more_than_its_rate(ran: Callable[[str], Ran]) -> None:
    done = ran("throttle")
    rate, burst = 4096.0, 4096 / 20
    busy = 0.0
    for front in done.front:
        for way in (done.behind(front).up, front.down):
            count = 0
            for at, data in way.chunks:
                count += len(data)
                assert count <= rate * (at - front.opened + 0.1) + burst
            busy += count / rate
    assert busy > 1.0
    assert len(produces(done.back)) == len(produces(done.front))


def test_latency_is_in_each_direction(ran: Callable[[str], Ran]) -> None:
    done = ran("latency")
    ups: list[float] = []
    downs: list[float] = []
    for front in done.front:
        back = done.behind(front)
        for near, far in zip(frames(front.up, requests=True), frames(back.up, requests=True), strict=True):
            assert near.data == far.data
            ups.append(far.at - near.at)
        ways = zip(frames(front.down, requests=False), frames(back.down, requests=False), strict=False)
        for near, far in ways:
            assert near.correlation == far.correlation
            downs.append(near.at - far.at)
    for delays in (ups, downs):
        assert 0.095 <= min(delays) <= 0.6  # any of them may take longer, but not all


def test_slices_are_small_and_complete(ran: Callable[[str], Ran]) -> None:
    done = ran("slice")
    for front in done.front:
        back = done.behind(front)
        for way in (back.up, front.down):
            assert len(way.data) / 16 <= way.segments < len(way.data)
        for near, far in zip(frames(front.up, requests=True), frames(back.up, requests=True), strict=True):
            pieces = -(-len(near.data) // 16)
            assert far.at - near.begun >= 0.002 * (pieces - 1)
