"""The thread that writes a capture, off the event loop and bounded in memory.

What the taps hand over waits in a queue; more than `WAITING` bytes of it mean that the disk cannot keep up, and the
taps let go what comes then. While the disk takes nothing, traffic goes on, and the thread tries again every second. All
that is not in the files is counted.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import monotonic

import trio

from ..errors import SurroundingsError
from ..observations import DiskFailure
from . import files
from .events import Batch
from .recorder import Recorder
from .tap import Tap

WAITING = 64 << 20
"""Bytes that may wait."""
_AGAIN = 1.0
"""Seconds after which a disk that took nothing is tried again."""


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Where to: the first file, the size in bytes that each may have, and how many are kept."""

    path: Path
    size: int = 100 << 20
    files: int = 10

    def check(self) -> None:
        """Raises UsageError for a file that is there and is no capture."""
        files.check(self.path)


class Capture:
    """A capture that is being written, and its thread. To be created within trio, and closed. Raises SurroundingsError
    where its first file cannot be made."""

    def __init__(self, settings: CaptureSettings) -> None:
        self._files = files.opened(settings.path, settings.size, settings.files)
        wall = round((time.time() - trio.current_time()) * 1_000_000)
        self._recorder = Recorder(self._files, wall)
        self._queue: SimpleQueue[tuple[Batch, int] | threading.Event | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waits = 0
        self._again = 0.0
        self._closed = False
        self.failure: DiskFailure | None = None
        self._thread = threading.Thread(target=self._run, name="ackdrop-capture", daemon=True)
        self._thread.start()

    def tap(self, arm: str, run: str | None = None) -> Tap:
        """What the relay tells the traffic of an arm to. `run` names the run it belongs to, where there are several."""
        return Tap(arm, run, self._give, self._room)

    def flush(self) -> None:
        """Wait until all that was handed over before is written, or could not be. Raises SurroundingsError where the
        thread is gone."""
        barrier = threading.Event()
        self._queue.put(barrier)
        while not barrier.wait(0.1):
            if not self._thread.is_alive():
                raise SurroundingsError("the thread that writes the capture ended early")

    def close(self) -> None:
        """Write what is left, and end the thread; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            try:
                self._files.close()
            except OSError as error:
                self.failure = DiskFailure(error.strerror or str(error))

    @property
    def paths(self) -> list[Path]:
        """The files that are there."""
        return list(self._files.paths)

    @property
    def written(self) -> int:
        """How many packets were written."""
        return self._recorder.written

    @property
    def missing(self) -> int:
        """How many bytes passed and are in no file."""
        return self._recorder.missing

    @property
    def ports(self) -> list[int]:
        """Where Kafka is spoken in it: the ports of listeners and of brokers."""
        return sorted(self._recorder.ports)

    def _give(self, batch: Batch, size: int) -> None:
        with self._lock:
            self._waits += size
        self._queue.put((batch, size))

    def _room(self) -> int:
        with self._lock:
            return WAITING - self._waits

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            batch, size = item
            self._take(batch)
            with self._lock:
                self._waits -= size

    def _take(self, batch: Batch) -> None:
        failing = self.failure is not None and not self.failure.over
        try:
            self._recorder.take(batch, write=not failing or monotonic() >= self._again)
        except OSError as error:
            self.failure = DiskFailure(error.strerror or str(error))
            self._again = monotonic() + _AGAIN
        else:
            if self.failure is not None and monotonic() >= self._again:
                self.failure = DiskFailure(self.failure.reason, over=True)
