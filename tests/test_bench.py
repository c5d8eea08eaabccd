"""The comparison of proxies in `tests/bench/compare`: its load is what it says, and sees what is wrong; and what
`docs/speed.md` says of it."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ackdrop.kafka.checksums import crc32c
from tests.bench.compare import figures, shown, wire
from tests.bench.compare.peers import PEERS

CORES = sorted(os.sched_getaffinity(0))
ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The load and the sink; without a compiler the test is skipped, and fails in CI."""
    try:
        return wire.built(tmp_path_factory.mktemp("wire"))
    except wire.NotThere as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def test_the_shortcut_to_the_checksum_is_right(programs: tuple[Path, Path]) -> None:
    assert subprocess.run([programs[0], "--self-test"], check=True, capture_output=True).stdout


@pytest.mark.parametrize("peer", ["direct", "relay-tcp", "ackdrop-bare"])
def test_all_requests_are_answered(peer: str, programs: tuple[Path, Path], tmp_path: Path) -> None:
    with wire.sink(programs[1], CORES) as port, PEERS[peer](port, CORES, tmp_path) as running:
        options = {"size": 1024, "window": 10, "connections": 3, "requests": 500, "each": 1, "partitions": 64}
        with wire.load(programs[0], CORES, running.port, **options) as load:
            assert load.warm == 3
            told = load.measured()
            load.end()
    assert told["frames"] == 500
    assert told["bytes"] == 500 * 1024
    assert 0 < told["p50"] <= told["p99"] <= told["max"] * 1.01
    assert told["seconds"] > 0


@pytest.mark.parametrize("size", [200, 1024, 16384])
def test_a_request_is_a_produce_request_of_that_size(size: int, programs: tuple[Path, Path]) -> None:
    with _server() as (port, connections):
        command = [programs[0], "--port", str(port), "--size", str(size), "--window", "2", "--requests", "2"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
            connection, _ = connections.accept()
            with connection, connection.makefile("rb") as stream:
                frames = [stream.read(size) for _ in range(2)]
            load.wait(10)
    records = [_batch(frame) for frame in frames]
    assert [base for base, _ in records] == [0, records[0][1]]


def _batch(frame: bytes) -> tuple[int, int]:
    """The base sequence and the number of records of a request's batch, whose lengths and checksum are looked at."""
    length, api, version = struct.unpack_from(">ihh", frame)
    assert (4 + length, api, version) == (len(frame), 0, 7)
    batch = frame[55:]
    assert frame.count(b"bench-0000") == 1
    assert struct.unpack_from(">i", batch, 8)[0] == len(batch) - 12
    assert batch[16] == 2
    assert struct.unpack_from(">I", batch, 17)[0] == crc32c(batch[21:])
    producer, epoch, base, count = struct.unpack_from(">qhii", batch, 43)
    assert producer > 0
    assert epoch == 0
    return base, count


def test_a_wrong_answer_is_seen(programs: tuple[Path, Path]) -> None:
    with _server() as (port, connections):
        command = [programs[0], "--port", str(port), "--size", "200", "--requests", "1"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as load:
            connection, _ = connections.accept()
            with connection:
                connection.sendall(struct.pack(">ii", 58, 7) + bytes(54))
                _, said = load.communicate(timeout=10)
    assert load.returncode == 1
    assert "is to 7" in said


@contextmanager
def _server() -> Iterator[tuple[int, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening.getsockname()[1], listening


def _cell(**ours: float) -> dict[str, Any]:
    base = {"repetition": 0, "frames": 1000, "seconds": 1.0, "bytes": 200_000, "proxy_ns": 10_000_000}
    base |= {"p50": 100.0, "p99": 200.0, "let_go": 0}
    runs = [base | {"peer": "direct", "p50": 10.0}, base | {"peer": "toxiproxy"}, base | {"peer": "ackdrop"} | ours]
    return {"size": 200, "window": 1, "connections": 1, "rate": 0, "partitions": None, "runs": runs}


def test_as_good_as_toxiproxy_is_good_enough() -> None:
    assert [target.met for target in figures.targets(_cell())] == [True] * 4


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ({"proxy_ns": 10_100_000}, "CPU a frame"),
        ({"seconds": 1.01}, "throughput"),
        ({"p50": 121.0}, "p50 added"),
        ({"p99": 221.0}, "p99 added"),
    ],
)
def test_a_target_is_missed(ours: dict[str, float], name: str) -> None:
    cell = _cell(**ours)
    assert [target.name for target in figures.targets(cell) if not target.met] == [name]
    assert name in shown.markdown(_found(cell))


def test_what_the_ledger_let_go_is_told() -> None:
    assert "*" in shown.markdown(_found(_cell(let_go=5)))
    assert "(5 let go)" in str(shown.rows(_cell(let_go=5)))


def _found(cell: dict[str, Any]) -> dict[str, Any]:
    about = {"date": "", "versions": {}, "machine": {"cores": 2, "cpu": "", "kernel": ""}}
    return {"about": about, "cells": [cell], "memory": [], "producers": []}


def test_figures_make_a_plot_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text(json.dumps(_found(_cell())))
    (tmp_path / "page.md").write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    command = [sys.executable, "-m", "tests.bench.compare", "--show", tmp_path / "found.json"]
    command += ["--plot", tmp_path / "plot.svg", "--markdown", tmp_path / "page.md"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("before\n<!-- figures: begin -->\n\n")
    assert page.endswith("<!-- figures: end -->\nafter\n")
    assert "| 200 B × 1 × 1 |" in page  # noqa: RUF001
    assert "old" not in page
    assert (tmp_path / "plot.svg").read_text().count("<polyline") == 2


def test_the_page_names_what_there_is() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.compare", "--help"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    options = set(re.findall(r"--[a-z]+", TEXT))
    assert len(options) > 8
    assert {option for option in options if option not in told.stdout} == set()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE)) == set(PEERS)
    assert TEXT.count("<!-- figures: begin -->") == TEXT.count("<!-- figures: end -->") == 1
