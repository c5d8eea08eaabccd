"""A capture that is being written: by a process of its own, which a thread hands to what the taps have heard.

To make packets takes as long as the relay itself does, and in one process both would take turns: so it is another one
that does it, and the event loop only copies. What waits for it is bounded: beyond `WAITING` bytes the taps let go what
comes. Where the disk takes nothing, or the process has ended, traffic goes on, and what is missing is counted.
"""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import trio

from ...errors import SurroundingsError
from ...observations import DiskFailure
from . import child, files
from .child import Settings, Status, receive, send
from .events import Batch
from .tap import Tap

WAITING = 64 << 20
"""Bytes that may wait."""
_PIPE = 1 << 20
"""Bytes that the pipe to the process shall hold, where the system lets it."""
_ENDED = "the process that writes it has ended"


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
    """The process that writes, and the thread that feeds it. To be created within trio, and closed. Raises
    SurroundingsError where the first file cannot be made."""

    def __init__(self, settings: CaptureSettings) -> None:
        files.opened(settings.path, settings.size, settings.files).close()
        wall = round((time.time() - trio.current_time()) * 1_000_000)
        first = Settings(str(settings.path.absolute()), settings.size, settings.files, wall)
        self.first = settings.path
        """The first file, as it was named."""
        self._process = _started(first)
        self._status = Status([first.path], 0, 0, [], None)
        self._queue: SimpleQueue[tuple[Batch, int] | threading.Event | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waits = 0
        self._lost = 0
        self._closed = False
        self.failure: DiskFailure | None = None
        self._thread = threading.Thread(target=self._run, name="ackdrop-capture", daemon=True)
        self._thread.start()

    def tap(self, arm: str, run: str | None = None) -> Tap:
        """What the relay tells the traffic of an arm to. `run` names the run it belongs to, where there are several."""
        return Tap(arm, run, self._give, self._room)

    def flush(self) -> None:
        """Wait until all that was handed over before is written, or could not be."""
        barrier = threading.Event()
        self._queue.put(barrier)
        while not barrier.wait(0.1) and self._thread.is_alive():
            pass

    def close(self) -> None:
        """Write what is left, and end the process; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            self._process.wait()

    @property
    def paths(self) -> list[Path]:
        """The files that are there."""
        return [self.first.with_name(Path(path).name) for path in self._status.paths]

    @property
    def written(self) -> int:
        """How many packets were written."""
        return self._status.written

    @property
    def missing(self) -> int:
        """How many bytes passed and are in no file."""
        return self._status.missing + self._lost

    @property
    def ports(self) -> list[int]:
        """Where Kafka is spoken in its last run: the ports of listeners and of brokers."""
        return self._status.ports

    def _give(self, batch: Batch, size: int) -> None:
        with self._lock:
            self._waits += size
        self._queue.put((batch, size))

    def _room(self) -> int:
        with self._lock:
            return WAITING - self._waits

    # The thread.

    def _run(self) -> None:
        given, told = self._process.stdin, self._process.stdout
        assert given is not None
        assert told is not None
        with given, told:
            while (item := self._queue.get()) is not None:
                if isinstance(item, threading.Event):
                    item.set()
                    continue
                batch, size = item
                if not self._written(batch, given, told):
                    self._lost += batch.content
                    self.failure = DiskFailure(_ENDED)
                with self._lock:
                    self._waits -= size

    def _written(self, batch: Batch, given: IO[bytes], told: IO[bytes]) -> bool:
        """Have a batch written; False where nobody is there to do it."""
        try:
            send(given, batch.packed())
        except BrokenPipeError:
            return False
        answer = receive(told)
        if answer is None:
            return False
        self._status = Status(*marshal.loads(answer))
        if self._status.failure is not None:
            self.failure = DiskFailure(self._status.failure)
        elif self.failure is not None:
            self.failure = DiskFailure(self.failure.reason, over=True)
        return True


def _started(settings: Settings) -> subprocess.Popen[bytes]:
    """The process, which has its settings. A signal to our process group is not for it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", child.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(AttributeError, OSError):  # Linux has it, up to a limit
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, _PIPE)
    try:
        send(process.stdin, marshal.dumps(tuple(settings)))
    except BrokenPipeError as error:
        raise SurroundingsError("the process that writes the capture ended as it began") from error
    return process
