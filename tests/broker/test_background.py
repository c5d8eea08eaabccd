"""What is known of the broker that outlives its command. That it does is in the integration tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
import trio
from click.testing import CliRunner

from ackdrop.broker import background
from ackdrop.broker.background import Background, Brokers, down, state_folder, status, up
from ackdrop.cli import broker as verbs
from ackdrop.errors import BrokerError, UsageError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder, empty."""
    monkeypatch.setenv("ACKDROP_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def known(state: Path, tmp_path: Path) -> Brokers:
    """A broker that the state file tells of; its supervisor is this very process."""
    folder = tmp_path / "folder"
    folder.mkdir()
    us = psutil.Process()
    brokers = Brokers((Background(us.pid, us.create_time(), 19092, str(folder)),), "4.3.1")
    remember(state, brokers)
    return brokers


def remember(state: Path, brokers: Brokers) -> None:
    state.mkdir(exist_ok=True)
    (state / "broker.json").write_text(json.dumps(asdict(brokers)))


def changed(brokers: Brokers, **values: object) -> Brokers:
    """The same, but for this of its one broker."""
    return replace(brokers, nodes=(replace(brokers.nodes[0], **values),))  # type: ignore[arg-type]


def test_the_state_is_where_the_environment_says(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_folder() == state
    monkeypatch.delenv("ACKDROP_STATE")
    assert state_folder().name == "ackdrop"


def test_without_a_state_file_nothing_runs(state: Path) -> None:
    assert status() is None
    assert trio.run(down) is None
    result = CliRunner().invoke(verbs.broker, ["status"])
    assert (result.exit_code, result.output) == (0, "No broker runs. Start one with: ackdrop broker up\n")
    assert CliRunner().invoke(verbs.broker, ["down"]).output == "No broker runs.\n"


def test_a_running_broker_is_told(known: Brokers) -> None:
    assert status() == known
    said = CliRunner().invoke(verbs.broker, ["status"]).output
    assert said.startswith("Apache Kafka 4.3.1 runs at 127.0.0.1:19092, since 20")
    assert "export ACKDROP_BOOTSTRAP=127.0.0.1:19092\n" in said


def test_of_several_those_that_run_are_told(known: Brokers, state: Path, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    one = known.nodes[0]
    others = [replace(one, port=19093, pid=ended.pid), replace(one, port=19094)]
    remember(state, replace(known, nodes=(one, *others)))
    said = CliRunner().invoke(verbs.broker, ["status"]).output.splitlines()
    assert said[0].startswith("Apache Kafka 4.3.1 (3 brokers) runs at 127.0.0.1:19092,127.0.0.1:19094, since 20")
    assert said[1] == "export ACKDROP_BOOTSTRAP=127.0.0.1:19092,127.0.0.1:19094"
    assert said[2:] == [
        f"broker 1 at 127.0.0.1:19092: its log: {one.log_file}",
        "broker 2 at 127.0.0.1:19093: has ended",
        f"broker 3 at 127.0.0.1:19094: its log: {one.log_file}",
    ]


async def test_ports_beyond_the_last_are_refused(state: Path) -> None:
    with pytest.raises(UsageError, match="port 65536 does not exist") as caught:
        await up(65534, 3, None)
    assert caught.value.remedy == "give one up to 65533 with --port"


def test_the_same_process_id_with_another_start_time_is_another_program(known: Brokers, state: Path) -> None:
    remember(state, changed(known, started=known.nodes[0].started - 60))
    assert status() is None
    assert not Path(known.nodes[0].folder).exists()
    assert not (state / "broker.json").exists()


def test_a_process_that_is_gone_is_forgotten_with_its_folder(known: Brokers, state: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    remember(state, changed(known, pid=ended.pid))
    assert status() is None
    assert not Path(known.nodes[0].folder).exists()


def test_a_zombie_does_not_run(known: Brokers, state: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        started = psutil.Process(child.pid).create_time()
        child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    remember(state, changed(known, pid=child.pid, started=started))
    assert status() is None
    child.wait()


def test_a_damaged_state_file_is_told(state: Path) -> None:
    state.mkdir()
    (state / "broker.json").write_text("{")
    with pytest.raises(BrokerError, match=r"broker\.json cannot be read"):
        status()


async def test_a_second_up_finds_the_first(known: Brokers) -> None:
    assert await up(None, None, None) == (known, False)
    assert await up(19092, 1, None) == (known, False)
    with pytest.raises(BrokerError, match=r"runs already, at 127\.0\.0\.1:19092") as caught:
        await up(19093, None, None)
    assert "ackdrop broker down" in (caught.value.remedy or "")
    with pytest.raises(BrokerError, match=r"a broker runs already"):
        await up(None, 3, None)


async def test_two_at_once_do_not_meet(state: Path) -> None:
    with background._alone():
        with pytest.raises(BrokerError, match="is at work"):
            await up(None, None, None)
        with pytest.raises(BrokerError, match="is at work"):
            await down()


async def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ACKDROP_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(BrokerError, match="cannot be written: Not a directory"):
        await up(None, None, None)


@pytest.mark.parametrize("verb", ["up", "status", "down"])
def test_help_has_an_example(verb: str) -> None:
    result = CliRunner().invoke(verbs.broker, [verb, "--help"])
    assert result.exit_code == 0
    assert f"ackdrop broker {verb}" in result.output.partition("Example")[2]


def test_progress_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with verbs.download_progress() as progress:
        for done in range(0, 45_000_001, 1_000_000):
            progress(done, 45_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Downloading Apache Kafka, once: 0 of 45 MB"
    assert lines[-1] == "Downloading Apache Kafka, once: 45 of 45 MB"
    assert len(lines) == 5


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with verbs.download_progress(quiet=True) as progress:
        progress(1, 1)
    assert capsys.readouterr().err == ""


def test_progress_as_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with verbs.download_progress() as progress:
        progress(20_000_000, 40_000_000)
        progress(40_000_000, 40_000_000)
    assert "40.0/40.0 MB" in capsys.readouterr().err
