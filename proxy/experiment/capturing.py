"""The capture of a run: opened for as long as there is traffic, and told of in the result."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from . import disk
from .settings import Say

if TYPE_CHECKING:
    from ..capture.writing.tap import Tap
    from ..capture.writing.writer import Capture, CaptureSettings

_KNOWN_PORT = 9092
"""The one by which Wireshark knows Kafka."""
_NAMED = 3
"""So many files of a capture are named one by one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A capture that is being written. `run` names the run within it, where there are several."""

    capture: Capture
    run: str | None = None

    def named(self, run: str | None) -> Recording:
        """The same capture, for a run of this name."""
        return Recording(self.capture, run)

    def tap(self, arm: str) -> Tap:
        """What an arm's relay tells its traffic to."""
        return self.capture.tap(arm, self.run)

    async def watch(self, say: Say) -> None:
        """Say so when the disk does not take it. Runs until it is cancelled."""
        await disk.tell(self.capture, say, "capture", "--capture")

    async def notes(self) -> list[str]:
        """Where it is, how it is read, and what is missing by now. Waits for the disk, whatever is being cancelled.

        Where there are several runs, how it is read is for the one who waits for all of them.
        """
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.capture.flush)
        return [self._where() if self.run is None else self._together(), *self._missing()]

    def _together(self) -> str:
        return f"The capture of this run is among those of others, in {self.capture.first} and what follows it."

    def _where(self) -> str:
        capture = self.capture
        paths = [shlex.quote(str(path)) for path in capture.paths]
        several = f"{len(paths)} files, the last of which is " if len(paths) > 1 else ""
        decoded = "".join(f" -d tcp.port=={port},kafka" for port in capture.ports if port != _KNOWN_PORT)
        packets = "1 packet" if capture.written == 1 else f"{capture.written:,} packets"
        show = f"ackdrop capture show {' '.join(paths)}" if len(paths) <= _NAMED else "ackdrop capture show"
        return (
            f"The capture, {packets}, is in {several}{paths[-1]}; see it with: {show}, "
            f"or: tshark -r {paths[-1]}{decoded}"
        )

    def _missing(self) -> list[str]:
        missing, failure = self.capture.missing, self.capture.failure
        if not missing:
            return []
        why = "more passed than could be written meanwhile" if failure is None else failure.reason
        return [f"The capture lacks {missing:,} bytes that passed: {why}. Nothing else suffered from it."]


@asynccontextmanager
async def recording(settings: CaptureSettings | None) -> AsyncIterator[Recording | None]:
    """The capture that is asked for, if any, written whole at the end. Raises SurroundingsError where its file cannot
    be made."""
    if settings is None:
        yield None
        return
    from ..capture.writing.writer import Capture

    capture = Capture(settings)
    try:
        yield Recording(capture)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(capture.close)
