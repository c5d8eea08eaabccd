"""The embedded brokers that outlive their command: `ackdrop broker up`, `status`, `down`.

One cluster a user, of one broker or several. What is known of it stands in a state file: each supervisor's process id
with its start time, since a process id alone may by now be another program's. `ACKDROP_STATE` is another folder for
that file.
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

from ..errors import BrokerError, UsageError
from . import embedded
from .jars import pinned
from .layout import Wish
from .locks import lock_file
from .ports import LOOPBACK, is_free
from .running import Progress
from .supervised import END_WITHIN

PREFERRED_PORT = 29092
"""The first port of brokers for use by hand, where it and those after it are free: one that can be remembered."""


@dataclass(frozen=True, slots=True)
class Background:
    """A detached broker. `started` is its supervisor's start time, in seconds since the epoch as psutil tells it."""

    pid: int
    started: float
    port: int
    folder: str

    @property
    def address(self) -> str:
        """Its address, `HOST:PORT`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log_file(self) -> Path:
        """Its own log, there as long as it runs."""
        return Path(self.folder) / "broker.log"

    @property
    def runs(self) -> bool:
        """Does it run now?"""
        return _process(self) is not None


@dataclass(frozen=True, slots=True)
class Brokers:
    """The detached brokers of one cluster, in the order of their node ids, and the version of their Kafka."""

    nodes: tuple[Background, ...]
    kafka: str

    @property
    def bootstrap(self) -> str:
        """Where to ask first: those that run now, `HOST:PORT,HOST:PORT`."""
        return ",".join(node.address for node in self.nodes if node.runs)


def state_folder() -> Path:
    """The folder of the state file: `ACKDROP_STATE`, or where this operating system keeps a user's state."""
    import platformdirs

    return Path(os.environ.get("ACKDROP_STATE") or platformdirs.user_state_dir("ackdrop")).absolute()


async def up(port: int | None, brokers: int | None, progress: Progress | None) -> tuple[Brokers, bool]:
    """Start so many brokers (None: one) and let them go. Returns them, and whether this call started them (False: they
    ran already).

    Raises BrokerError when they cannot be started, or where another port or number is asked for than what runs.
    """
    with _alone():
        running = status()
        if running is None:
            return await _start(port, brokers or 1, progress), True
        if port not in (None, running.nodes[0].port) or brokers not in (None, len(running.nodes)):
            raise BrokerError(
                f"{what(running)} already, at {running.bootstrap}", remedy="end it first with: ackdrop broker down"
            )
        return running, False


def what(running: Brokers) -> str:
    """The beginning of a sentence about what runs."""
    count = len(running.nodes)
    return "a broker runs" if count == 1 else f"a cluster of {count} brokers runs"


async def _start(port: int | None, brokers: int, progress: Progress | None) -> Brokers:
    async with embedded.cluster(Wish(brokers), progress, ports=_ports(port, brokers)) as running:
        supervisors = [psutil.Process(node.child.process.pid) for node in running.nodes]
        background = Brokers(
            tuple(
                Background(supervisor.pid, supervisor.create_time(), node.node.port, node.child.spec.folder)
                for node, supervisor in zip(running.nodes, supervisors, strict=True)
            ),
            pinned().kafka,
        )
        # Written before they are let go: were we killed in between, there would be brokers that nobody knows of.
        _write(background)
        for node in running.nodes:
            await node.child.detach()
    return background


def _ports(first: int | None, count: int) -> list[int]:
    """Ports one after the other: from the one that was asked for, or the preferred ones where all are free."""
    ports = list(range(first or PREFERRED_PORT, (first or PREFERRED_PORT) + count))
    if ports[-1] > 65535:
        raise UsageError(f"port {ports[-1]} does not exist", remedy=f"give one up to {65536 - count} with --port")
    return ports if first or all(map(is_free, ports)) else []


def status() -> Brokers | None:
    """The brokers of which at least one runs, None where there is none. What dead ones left behind is removed."""
    known = _read()
    if known is None or any(node.runs for node in known.nodes):
        return known
    _forget(known)
    return None


async def down() -> Brokers | None:
    """End the brokers and remove their folders. Returns what was ended, None where nothing ran."""
    with _alone():
        running = status()
        if running is not None:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    for node in running.nodes:
                        nursery.start_soon(_end, node)
            _forget(running)
        return running


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


def _read() -> Brokers | None:
    try:
        told = json.loads(_state_file().read_text(encoding="utf-8"))
        return Brokers(tuple(Background(**node) for node in told["nodes"]), told["kafka"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise BrokerError(
            f"{_state_file()} cannot be read: {error}",
            remedy="remove the file, and end its brokers by their process ids",
        ) from error


def _write(background: Brokers) -> None:
    """Write the state file in one step."""
    part = _state_file().with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(asdict(background)), encoding="utf-8")
    part.replace(_state_file())


def _forget(background: Brokers) -> None:
    for node in background.nodes:
        shutil.rmtree(node.folder, ignore_errors=True)
    _state_file().unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """No other `up` or `down` of this user's meanwhile. Raises BrokerError where there is one."""
    with lock_file(state_folder() / "broker.lock", "ACKDROP_STATE") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BrokerError(
                "another `ackdrop broker up` or `down` is at work", remedy="wait until it has ended"
            ) from error
        yield
