"""What tests of the whole proxy share: `ackdrop proxy` as its users start it, and the clients that it stands before."""

from __future__ import annotations

import gc
import importlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited

DEADLINE = 30.0
"""Seconds for anything that a test waits for."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a proxy ended. `report` is what `--json` wrote, None where it wrote nothing."""

    exit_code: int
    out: str
    err: str
    report: Any
    seconds: float

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons."""
        return [reason["code"] for reason in self.report["reasons"]]

    @property
    def arm(self) -> Any:
        """The one arm of the report."""
        (arm,) = self.report["arms"]
        return arm


class ProxyProcess:
    """`ackdrop proxy` in a process of its own, with a temporary folder of its own, started and ended as a user does."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.bootstrap = ""
        folder.mkdir(parents=True)
        self.out_folder = folder / "runs"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._json = folder / "result.json"
        if "--json" not in arguments:
            arguments = [*arguments, "--json", str(self._json)]
        command = [sys.executable, "-m", "ackdrop", "proxy", "--out", str(self.out_folder), *arguments]
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=inherited(TMPDIR=str(self.temporary)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._err: list[str] = []
        self._out: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_err, daemon=True),
            threading.Thread(target=self._read_out, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_err(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._err.append(line)
            self._lines.put(line)
        self._lines.put("")

    def _read_out(self) -> None:
        assert self._process.stdout is not None
        self._out.extend(self._process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    def says(self, pattern: str) -> re.Match[str]:
        """Waits until a line on standard error has this; lines before it are passed over."""
        deadline = time.monotonic() + DEADLINE
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line, f"ended without saying {pattern!r}: {''.join(self._err)}"
            found = re.search(pattern, line)
            if found is not None:
                return found

    def has_said(self, pattern: str) -> bool:
        """Whether a line on standard error has had this by now."""
        return any(re.search(pattern, line) for line in list(self._err))

    def address(self) -> str:
        """Where it listens, out of the first line that it says."""
        return self.says(r"^ackdrop listens on (127\.0\.0\.1:\d+), in front of ")[1]

    def listeners(self) -> set[int]:
        """The ports on which it listens now."""
        connections = psutil.Process(self.pid).net_connections("tcp")
        return {int(found.laddr.port) for found in connections if found.status == psutil.CONN_LISTEN}

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals | None = signal.SIGTERM) -> Ended:
        """Sends it the signal (None: it ends by itself), and waits for its end. Nothing of it may be left then."""
        begun = time.monotonic()
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        ports = self.listeners() if number is not None else set()
        sockets = {inode for inode, port in _listening().items() if port in ports}
        assert len(sockets) >= len(ports)
        if number is not None:
            self.send(number)
        code = self._process.wait(DEADLINE)
        seconds = time.monotonic() - begun
        for reader in self._readers:
            reader.join(DEADLINE)
        _, alive = psutil.wait_procs(family, timeout=DEADLINE)
        assert not alive
        assert os.listdir(self.temporary) == []
        assert not sockets & _listening().keys()
        err, out = "".join(self._err), "".join(self._out)
        assert "Traceback" not in err
        written = self._json.read_text() if self._json.exists() else ""
        return Ended(code, out, err, json.loads(written) if written else None, seconds)

    def close(self) -> None:
        """The fixture's end: whatever still runs is killed."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _listening() -> dict[str, int]:
    """The sockets that listen on this machine by their inodes, which no other one gets, and their ports, which do."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


StartProxy = Callable[..., ProxyProcess]


@pytest.fixture(scope="module", autouse=True)
def told_where_it_was_left() -> Iterator[None]:
    """What tests of a file have left open is told at its end, and not while another file's tests run."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def proxy_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartProxy]:
    """`proxy_processes(*arguments)` starts `ackdrop proxy` with these arguments; for fixtures that share one."""
    started: list[ProxyProcess] = []

    def start(*arguments: str) -> ProxyProcess:
        started.append(ProxyProcess(list(arguments), tmp_path_factory.mktemp("proxy") / "here"))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture(scope="module")
def shared_proxy(embedded_broker: str, proxy_processes: StartProxy) -> Iterator[ProxyProcess]:
    """One proxy for all tests of a file, none of which may force a retry; `bootstrap` is its address.

    At its end it has understood all that it saw, and found nothing amiss.
    """
    process = proxy_processes("--bootstrap", embedded_broker, "--listen", "127.0.0.1:0")
    process.bootstrap = process.address()
    yield process
    ended = process.end()
    assert ended.exit_code == 3
    assert ended.codes in (["no-retry"], ["nothing-produced"])
    assert ended.arm["wire"]["undecoded"] == 0
    log = ended.arm["log"]
    assert (log["records"], log["duplicates"], log["lost"], log["past_proxy"]) == (log["distinct"], 0, 0, 0)


@pytest.fixture
def start_proxy(embedded_broker: str, tmp_path: Path) -> Iterator[StartProxy]:
    """`start_proxy(*arguments)` starts `ackdrop proxy` before the embedded broker, on a free port."""
    started: list[ProxyProcess] = []

    def start(*arguments: str) -> ProxyProcess:
        command = ["--bootstrap", embedded_broker, "--listen", "127.0.0.1:0", *arguments]
        started.append(ProxyProcess(command, tmp_path / f"proxy-{len(started)}"))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def new_topic(embedded_broker: str) -> Callable[..., str]:
    """`new_topic(partitions)` makes a topic, past any proxy. It stays: the broker ends with the session."""

    def make(partitions: int = 3) -> str:
        name = f"ackdrop-proxied-{uuid.uuid4().hex[:12]}"

        async def create() -> None:
            async with Cluster.connect(embedded_broker) as cluster:
                await cluster.create_topic(name, partitions)

        trio.run(create)
        return name

    return make


@pytest.fixture
def own_topics(embedded_broker: str) -> Iterator[Callable[[str], None]]:
    """`own_topics(name)` makes a topic of this very name, as a page of the documentation has it; gone at the end."""
    made: list[str] = []

    async def change(create: str | None) -> None:
        async with Cluster.connect(embedded_broker) as cluster:
            if create is not None:
                await cluster.create_topic(create, 1)
            for name in made if create is None else ():
                await cluster.delete_topic(name)

    def make(name: str) -> None:
        trio.run(change, name)
        made.append(name)

    yield make
    trio.run(change, None)


def missing(what: str, remedy: str) -> None:
    """A user's machine may lack a tool, and skips; CI has to have it."""
    text = f"{what} is not installed: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """`tool("kcat")` is its path; without it the test is skipped, and fails in CI."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing(name, f"apt-get install {name}")
        assert path is not None
        return path

    return find


@pytest.fixture(scope="session")
def library() -> Callable[[str], ModuleType]:
    """`library("confluent_kafka")` is the module; without it the test is skipped, and fails in CI."""

    def find(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            missing(name, "pip install 'ackdrop[test]'")
            raise

    return find


@pytest.fixture
def committed(embedded_broker: str, library: Callable[[str], Any]) -> Callable[[str, str], dict[int, int]]:
    """`committed(group, topic)`: partition → the offset that the group has committed."""
    kafka = library("kafka")

    def ask(group: str, topic: str) -> dict[int, int]:
        admin = kafka.KafkaAdminClient(bootstrap_servers=embedded_broker)
        try:
            found = admin.list_group_offsets(group)[group]
        finally:
            admin.close()
        return {place.partition: told.offset for place, told in sorted(found.items()) if place.topic == topic}

    return ask


@pytest.fixture
def past_the_proxy(embedded_broker: str) -> Callable[..., set[Any]]:
    """`past_the_proxy(pid)`: the open connections of a process, this one if none is named, to the broker's own port."""
    port = int(embedded_broker.rpartition(":")[2])

    def find(pid: int | None = None) -> set[Any]:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except psutil.NoSuchProcess:  # it has ended meanwhile
            return set()
        return {found.laddr for found in connections if found.raddr and found.raddr.port == port}

    return find
