"""Our end of the supervisor: a child process that outlives nobody.

A supervised child ends, and its folder goes, however ackdrop ends: leaving the `async with`, an exception, Ctrl-C (the
supervisor and its children have a session of their own, so the terminal's signal does not reach them before their
time), SIGTERM, SIGKILL.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import trio

from ..errors import BrokerError
from .supervisor import LOCK

PREFIX = "ackdrop-broker-"
PROGRAM = Path(__file__).with_name("supervisor.py")
END_WITHIN = 20.0
"""Seconds that the supervisor has at the end, before it and its child are killed by their process ids."""
RITES_WITHIN = 40.0
"""More of them where last rites are to be run."""
LONGEST_LINE = 240
_ERROR = re.compile(r" (ERROR|FATAL) |^\S*Exception|^Caused by|^Error")
UNLOCKED_AGE = 3600.0
"""Seconds after which a folder without a lock file counts as left behind."""


def new_folder() -> Path:
    """A name for a folder of ours that nobody has yet. The supervisor makes it."""
    return Path(tempfile.gettempdir()).absolute() / f"{PREFIX}{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Spec:
    """What the supervisor is to do.

    It makes `folder` with `files` (names to texts), runs `commands` one after the other in it with `environment`, their
    output in the file `log`; at the end it gives the running command `grace` seconds between SIGTERM and SIGKILL, runs
    the commands `rites`, and removes the folder.
    """

    folder: str
    files: Mapping[str, str]
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str]
    log: str = "broker.log"
    grace: float = 3.0
    rites: Sequence[Sequence[str]] = field(default_factory=list)


class Child:
    """A running supervisor and what it told."""

    def __init__(self, process: trio.Process, spec: Spec) -> None:
        self.process = process
        self.spec = spec
        self.log_file = Path(spec.folder) / spec.log
        self.pid: int | None = None
        self.detached = False
        self._unread = b""

    async def event(self) -> tuple[str, ...]:
        """The next thing that happened: ("started", step, pid), ("exited", step, code), ("failed", reason), ...

        ("gone",) when the supervisor itself has ended.
        """
        assert self.process.stdout is not None
        while b"\n" not in self._unread:
            data = await self.process.stdout.receive_some()
            if not data:
                return ("gone",)
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        word, _, rest = line.decode(errors="replace").partition(" ")
        event = (word, rest) if word == "failed" else (word, *rest.split())
        if word == "started":
            self.pid = int(event[2])
        return event

    async def detach(self) -> None:
        """Let it outlive us: from now on only a signal ends it."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(b"detach\n")
        while (event := await self.event())[0] != "detached":
            if event[0] in ("gone", "exited", "failed"):
                raise BrokerError(f"the broker ended just after its start\n{self.last_words()}")
        self.detached = True

    async def order(self, line: str) -> None:
        """Give the supervisor an order: see its own page. BrokerError where it is gone."""
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send_all(f"{line}\n".encode())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise BrokerError("the broker's supervisor was ended from outside") from None

    def last_words(self, lines: int = 15) -> str:
        """The last lines of the commands' output, as `last_lines` picks them."""
        return last_lines(self.log_file, lines)

    def said(self, text: str) -> bool:
        """Does this text stand in the commands' output?"""
        return text in _end_of(self.log_file)


def last_lines(log: Path, lines: int = 15) -> str:
    """The end of a log file, at most this many lines, without Java's stack frames; empty where there is no file.

    Where errors are followed by many other lines (a broker that takes its leave), the first of them, which tell the
    cause, take the place of half the lines.
    """
    told = [
        line[:LONGEST_LINE]
        for line in _end_of(log).splitlines()
        if line.strip() and not line.startswith(("\tat ", "\t..."))
    ]
    errors = [at for at, line in enumerate(told) if _ERROR.search(line)][: lines // 2]
    if not errors or errors[0] >= len(told) - lines:
        return "\n".join(told[-lines:])
    rest = len(told) - (lines - 1 - len(errors))
    return "\n".join([*(told[at] for at in errors if at < rest), "...", *told[rest:]])


def _end_of(log: Path) -> str:
    """The last 256 KiB of a text file; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 256 * 1024))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


@asynccontextmanager
async def supervised(spec: Spec) -> AsyncIterator[Child]:
    """Runs the spec; at the end, however it comes, everything of it is ended and removed, unless it was detached."""
    async with all_supervised([spec]) as (child,):
        yield child


@asynccontextmanager
async def all_supervised(specs: Sequence[Spec]) -> AsyncIterator[list[Child]]:
    """Runs several side by side, each as `supervised` does; they end together."""
    await trio.to_thread.run_sync(remove_left_behind)
    children: list[Child] = []
    try:
        for spec in specs:
            await _begin(children, spec)
        yield children
    finally:
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                for child in children:
                    nursery.start_soon(_let_go, child)


async def _begin(children: list[Child], spec: Spec) -> None:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-I", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
        start_new_session=True,
    )
    children.append(Child(process, spec))
    assert process.stdin is not None
    await process.stdin.send_all(json.dumps(asdict(spec)).encode() + b"\n")


async def _let_go(child: Child) -> None:
    """Close our ends; where the child was not detached that ends it, and we wait for it, for a bounded time."""
    process = child.process
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdin.aclose()
    if not child.detached:
        with trio.move_on_after(RITES_WITHIN if child.spec.rites else END_WITHIN) as waiting:
            await process.wait()
        if waiting.cancelled_caught:
            await _kill(child)
        await trio.to_thread.run_sync(lambda: shutil.rmtree(child.spec.folder, ignore_errors=True))
    await process.stdout.aclose()


async def _kill(child: Child) -> None:
    """The supervisor did not end in time: kill it and what it runs, by their process ids."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for below in psutil.Process(child.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                below.kill()
    child.process.kill()
    await child.process.wait()


def remove_left_behind() -> None:
    """Removes folders of ours whose supervisor is gone: where it was killed, nobody else could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left_behind(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left_behind(folder: Path) -> bool:
    """A folder of this user's whose lock nobody holds; one that has no lock yet may just be in the making."""
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return _age(folder) > UNLOCKED_AGE
    except OSError:
        return False
    return True


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
