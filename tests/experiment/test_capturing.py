"""What a result says of its capture: where it is, how it is read, and what is missing."""

from __future__ import annotations

import shlex
from pathlib import Path

import trio

from ackdrop.capture.writing.writer import CaptureSettings
from ackdrop.core.commands import Side
from ackdrop.experiment.capturing import Recording, recording


def passes(recorded: Recording, arm: str, port: int, size: int = 20) -> None:
    """Some bytes of a client at a listener's port."""
    tap = recorded.tap(arm)
    names = ("10.0.0.2", port), ("10.0.0.1", 40000)
    ear = tap.opened(trio.current_time(), 1, Side.CLIENT, -1, *names, own=False, tls=False)
    ear.received(memoryview(bytes(size)), trio.current_time())
    tap.observed([], {})


async def test_without_a_capture_there_is_nothing() -> None:
    async with recording(None) as recorded:
        assert recorded is None


async def test_the_note_reads_it_by_the_ports_that_wireshark_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "my capture.pcapng"
    async with recording(CaptureSettings(path)) as recorded:
        assert recorded is not None
        for arm, port in (("off", 20001), ("on", 9092)):
            passes(recorded, arm, port)
        (note,) = await recorded.notes()
    quoted = shlex.quote(str(path))
    assert note == (
        f"The capture, 8 packets, is in {quoted}; see it with: ackdrop capture show {quoted}, "
        f"or: tshark -r {quoted} -d tcp.port==20001,kafka"
    )


async def test_of_several_files_the_last_is_named(tmp_path: Path) -> None:
    async with recording(CaptureSettings(tmp_path / "a.pcapng", size=1, files=4)) as recorded:
        assert recorded is not None
        passes(recorded, "off", 20001)
        (note,) = await recorded.notes()
        assert f"is in 4 files, the last of which is {recorded.capture.paths[-1]}; see it with: " in note
        assert len(recorded.capture.paths) == 4


async def test_of_several_runs_each_says_no_more_than_that_it_is_there(tmp_path: Path) -> None:
    """Their notes are put together, and shall be one; who waits for all of them is told how to read it."""
    path = tmp_path / "a.pcapng"
    async with recording(CaptureSettings(path)) as recorded:
        assert recorded is not None
        notes = []
        for number in (1, 2):
            one = recorded.named(f"run {number}")
            passes(one, "off", 20000 + number)
            notes += await one.notes()
        assert set(notes) == {f"The capture of this run is among those of others, in {path} and what follows it."}
        (note,) = await recorded.notes()
        assert note.endswith("-d tcp.port==20002,kafka")


async def test_what_is_missing_is_said_with_its_reason(tmp_path: Path) -> None:
    async with recording(CaptureSettings(tmp_path / "a.pcapng")) as recorded:
        assert recorded is not None
        recorded.capture._process.kill()
        recorded.capture._process.wait()
        passes(recorded, "off", 20001, size=1000)
        notes = await recorded.notes()
    assert notes[1].startswith("The capture lacks 1,000 bytes that passed: the process that writes it has ended. ")
