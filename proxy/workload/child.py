"""The process of a producer: started in a session of its own, stopped gently, ended within a bound, and heard out."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import signal
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import IO

import trio

from ..clients import Client
from ..environment import inherited
from ..errors import ProducerError

GENTLY = 8.0
"""Seconds from SIGTERM to SIGKILL, more than a driver takes to report and close."""
TAIL = 8192


class Begun:
    """The counter of begun sends, in eight bytes of a nameless file that the child maps too."""

    def __init__(self, file: IO[bytes]) -> None:
        file.write(bytes(8))
        file.flush()
        self.fd = file.fileno()
        self._bytes = mmap.mmap(self.fd, 8)

    @property
    def count(self) -> int:
        return int(struct.unpack_from("<Q", self._bytes, 0)[0])

    def close(self) -> None:
        self._bytes.close()


@contextlib.contextmanager
def counter() -> Iterator[Begun]:
    """A counter at 0; nothing is left of it afterwards."""
    with tempfile.TemporaryFile() as file, contextlib.closing(Begun(file)) as begun:
        yield begun


@contextlib.contextmanager
def log_file(folder: Path, label: str) -> Iterator[IO[bytes]]:
    """`producer-LABEL.log` in `folder`, which takes the child's stderr."""
    with (folder / f"producer-{re.sub(r'[^A-Za-z0-9._-]', '_', label)}.log").open("wb") as file:
        yield file


def last_words(log: IO[bytes]) -> list[str]:
    """The last lines of the child's stderr."""
    size = Path(log.name).stat().st_size
    with Path(log.name).open("rb") as file:
        file.seek(max(0, size - TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line.strip() for line in lines if line.strip()][-20:]


def environment() -> dict[str, str]:
    """Ours, without the switch that would keep a script from finding the files beside it."""
    return inherited("PYTHONSAFEPATH")


async def start(client: Client, python: str | None, begun: Begun, log: IO[bytes]) -> trio.Process:
    """Starts the client's driver in `python`. A script's own folder leads `sys.path`, the user's is not in it.

    The session of its own keeps the terminal's Ctrl-C from it: we decide when it ends.
    """
    command = [python or sys.executable, "-B", "-X", "faulthandler", str(client.driver)]
    try:
        return await trio.lowlevel.open_process(
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            env=environment(),
            pass_fds=(begun.fd,),
            start_new_session=True,
        )
    except OSError as error:
        raise ProducerError(
            f"the producer's interpreter {command[0]} cannot be started: {error.strerror or error}",
            remedy="--producer-python names a Python interpreter, such as .venv/bin/python",
        ) from error


async def stop_when(stop: trio.Event, process: trio.Process) -> None:
    """When `stop` is set, asks the child to report what it knows and end; ends it when it does not."""
    await stop.wait()
    process.terminate()
    await trio.sleep(GENTLY)
    kill(process)


async def end(process: trio.Process) -> None:
    """The child is gone when this returns, whatever is being cancelled around it."""
    with trio.CancelScope(shield=True):
        kill(process)
        await process.wait()
        if process.stdin is not None:
            await process.stdin.aclose()
        if process.stdout is not None:
            await process.stdout.aclose()


def kill(process: trio.Process) -> None:
    """SIGKILL to the child and what it may have started: its group is its own, and its id is held until it is waited
    for. A child that ended by itself is left alone."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def ending(code: int | None) -> str:
    """How a process ended, for a person."""
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
