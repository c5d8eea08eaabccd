"""What the tests of captures share: traffic told to a tap by hand, and the files that come of it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ackdrop.capture.writing import files
from ackdrop.capture.writing.events import Parcel
from ackdrop.capture.writing.recorder import Recorder
from ackdrop.capture.writing.tap import Tap
from ackdrop.core.commands import Side
from ackdrop.observations import Observation

from ...pcapng_files import File, read

WALL = 1_700_000_000_000_000
CLIENT, PROXY, BROKER = ("10.0.0.1", 40000), ("10.0.0.2", 19092), ("10.0.0.3", 9092)


@dataclass
class Written:
    """A tap whose batches are written at once, and what stands in the files by now."""

    path: Path
    recorder: Recorder
    files: files.Files
    tap: Tap

    def connect(self, number: int = 1, at: float = 1.0) -> tuple[Any, Any]:
        """A client's connection and the one to its broker."""
        client = self.tap.opened(at, number, Side.CLIENT, -1, PROXY, CLIENT, own=False, tls=False)
        broker = self.tap.opened(at + 0.001, number, Side.BROKER, -1, ("10.0.0.2", 50000), BROKER, own=False, tls=False)
        return client, broker

    def hand_over(self, *observations: Observation, places: dict[str, str] | None = None) -> None:
        self.tap.observed(observations, places or {})

    def read(self, path: Path | None = None) -> File:
        return read((path or self.path).read_bytes())

    def all(self) -> Sequence[File]:
        return [self.read(path) for path in self.files.paths]


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Callable[..., Written]]:
    """`capture(size=…, files=…)`: a capture that is written as it is handed over."""

    made: list[files.Files] = []

    def make(size: int = 1 << 30, most: int = 10, room: int = 1 << 30, run: str | None = None) -> Written:
        path = tmp_path / "capture.pcapng"
        out = files.opened(path, size, most)
        recorder = Recorder(out, WALL)
        made.append(out)
        take = lambda batch, size: recorder.take(Parcel.unpacked(batch.packed()))  # noqa: E731
        return Written(path, recorder, out, Tap("on", run, take, lambda: room))

    yield make
    for out in made:
        out.close()


@pytest.fixture(scope="session")
def message() -> Callable[..., bytes]:
    """`message(7)`: a request of an API that nobody knows, with this correlation id; `message(7, answer=True)`."""

    def make(correlation_id: int, content: bytes = b"", *, answer: bool = False) -> bytes:
        head = struct.pack(">i", correlation_id) if answer else struct.pack(">hhih", 999, 0, correlation_id, -1)
        return struct.pack(">i", len(head + content)) + head + content

    return make
