"""Captures of real clients that lost an ack: ackdrop's own and tcpdump's of the same traffic tell the same story."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ackdrop.capture.reading.verdicts import verdict

from ..capture.reading.reading_of import Read

pytestmark = pytest.mark.integration

PATIENCE = 60.0
Tool = Callable[[str], str]


@contextmanager
def tcpdump(file: Path) -> Iterator[None]:
    """All TCP on loopback, until the end of the block; skips where this may not be captured. Other tests send a lot
    there, so packets need room (64 MiB) until tcpdump has time for them, and are cut behind what ours are long."""
    program = shutil.which("tcpdump")
    if program is None:
        pytest.skip("tcpdump is not installed: apt-get install tcpdump")
    how = ["-s", "4096", "-B", "65536", "-U", "--immediate-mode", "-Z", "root"]
    command = [program, "-i", "lo", *how, "-w", str(file), "tcp"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        while said and "listening on" not in said:
            if "permission" in said.lower() or "Operation not permitted" in said:
                pytest.skip(f"no right to capture on loopback: {said.strip()}")
            said = process.stderr.readline()
        assert said, "tcpdump has ended"
        yield
        _pass_by(file)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def _pass_by(file: Path) -> None:
    """Send something of our own, and wait until the capture has it: then it has all that came before."""
    mark = b"ackdrop: all that was before this is captured " + os.urandom(8).hex().encode()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        ours.sendall(mark)
        reached = threading.Event()
        watch = threading.Thread(target=_watch, args=(file, mark, reached), daemon=True)
        watch.start()
        assert reached.wait(PATIENCE)
        watch.join()


def _watch(file: Path, mark: bytes, reached: threading.Event) -> None:
    seen = b""
    with file.open("rb") as capture:
        while mark not in seen:
            seen = seen[-len(mark) :] + capture.read()
            time.sleep(0.01)  # that it was written tells nobody
    reached.set()


@dataclass(frozen=True, slots=True)
class Captured:
    """A run of `lost-ack-disconnect`: its report, its own capture, and what tcpdump saw of it."""

    report: Any
    own: Path
    foreign: Path

    def words(self, read: Read) -> dict[str, str]:
        """Arm → the verdict on its retry; others capture on loopback, too, so only our topics count."""
        names = {each.said.topics[0][0] for each in Read(self.own).frames if each.api == "produce"}
        return {
            chain.attempts[0].client_id.removeprefix("ackdrop-"): verdict(chain).word
            for chain in read.chains
            if chain.attempts[0].topic in names
        }


@pytest.fixture(scope="module", params=["kafka-python", "confluent-kafka"])
def captured(
    request: pytest.FixtureRequest, embedded_broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Captured:
    folder = tmp_path_factory.mktemp("captured")
    own, foreign, report = folder / "own.pcapng", folder / "lo.pcap", folder / "report.json"
    command = [sys.executable, "-m", "ackdrop", "run", "lost-ack-disconnect", "--bootstrap", embedded_broker]
    command += ["--producer", request.param, "--capture", str(own), "--json", str(report), "--quiet"]
    with tcpdump(foreign):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return Captured(json.loads(report.read_text()), own, foreign)


def test_our_own_capture_tells_what_the_run_has_found(captured: Captured) -> None:
    read = Read(captured.own)
    assert captured.words(read) == {"off": "duplicate", "on": "deduplicated"}
    assert (read.summary.own, read.holes, read.summary.missing) == (True, [], 0)
    for arm in captured.report["arms"]:
        chains = [chain for chain in read.chains if chain.attempts[0].where.arm == arm["name"]]
        (chain,) = chains
        first, again = chain.attempts
        assert [fault.name for fault in first.faults] == ["close in place of the third ack"]
        assert [fault.does for fault in first.faults] == ["drop"]
        assert (first.fate, again.fate) == ("unacknowledged", "acknowledged")
        (finding,) = [each for each in arm["findings"] if each["kind"] in ("duplicate", "deduplicated")]
        assert [(line["connection"], line["correlation_id"]) for line in finding["attempts"]] == [
            (attempt.where.connection, attempt.correlation_id) for attempt in chain.attempts
        ]
        assert [line["base_offset"] for line in finding["attempts"]] == [first.base_offset, again.base_offset]
    told = [
        each for each in read.frames if each.api == "produce" and each.way == "request" and each.where.hop == "client"
    ]
    assert len(told) == sum(arm["wire"]["produce_requests"] for arm in captured.report["arms"])


def test_tcpdump_beside_the_proxy_tells_the_same(captured: Captured) -> None:
    assert captured.words(Read(captured.foreign)) == {"off": "duplicate", "on": "deduplicated"}


def ports(captured: Captured) -> set[str]:
    """Those on which ackdrop listened for the clients."""
    opened = Read(captured.own).opened
    return {each.broker.rpartition(":")[2] for each in opened if each.where.hop == "client"}


def test_the_clients_side_alone_cannot_tell_what_the_broker_did(captured: Captured, tmp_path: Path) -> None:
    file, wanted = tmp_path / "client.pcap", " or ".join(f"port {port}" for port in ports(captured))
    subprocess.run(["tcpdump", "-r", captured.foreign, "-w", file, wanted], check=True, capture_output=True)
    assert captured.words(Read(file)) == {"off": "cannot-tell", "on": "protected"}


@pytest.mark.parametrize("options", [["-F", "pcap"], ["-F", "nsecpcap"], ["-F", "pcapng"], ["-s", "400"], ["-D", "9"]])
def test_what_editcap_makes_of_it_tells_the_same(
    captured: Captured, options: list[str], tmp_path: Path, tool: Tool
) -> None:
    file = tmp_path / "edited"
    subprocess.run([tool("editcap"), *options, captured.foreign, file], check=True, capture_output=True)
    assert captured.words(Read(file)) == {"off": "duplicate", "on": "deduplicated"}


def test_parts_that_are_packed_or_merged_tell_the_same(captured: Captured, tmp_path: Path, tool: Tool) -> None:
    subprocess.run([tool("editcap"), "-c", "150", captured.foreign, tmp_path / "part"], check=True)
    parts = sorted(tmp_path.glob("part*"))
    assert len(parts) > 1
    assert captured.words(Read(*parts)) == {"off": "duplicate", "on": "deduplicated"}
    merged = tmp_path / "merged.pcapng"
    subprocess.run([tool("mergecap"), "-w", merged, *reversed(parts)], check=True)
    (tmp_path / "merged.gz").write_bytes(gzip.compress(merged.read_bytes()))
    assert captured.words(Read(tmp_path / "merged.gz")) == {"off": "duplicate", "on": "deduplicated"}


def test_the_command_ends_with_1_for_the_duplicate(captured: Captured) -> None:
    command = [sys.executable, "-m", "ackdrop", "capture", "show", "--retries", str(captured.own)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, "")
    assert "DUPLICATE in the log" in done.stdout
    assert 'drop: "close in place of' in " ".join(done.stdout.split())
