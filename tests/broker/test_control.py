"""What is done to brokers of our own: to a supervised process with signals, to a container with `docker`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import psutil
import pytest
import trio

from ackdrop.broker.control import OfChild, OfContainer
from ackdrop.broker.supervised import Child, Spec, new_folder, supervised
from ackdrop.environment import inherited
from ackdrop.errors import BrokerError

WITHIN = 20.0
FOREVER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + FOREVER


def spec(program: str) -> Spec:
    first = [sys.executable, "-I", "-c", "pass"]
    return Spec(str(new_folder()), {}, [first, [sys.executable, "-I", "-c", program]], inherited())


async def started(child: Child, times: int = 1) -> psutil.Process:
    """The last command, once it has said so many times that it runs."""
    with trio.fail_after(WITHIN):
        while child.last_words().count("here") < times:  # noqa: ASYNC110  another process writes the file
            await trio.sleep(0.01)
    return psutil.Process(child.pid)


async def until(process: psutil.Process, *states: str) -> None:
    with trio.fail_after(WITHIN):
        while process.status() not in states:  # noqa: ASYNC110  only the kernel knows
            await trio.sleep(0.01)


async def test_a_pause_stops_the_process_and_lets_it_go_on(temporary: Path) -> None:
    async with supervised(spec(FOREVER)) as child:
        while await child.event() != ("started", "1", str(child.pid)):
            pass
        process = await started(child)
        steps = OfChild(child, 1).steps("pause")
        assert steps is not None
        await steps.begin()
        await until(process, psutil.STATUS_STOPPED)
        await steps.end()
        await until(process, psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)


@pytest.mark.parametrize("word", ["restart", "kill"])
async def test_it_is_ended_and_started_again(temporary: Path, word: str) -> None:
    async with supervised(spec(FOREVER)) as child:
        while await child.event() != ("started", "1", str(child.pid)):
            pass
        first = await started(child)
        steps = OfChild(child, 1).steps(word)
        assert steps is not None
        await steps.begin()
        assert not first.is_running()
        await steps.end()
        second = await started(child, 2)
        assert second.pid != first.pid
        assert second.cwd() == child.spec.folder


async def test_one_that_is_down_cannot_be_paused(temporary: Path) -> None:
    async with supervised(spec("pass")) as child:
        while await child.event() != ("exited", "1", "0"):
            pass
        steps = OfChild(child, 1).steps("pause")
        assert steps is not None
        with pytest.raises(BrokerError, match="was not running any more"):
            await steps.begin()


async def test_one_that_ends_after_its_start_does_not_come_back(temporary: Path) -> None:
    async with supervised(spec("import sys; sys.exit(5)")) as child:
        while await child.event() != ("exited", "1", "5"):
            pass
        steps = OfChild(child, 1).steps("kill")
        assert steps is not None
        await steps.end()
        with pytest.raises(BrokerError, match="the broker did not come back: it ended with exit code 5"):
            await steps.back()


async def test_a_supervisor_that_is_gone_is_told(temporary: Path) -> None:
    async with supervised(spec(FOREVER)) as child:
        child.process.kill()
        await child.process.wait()
        steps = OfChild(child, 1).steps("restart")
        assert steps is not None
        with pytest.raises(BrokerError, match="supervisor was ended from outside"):
            await steps.begin()


async def test_a_paused_one_ends_with_the_rest(temporary: Path) -> None:
    """Nothing has to be killed for it, however long that may take."""
    async with supervised(dataclasses.replace(spec(FOREVER), grace=600.0)) as child:
        while await child.event() != ("started", "1", str(child.pid)):
            pass
        process = await started(child)
        steps = OfChild(child, 1).steps("pause")
        assert steps is not None
        await steps.begin()
    assert not process.is_running()
    assert child.process.returncode == 0


@pytest.mark.parametrize(
    ("word", "begin", "end"), [("pause", "pause", "unpause"), ("restart", "stop", "start"), ("kill", "kill", "start")]
)
async def test_what_docker_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, begin: str, end: str
) -> None:
    docker, asked = tmp_path / "docker", tmp_path / "asked"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    steps = OfContainer("mine", 1).steps(word)
    assert steps is not None
    await steps.begin()
    await steps.end()
    assert asked.read_text().splitlines() == [f"{begin} mine", f"{end} mine"]


async def test_what_docker_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Error: No such container: mine' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    steps = OfContainer("mine", 1).steps("kill")
    assert steps is not None
    with pytest.raises(BrokerError, match=r"^docker ended with exit code 1: Error: No such container: mine$"):
        await steps.begin()


def test_leadership_is_not_theirs_to_move() -> None:
    assert OfContainer("mine", 1).steps("transfer_leadership") is None
