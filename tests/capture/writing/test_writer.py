"""The process beside the event loop: everything that was handed over is in the file, and it holds up nobody."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import trio

from ackdrop.capture.writing.writer import WAITING, Capture, CaptureSettings
from ackdrop.core.commands import Side
from ackdrop.errors import SurroundingsError
from ackdrop.observations import DiskFailure

from ...pcapng_files import read, tcp

CLIENT, PROXY = ("10.0.0.1", 40000), ("10.0.0.2", 19092)


async def test_what_is_handed_over_is_there_after_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    capture = Capture(CaptureSettings(path))
    before = time.time()
    for arm in ("off", "on"):
        tap = capture.tap(arm)
        ear = tap.opened(trio.current_time(), 1, Side.CLIENT, -1, PROXY, CLIENT, own=False, tls=False)
        ear.received(memoryview(b"\0\0\0\x0a" + bytes(10)), trio.current_time())
        tap.observed([], {})
    capture.flush()
    packets = read(path.read_bytes()).packets
    assert [packet.comments[0] for packet in packets[::4]] == [
        f'ackdrop: opened, connection 1, arm "{arm}", side "client", node -1' for arm in ("off", "on")
    ]
    assert all(before - 1 < packet.at / 1e6 < time.time() + 1 for packet in packets)
    assert (capture.written, capture.missing, capture.ports, capture.paths) == (8, 0, [19092], [path])
    capture.close()
    capture.close()


async def test_what_waits_is_bounded_and_the_relay_is_asked_to_hand_over(tmp_path: Path) -> None:
    capture = Capture(CaptureSettings(tmp_path / "capture.pcapng"))
    tap = capture.tap("on")
    ear = tap.opened(1.0, 1, Side.CLIENT, -1, PROXY, CLIENT, own=False, tls=False)
    assert not tap.pressed
    portion = bytes(1 << 20)
    for number in range(WAITING // len(portion) + 3):
        ear.received(memoryview(portion), 2.0 + number)
    assert tap.pressed
    tap.observed([], {})
    assert not tap.pressed
    capture.close()
    assert capture.missing == 0  # they were never followed by a packet that could tell of them
    packets = read((tmp_path / "capture.pcapng").read_bytes()).packets
    assert WAITING - (1 << 21) < sum(len(tcp(packet.data).content) for packet in packets) <= WAITING


async def test_a_file_that_cannot_be_made_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SurroundingsError, match="cannot write"):
        Capture(CaptureSettings(tmp_path / "file" / "capture.pcapng"))


async def test_where_nobody_writes_any_more_that_is_told_and_nothing_is_held_up(tmp_path: Path) -> None:
    capture = Capture(CaptureSettings(tmp_path / "capture.pcapng"))
    tap = capture.tap("on")
    ear = tap.opened(1.0, 1, Side.CLIENT, -1, PROXY, CLIENT, own=False, tls=False)
    tap.observed([], {})
    capture.flush()
    capture._process.kill()
    capture._process.wait()
    for _ in range(2):
        ear.received(memoryview(bytes(1000)), 2.0)
        tap.observed([], {})
    capture.flush()
    assert capture.failure == DiskFailure("the process that writes it has ended")
    assert capture.missing == 2000
    assert len(read((tmp_path / "capture.pcapng").read_bytes()).packets) == 3
    capture.close()


def test_a_capture_is_whole_although_ackdrop_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    code = f"""
import os, signal, trio
from pathlib import Path
from ackdrop.capture.writing.writer import Capture, CaptureSettings
from ackdrop.core.commands import Side

async def main():
    capture = Capture(CaptureSettings(Path({str(path)!r})))
    tap = capture.tap("on")
    ear = tap.opened(1.0, 1, Side.CLIENT, -1, ("10.0.0.2", 1), ("10.0.0.1", 2), own=False, tls=False)
    tap.observed([], {{}})
    capture.flush()
    print(capture._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

trio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(10)
    assert len(read(path.read_bytes()).packets) == 3


async def test_files_have_the_name_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    capture = Capture(CaptureSettings(Path("here") / "capture.pcapng", size=1, files=2))
    tap = capture.tap("on")
    tap.opened(1.0, 1, Side.CLIENT, -1, PROXY, CLIENT, own=False, tls=False)
    tap.observed([], {})
    capture.flush()
    assert [path.parent for path in capture.paths] == [Path("here")] * 2
    assert sorted(path.name for path in capture.paths) == sorted(os.listdir("here"))
    capture.close()
