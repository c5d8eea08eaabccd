"""Makes what lets the embedded broker start quickly: its jars, and an archive of what Java loads (`archives`)."""

from __future__ import annotations

import fcntl
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trio

from ..errors import BrokerError
from . import archives, embedded
from .jars import pinned, provide
from .java import find_java, version_of
from .layout import Wish
from .locks import lock_file
from .running import Progress
from .supervised import Child

WRITTEN_WITHIN = 180.0
"""Seconds."""
KEPT = 3
"""As many archives stay, each for another Java or other jars; the oldest ones go."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` has come to: the archive, unless this version of Java makes none; and whether it is new."""

    java: int
    archive: Path | None
    new: bool = False


async def prepare(progress: Progress | None = None) -> Prepared:
    """Fetch the jars, and make the archive, unless they are there. BrokerError where that does not work."""
    java = await find_java()
    jars = await provide(progress)
    version = await version_of(java)
    if version < archives.OLDEST:
        return Prepared(version, None)
    path = archives.place(java, jars)
    with await trio.to_thread.run_sync(_locked, path.parent, abandon_on_cancel=True):
        if path.exists():
            return Prepared(version, path)
        await _make(path)
        _remove_oldest(path.parent)
    return Prepared(version, path, new=True)


def _locked(folder: Path) -> IO[str]:
    """An open file that nobody else has as long as it is open; waits for whoever has it."""
    file = lock_file(folder / "lock", "ACKDROP_CACHE")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _make(path: Path) -> None:
    """Start a broker, and end it: Java writes the archive then."""
    draft = path.with_suffix(".part")
    try:
        async with embedded.cluster(Wish(), write=draft) as running:
            child = running.nodes[0].child
            with trio.move_on_after(WRITTEN_WITHIN):
                await _end(child)
            if not draft.exists():
                raise BrokerError(
                    f"the embedded Apache Kafka {pinned().kafka} ended without an archive. Its last lines:\n"
                    f"{child.last_words()}",
                    remedy="the lines above tell the cause; the broker also starts without an archive",
                )
        draft.replace(path)
    finally:
        for left in (draft, draft.with_name(f"{draft.name}.config")):
            left.unlink(missing_ok=True)


async def _end(child: Child) -> None:
    await child.order(f"signal {int(signal.SIGTERM)}")
    while (await child.event())[0] not in ("exited", "gone"):
        pass


def _remove_oldest(folder: Path) -> None:
    made = sorted(folder.glob("*.aot"), key=lambda path: path.stat().st_mtime)
    for path in made[:-KEPT]:
        path.unlink(missing_ok=True)
