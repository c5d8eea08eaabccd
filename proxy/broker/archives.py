"""Archives of the broker's classes as Java has them once they are loaded: with one it starts in half the time.

Java 25 and newer writes such an archive at the end of a run (JEP 514, an AOT cache), some 65 MB. It is good for that
Java, these jars and no others; Java itself looks whether it fits, and starts without it where not. One is made when
somebody asks for it (`prepare`), since that takes longer than the next starts save.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trio

from ..errors import BrokerError
from . import settings
from .jars import cache_folder, pinned, provide
from .java import environment, find_java, version_of
from .layout import Layout, Wish
from .ports import held
from .running import Progress
from .starting import again_where_taken, did_not_start, until_ready
from .supervised import Child, Spec, new_folder, supervised

OLDEST = 25
STARTED_WITHIN, WRITTEN_WITHIN = 120.0, 180.0
"""Seconds."""
TAKEN = "Address already in use"
REMEDY = "the lines above tell the cause; the broker also starts without an archive"
KEPT = 3
"""As many archives stay, each for another Java or other jars; the oldest ones go."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` has come to: the archive, unless this version of Java makes none; and whether it is new."""

    java: int
    archive: Path | None
    new: bool = False


def fitting(java: Path, jars: Sequence[Path]) -> Path | None:
    """The archive that was made for this Java and these jars, if any was."""
    path = _path(java, jars)
    return path if path.exists() else None


async def prepare(progress: Progress | None = None) -> Prepared:
    """Fetch the jars, and make the archive, unless they are there. BrokerError where that does not work."""
    java = await find_java()
    jars = await provide(progress)
    version = await version_of(java)
    if version < OLDEST:
        return Prepared(version, None)
    path = _path(java, jars)
    with await trio.to_thread.run_sync(_locked, path.parent, abandon_on_cancel=True):
        if path.exists():
            return Prepared(version, path)
        await again_where_taken(functools.partial(_make, java, jars, path))
        _remove_oldest(path.parent)
    return Prepared(version, path, new=True)


def _path(java: Path, jars: Iterable[Path]) -> Path:
    """Named by what Java holds an archive against: itself, and each jar's place, size and time."""
    modules = java.resolve().parent.parent / "lib" / "modules"
    told = [f"{each} {state.st_size} {state.st_mtime_ns}" for each in (modules, *jars) for state in _state(each)]
    name = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return cache_folder() / "archives" / f"{name}.aot"


def _state(path: Path) -> list[os.stat_result]:
    """What the file system says of a file; nothing of one that is not there."""
    try:
        return [path.stat()]
    except OSError:
        return []


def _locked(folder: Path) -> IO[str]:
    """An open file that nobody else has as long as it is open; waits for whoever has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise BrokerError(
            f"the cache folder {folder} cannot be written: {error.strerror}",
            remedy="make it writable or give another folder with ACKDROP_CACHE",
        ) from error
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _make(java: Path, jars: Sequence[Path], path: Path) -> None:
    """Start a broker, and end it: Java writes the archive then."""
    draft, folder = path.with_suffix(".part"), new_folder()
    what = f"the embedded Apache Kafka {pinned().kafka}"
    try:
        with held(Wish().ports) as ports:
            layout = Layout.of(Wish(), ports)
            files = settings.files(layout, layout.nodes[0])
            commands = settings.commands(java, jars, folder, settings.cluster_id(), {}, write=draft)
            async with supervised(Spec(str(folder), files, commands, environment())) as child:
                problem = await until_ready(child, ports[0], before=STARTED_WITHIN, within=STARTED_WITHIN)
                if problem is not None:
                    raise did_not_start(what, problem, child, taken=TAKEN, remedy=REMEDY)
                with trio.move_on_after(WRITTEN_WITHIN):
                    await _end(child)
                if not draft.exists():
                    told = child.last_words()
                    raise BrokerError(f"{what} ended without an archive. Its last lines:\n{told}", remedy=REMEDY)
        draft.replace(path)
    finally:
        for left in (draft, draft.with_name(f"{draft.name}.config")):
            left.unlink(missing_ok=True)


async def _end(child: Child) -> None:
    await child.order(f"signal {int(signal.SIGTERM)}")
    while (await child.event())[0] not in ("exited", "gone"):
        pass


def _remove_oldest(folder: Path) -> None:
    archives = sorted(folder.glob("*.aot"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-KEPT]:
        path.unlink(missing_ok=True)
