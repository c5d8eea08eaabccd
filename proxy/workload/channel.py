"""The driver's lines to its parent (Python >= 3.8, standard library alone)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from typing import Any

PATIENCE = 3.0
"""Seconds in which a parent must read what was said."""
NOBODY_READS = 3
"""The exit code of a driver whose parent is gone."""


def take_stdout() -> int:
    """stdout for us alone: what a library prints goes to stderr."""
    fd = os.dup(1)
    os.dup2(2, 1)
    return fd


class Channel:
    """Lines to the parent. A thread writes them: many at once when there are many, each at once when there are few."""

    def __init__(self, fd: int) -> None:
        self._lines: queue.SimpleQueue[dict[str, Any] | threading.Event | None] = queue.SimpleQueue()
        self._fd = fd
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def say(self, line: dict[str, Any], wait: bool = False) -> None:
        """`wait`: it has been written when this returns."""
        self._lines.put(line)
        if wait:
            written = threading.Event()
            self._lines.put(written)
            written.wait()

    def close(self) -> None:
        """Waits until all is written, but not for a parent that does not read."""
        self._lines.put(None)
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        ended = False
        while not ended:
            lines = [self._lines.get()]
            with contextlib.suppress(queue.Empty):
                while len(lines) < 1000:
                    lines.append(self._lines.get_nowait())
            ended = None in lines
            self._write(b"".join(json.dumps(line).encode() + b"\n" for line in lines if isinstance(line, dict)))
            for line in lines:
                if isinstance(line, threading.Event):
                    line.set()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except BrokenPipeError:
            os._exit(NOBODY_READS)
