"""Lines on their way to a stream whose reader may take its time: a pipe that nobody empties holds up nothing.

While `run` lasts a thread writes; before and after it, when there is no traffic that could be held up, lines are
written where they are told.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import TextIO

import trio

from ..words import counted

MOST = 10_000
"""Lines that may wait. What comes on top of them is let go, and counted in a line of its own."""
PATIENCE = 1.0
"""Seconds that the last lines wait for a write that is still going on."""


class Written:
    """Writes lines to `stream`, whole and in order; to None nothing is written."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._let_go = 0
        self._more = trio.Event()
        self._runs = False
        self._turn = threading.Lock()

    def put(self, line: str) -> None:
        """Write a line, or have it written soon."""
        if self._stream is None:
            return
        if len(self._waiting) >= MOST:
            self._let_go += 1
            return
        self._waiting.append(f"{line}\n")
        if self._runs:
            self._more.set()
        else:
            self._write()

    async def run(self) -> None:
        """Write until cancelled."""
        self._runs = True
        try:
            while True:
                await self._more.wait()
                self._more = trio.Event()
                await trio.to_thread.run_sync(self._write, abandon_on_cancel=True)
        finally:
            self._runs = False
            self._write()

    def let_go(self) -> str | None:
        """A sentence for the lines that were let go since the last call; None where there were none."""
        count, self._let_go = self._let_go, 0
        return f"{counted(count, 'line was', 'lines were')} left out: nobody reads them fast enough" if count else None

    def _write(self) -> None:
        """Write what waits, one writer at a time. A reader who has gone, or reads no more, is no reason to end."""
        if self._stream is None or not self._turn.acquire(timeout=PATIENCE):
            return
        try:
            self._stream.write("".join(self._taken()))
            self._stream.flush()
        except BrokenPipeError:
            with open(os.devnull, "wb") as nowhere:  # else what is left of it fails again at the process's end
                os.dup2(nowhere.fileno(), self._stream.fileno())
        except (OSError, ValueError):  # a full disk; a stream that was closed
            pass
        finally:
            self._turn.release()

    def _taken(self) -> Iterator[str]:
        """What waits; lines may still come meanwhile."""
        with contextlib.suppress(IndexError):
            while True:
                yield self._waiting.popleft()
