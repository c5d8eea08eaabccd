"""A disk that is full under the run's folder: traffic goes on, and what is not known of it is told."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ackdrop.capture.comments import parse
from ackdrop.ledger import Ledger

from ..pcapng_files import read

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux's means")]

PATIENCE = 20.0
DISK = 4 << 20


class Disk:
    """A small one, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def empty(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Of 4 MiB, in memory. Only root may mount one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield Disk(path)
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def produce(library: Any) -> Callable[[str, str, int], list[int]]:
    """`produce(bootstrap, topic, count)`: a program that is not ours; gives the offsets."""
    kafka = library("kafka")

    def send(bootstrap: str, topic: str, count: int) -> list[int]:
        with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=bootstrap)) as producer:
            sent = [producer.send(topic, b"%d" % number, partition=0) for number in range(count)]
            return [future.get(PATIENCE).offset for future in sent]

    return send


def written(folder: Path, records: int) -> None:
    """Waits until so many records' attempts are in the ledger."""
    deadline = time.monotonic() + PATIENCE
    while _in(folder) < records:
        assert time.monotonic() < deadline
        time.sleep(0.02)  # that it was written tells nobody


def _in(folder: Path) -> int:
    try:
        return sum(story.attempt.records for story in Ledger.open(folder).wire("proxy").attempts)
    except KeyError:  # not even the arm is written
        return 0


def verify(folder: Path, bootstrap: str) -> Any:
    """What `ackdrop verify --run` makes of it."""
    command = [sys.executable, "-m", "ackdrop", "verify", "--bootstrap", bootstrap, "--run", str(folder)]
    command += ["--json", "-", "--out", str(folder.parent / "verified")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in ran.stderr
    return json.loads(ran.stdout)


def test_traffic_goes_on_and_the_verdict_is_inconclusive(
    start_proxy: Any, embedded_broker: str, new_topic: Callable[..., str], produce: Callable[..., list[int]], disk: Disk
) -> None:
    topic, process = new_topic(), start_proxy("--out", str(disk.path))
    address = process.address()
    assert produce(address, topic, 5) == [0, 1, 2, 3, 4]
    (folder,) = disk.path.iterdir()
    written(folder, 5)
    disk.fill()
    assert len(produce(address, topic, 50)) == 50
    process.says(r"the ledger cannot be written: .*full.*; traffic goes on")
    assert len(produce(address, topic, 50)) == 50
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["ledger-not-written"])
    assert "Make room on its disk" in ended.report["reasons"][0]["text"]
    assert (ended.arm["log"]["records"], ended.arm["log"]["duplicates"], ended.arm["log"]["lost"]) == (None, None, None)
    assert "not of this run" not in ended.out
    assert ended.err.count("the ledger cannot be written") == 1
    assert json.loads((folder / "report.json").read_text()) == ended.report
    attempts = Ledger.open(folder).wire("proxy").attempts
    assert [story.base_offset for story in attempts][:1] == [0]
    assert len(attempts) < 105
    disk.empty()
    verified = verify(folder, embedded_broker)
    assert (verified["exit_code"], verified["reasons"]) == (3, ended.report["reasons"])
    assert [arm["log"]["duplicates"] for arm in verified["arms"]] == [None]


def test_an_arm_that_the_ledger_has_nothing_of_is_told_and_the_others_are_verified(
    start_proxy: Any, embedded_broker: str, new_topic: Callable[..., str], produce: Callable[..., list[int]]
) -> None:
    process = start_proxy()
    produce(process.address(), new_topic(), 5)
    process.end()
    (folder,) = process.out_folder.iterdir()
    report = json.loads((folder / "report.json").read_text())
    report["arms"].append({**report["arms"][0], "name": "another"})
    (folder / "report.json").write_text(json.dumps(report))
    verified = verify(folder, embedded_broker)
    assert [arm["name"] for arm in verified["arms"]] == ["proxy"]
    told = [(reason["arm"], reason["code"]) for reason in verified["reasons"]]
    assert told == [("proxy", "no-retry"), ("another", "ledger-incomplete")]


def test_it_goes_on_where_there_is_room_again(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]]
) -> None:
    """The kernel's limit on a file's size stands in for a full disk, and is lifted."""
    topic, process = new_topic(), start_proxy()
    address = process.address()
    produce(address, topic, 5)
    (folder,) = process.out_folder.iterdir()
    written(folder, 5)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    produce(address, topic, 5)
    process.says("the ledger cannot be written: ")
    produce(address, topic, 5)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    process.says("the ledger can be written again")
    produce(address, topic, 5)
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["ledger-not-written"])
    wire = Ledger.open(folder).wire("proxy")
    offsets = {story.base_offset for story in wire.attempts}
    assert {0, 15} <= offsets
    assert 10 not in offsets
    assert wire.let_go > 0


def test_a_capture_lets_go_and_goes_on_where_there_is_room_again(
    start_proxy: Any, new_topic: Callable[..., str], produce: Callable[..., list[int]], disk: Disk
) -> None:
    """The ledger has room all the time: no verdict suffers."""
    path = disk.path / "capture.pcapng"
    topic, process = new_topic(), start_proxy("--capture", str(path))
    address = process.address()
    produce(address, topic, 5)
    disk.fill()
    produce(address, topic, 50)
    process.says(r"the capture cannot be written: .*space.*; traffic goes on.*--capture")
    disk.empty()
    deadline = time.monotonic() + PATIENCE
    while not process.has_said("the capture can be written again"):  # it is tried once a second, when something comes
        assert time.monotonic() < deadline
        produce(address, topic, 5)
    ended = process.end()
    assert ended.codes == ["no-retry"]
    (lacks,) = [note for note in ended.report["notes"] if note.startswith("The capture lacks")]
    assert "No space left on device" in lacks
    packets = read(path.read_bytes()).packets
    told = [parse(line) for packet in packets for line in packet.comments]
    assert {"opened", "ended"} <= {comment.what for comment in told if comment is not None}
