"""Docker: the command lines, and what there is to say where it is absent. No engine is needed, or used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import trio

from ackdrop.broker import docker
from ackdrop.errors import BrokerError


def client(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `docker` that does this, first on the PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("DOCKER_HOST", raising=False)


async def test_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await docker.why_not() == "there is no docker client"


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker client on this machine")
async def test_a_real_client_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert str(await docker.why_not()).startswith("the docker client has no engine: ")


async def test_a_client_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "ENGINE_WITHIN", 0.2)
    client(tmp_path / "bin", "exec sleep 60", monkeypatch)
    assert await docker.why_not() == "the docker client did not answer within 0.2 s"


async def test_an_engine_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(
        tmp_path / "bin",
        "case $1 in version) echo 28.2.2;; context) echo unix:///var/run/docker.sock;; esac",
        monkeypatch,
    )
    assert await docker.why_not() is None
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    assert await docker.why_not() is None


async def test_an_engine_of_another_machine_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path / "bin", "case $1 in version) echo 28.2.2;; context) echo ssh://me@far;; esac", monkeypatch)
    assert await docker.why_not() == "Docker's engine is on another machine (ssh://me@far)"
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert await docker.why_not() == "Docker's engine is on another machine (tcp://192.0.2.1:2375)"


def test_the_container_is_named_labelled_removed_and_on_loopback_alone() -> None:
    command = docker.run_command("ackdrop-redpanda-1", 20001, 20002, "image:1")
    before, after = command[: command.index("image:1")], command[command.index("image:1") + 1 :]
    assert before[:5] == ["docker", "run", "--name", "ackdrop-redpanda-1", "--label"]
    assert before[before.index("--label") + 1] == "ackdrop"
    published = [before[at + 1] for at, word in enumerate(before) if word == "--publish"]
    assert published == ["127.0.0.1:20001:20001", "127.0.0.1:20002:9644"]
    assert after[:2] == ["redpanda", "start"]
    assert after[after.index("--advertise-kafka-addr") + 1] == "127.0.0.1:20001"
    assert {"redpanda.write_caching_default=false", "--unsafe-bypass-fsync=false"} <= set(after)


async def test_the_image_is_pulled_only_where_it_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACKDROP_REDPANDA_IMAGE", "mine:1")
    client(tmp_path / "bin", "exit 1", monkeypatch)
    assert (await docker.commands("n", 1, 2))[0] == ["docker", "pull", "--quiet", "mine:1"]
    client(tmp_path / "bin", "exit 0", monkeypatch)
    assert [command[1] for command in await docker.commands("n", 1, 2)] == ["run"]


async def test_an_image_that_cannot_be_had_is_told_and_the_container_removed(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "asked"
    client(tmp_path / "bin", f'echo "$@" >> {log}; echo "no such image" >&2; exit 1', monkeypatch)
    said: list[str] = []
    with pytest.raises(BrokerError, match=r"(?s)did not start: it ended with exit code 1.*no such image"):
        async with docker.broker(said.append):
            pass
    assert said == [f"Pulling {docker.IMAGE}, once ..."]
    asked = log.read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["image", "pull", "rm"]
    assert asked[-1].startswith("rm --force --volumes ackdrop-redpanda-")
    assert os.listdir(temporary) == []


async def test_a_port_taken_in_the_meantime_is_tried_again_with_others(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "asked"
    script = f'echo "$@" >> {log}; case $1 in run) echo "Bind: port is already allocated" >&2; exit 125;; esac'
    client(tmp_path / "bin", script, monkeypatch)
    with trio.fail_after(30), pytest.raises(BrokerError, match="port is already allocated"):
        async with docker.broker(lambda line: None):
            pass
    runs = [line for line in log.read_text().splitlines() if line.startswith("run ")]
    assert len(runs) == 3
    assert len({line.split("--publish ")[1].split()[0] for line in runs}) == 3
