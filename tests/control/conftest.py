"""Facts with everyday defaults, so that a test names only what it is about; and proxies that can be controlled."""

from __future__ import annotations

import dataclasses
import http.client
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ackdrop.control.address import address_of
from ackdrop.control.client import Client
from ackdrop.environment import inherited
from ackdrop.observations import Acked, Answered, Attempt, Decided, Forwarded, Observation

ATTEMPT = Attempt(
    number=1,
    at=100.0,
    connection=1,
    correlation_id=1,
    client_id="app",
    software="kafka-python 3.0.12",
    api_version=7,
    acks=-1,
    transactional_id=None,
    topic="orders",
    partition=0,
    producer_id=-1,
    producer_epoch=-1,
    base_sequence=-1,
    records=1,
    crc=1,
    size=120,
    retry_of=None,
    tries=1,
    ambiguous=False,
)
DECIDED = Decided(100.5, "lose it", 1, 1, "app", "orders", 0, 1, True, "drop", True, 1)


@pytest.fixture(scope="session")
def attempt() -> Callable[..., Attempt]:
    return lambda **changes: dataclasses.replace(ATTEMPT, **changes)


@pytest.fixture
def decided() -> Callable[..., Decided]:
    return lambda **changes: dataclasses.replace(DECIDED, **changes)


@pytest.fixture
def lost_and_sent_again() -> Callable[..., list[Observation]]:
    """Attempt `number` is appended at `first`, its ack is dropped, and the next attempt repeats it: answered with
    `error` and `again`."""

    def make(number: int, first: int, again: int, error: int = 0, **changes: object) -> list[Observation]:
        one = dataclasses.replace(ATTEMPT, number=number, correlation_id=number, **changes)  # type: ignore[arg-type]
        two = dataclasses.replace(one, number=number + 1, correlation_id=number + 1, retry_of=number, tries=2, at=102.0)
        return [
            one,
            Forwarded(100.0, number),
            Answered(100.25, number, 0, first),
            dataclasses.replace(DECIDED, attempt=number, correlation_id=number),
            Acked(100.25, number, "dropped", None),
            two,
            Forwarded(102.0, number + 1),
            Answered(102.5, number + 1, error, again),
            Acked(102.5, number + 1, "delivered", error),
        ]

    return make


class Running:
    """An `ackdrop proxy` in a process of its own, in front of a broker that is not there, and its control API."""

    def __init__(self, folder: Path, *arguments: str, before: str = "", **environment: str) -> None:
        """`before` is Python that the process executes first."""
        self.folder = folder
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment = inherited(**{"XDG_RUNTIME_DIR": str(runtime), **environment})
        program = ["-m", "ackdrop"] if not before else ["-c", f"{before}\nfrom ackdrop.cli import main\nmain()"]
        command = [sys.executable, "-P", *program, "proxy", "--bootstrap", "127.0.0.1:1", "--no-verify"]
        command += ["--listen", "127.0.0.1:0", "--out", str(folder / "runs"), *arguments]
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert self.process.stderr is not None
        self.said: list[str] = []
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for("with: ackdrop ctl")
        found = re.search(r"control API at (\S+?)(?:, its token is in (.*))?$", "\n".join(self.said), re.MULTILINE)
        assert found is not None
        self.address = address_of(found[1])
        self.token_file = None if found[2] is None else Path(found[2])
        self.token = self.environment.get("ACKDROP_CONTROL_TOKEN") or (
            "" if self.token_file is None else self.token_file.read_text().strip()
        )

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._told:
                    self.said.append(line.rstrip("\n"))
                    self._told.notify_all()
        with self._told:
            self.said.append(ENDED)
            self._told.notify_all()

    def wait_for(self, text: str, since: int = 0) -> None:
        """Wait until the proxy has said this, from that line on."""
        with self._told:
            there = self._told.wait_for(lambda: any(text in line or line == ENDED for line in self.said[since:]), 120)
        assert there, self.said
        assert any(text in line for line in self.said[since:]), self.said

    def client(self, token: str | None = None) -> Client:
        return Client(self.address, self.token if token is None else token)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, whatever it says."""
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


ENDED = "<ended>"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """`begin(*arguments, before="", **environment)`: one more proxy, which ends with the test."""
    begun: list[Running] = []

    def start(*arguments: str, before: str = "", **environment: str) -> Running:
        folder = tmp_path / f"proxy-{len(begun)}"
        folder.mkdir()
        begun.append(Running(folder, *arguments, before=before, **environment))
        return begun[-1]

    yield start
    for one in begun:
        if one.process.poll() is None:
            one.end()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A proxy for all tests of a module, with a scenario of one fault."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "mine.yaml").write_text(SCENARIO)
    running = Running(folder, "--control", "127.0.0.1:0", "--scenario", "mine.yaml")
    yield running
    assert running.process.poll() is None, "the proxy has ended"
    assert running.end() == 4  # no broker was ever there
    assert not [line for line in running.said if "Traceback" in line or "internal error" in line]


SCENARIO = """\
version: 1
title: One fault
faults:
  - {name: lose it, at: produce.response, when: {nth: 3}, do: {drop: {}}}
"""
