"""The embedded broker that outlives its command: `ackdrop broker up`, `status`, `down`.

One a user. What is known of it stands in a state file: its supervisor's process id with its start time, since a process
id alone may by now be another program's. `ACKDROP_STATE` is another folder for that file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import trio

from ..errors import BrokerError
from . import embedded
from .jars import pinned
from .ports import LOOPBACK, is_free
from .running import Progress
from .supervised import END_WITHIN, last_lines

PREFERRED_PORT = 29092
"""The port of a broker for use by hand, where it is free: an address that one can remember."""


@dataclass(frozen=True, slots=True)
class Background:
    """A detached broker. `started` is its supervisor's start time, in seconds since the epoch as psutil tells it."""

    pid: int
    started: float
    port: int
    folder: str
    kafka: str

    @property
    def bootstrap(self) -> str:
        """Its address, `HOST:PORT`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log_file(self) -> Path:
        """Its own log, there as long as it runs."""
        return Path(self.folder) / "broker.log"


def state_folder() -> Path:
    """The folder of the state file: `ACKDROP_STATE`, or where this operating system keeps a user's state."""
    import platformdirs

    return Path(os.environ.get("ACKDROP_STATE") or platformdirs.user_state_dir("ackdrop")).absolute()


async def up(port: int | None, progress: Progress | None) -> tuple[Background, bool]:
    """Start the broker and let it go. Returns it, and whether this call started it (False: it ran already).

    Raises BrokerError when it cannot be started, or where another port is asked for than the one it runs on.
    """
    with _alone():
        running = status()
        if running is None:
            return await _start(port, progress), True
        if port not in (None, running.port):
            raise BrokerError(
                f"a broker runs already, at {running.bootstrap}", remedy="end it first with: ackdrop broker down"
            )
        return running, False


async def _start(port: int | None, progress: Progress | None) -> Background:
    port = port or (PREFERRED_PORT if is_free(PREFERRED_PORT) else None)
    async with embedded.started(progress, port=port) as (running, child):
        supervisor = psutil.Process(child.process.pid)
        background = Background(
            pid=supervisor.pid,
            started=supervisor.create_time(),
            port=int(running.bootstrap.rpartition(":")[2]),
            folder=child.spec.folder,
            kafka=pinned().kafka,
        )
        # Written before it is let go: were we killed in between, there would be a broker that nobody knows of.
        _write(background)
        await child.detach()
    return background


def status() -> Background | None:
    """The broker that runs, None where there is none. What a dead one left behind is removed."""
    known = _read()
    if known is None or _process(known) is not None:
        return known
    _forget(known)
    return None


async def down() -> Background | None:
    """End the broker and remove its folder. Returns what was ended, None where nothing ran."""
    with _alone():
        running = status()
        if running is not None:
            with trio.CancelScope(shield=True):
                await _end(running)
            _forget(running)
        return running


def last_words(background: Background) -> str:
    """The last lines of its log."""
    return last_lines(background.log_file)


async def _end(running: Background) -> None:
    """End the supervisor, which ends the rest; what is left after a bounded time is killed by its process id."""
    supervisor = _process(running)
    if supervisor is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        everything = [supervisor, *supervisor.children(recursive=True)]
        supervisor.terminate()
        for process in await _alive_after(everything, END_WITHIN):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await _alive_after(everything, END_WITHIN)


async def _alive_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until these have ended, at most so long; returns those that have not."""
    deadline = trio.current_time() + seconds
    while (alive := list(filter(_lives, processes))) and trio.current_time() < deadline:  # noqa: ASYNC110
        await trio.sleep(0.05)
    return alive


def _lives(process: psutil.Process) -> bool:
    """A zombie has ended, even where nobody collects it (a container whose first process does not)."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _process(background: Background) -> psutil.Process | None:
    """The supervisor's process, None where it is gone, or where its process id is another program's by now."""
    try:
        process = psutil.Process(background.pid)
        same = abs(process.create_time() - background.started) < 1.0
    except psutil.NoSuchProcess:
        return None
    return process if same and _lives(process) else None


def _state_file() -> Path:
    return state_folder() / "broker.json"


def _read() -> Background | None:
    try:
        return Background(**json.loads(_state_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise BrokerError(
            f"{_state_file()} cannot be read: {error}", remedy="remove the file, and end the broker by its process id"
        ) from error


def _write(background: Background) -> None:
    """Write the state file in one step."""
    part = _state_file().with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(asdict(background)), encoding="utf-8")
    part.replace(_state_file())


def _forget(background: Background) -> None:
    shutil.rmtree(background.folder, ignore_errors=True)
    _state_file().unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """No other `up` or `down` of this user's meanwhile. Raises BrokerError where there is one."""
    folder = state_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "broker.lock").open("w")
    except OSError as error:
        raise BrokerError(
            f"{folder} cannot be written: {error.strerror}",
            remedy="make it writable or give another folder with ACKDROP_STATE",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BrokerError(
                "another `ackdrop broker up` or `down` is at work", remedy="wait until it has ended"
            ) from error
        yield
