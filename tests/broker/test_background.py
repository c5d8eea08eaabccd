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
from ackdrop.broker.background import Background, down, state_folder, status, up
from ackdrop.cli import broker as verbs
from ackdrop.errors import BrokerError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder, empty."""
    monkeypatch.setenv("ACKDROP_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def known(state: Path, tmp_path: Path) -> Background:
    """A broker that the state file tells of; its supervisor is this very process."""
    folder = tmp_path / "folder"
    folder.mkdir()
    us = psutil.Process()
    background = Background(us.pid, us.create_time(), 19092, str(folder), "4.3.1")
    remember(state, background)
    return background


def remember(state: Path, background: Background) -> None:
    state.mkdir(exist_ok=True)
    (state / "broker.json").write_text(json.dumps(asdict(background)))


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


def test_a_running_broker_is_told(known: Background) -> None:
    assert status() == known
    said = CliRunner().invoke(verbs.broker, ["status"]).output
    assert said.startswith("Apache Kafka 4.3.1 runs at 127.0.0.1:19092, since 20")
    assert "export ACKDROP_BOOTSTRAP=127.0.0.1:19092\n" in said


def test_the_same_process_id_with_another_start_time_is_another_program(known: Background, state: Path) -> None:
    remember(state, replace(known, started=known.started - 60))
    assert status() is None
    assert not Path(known.folder).exists()
    assert not (state / "broker.json").exists()


def test_a_process_that_is_gone_is_forgotten_with_its_folder(known: Background, state: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    remember(state, replace(known, pid=ended.pid))
    assert status() is None
    assert not Path(known.folder).exists()


def test_a_zombie_does_not_run(known: Background, state: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        started = psutil.Process(child.pid).create_time()
        child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    remember(state, replace(known, pid=child.pid, started=started))
    assert status() is None
    child.wait()


def test_a_damaged_state_file_is_told(state: Path) -> None:
    state.mkdir()
    (state / "broker.json").write_text("{")
    with pytest.raises(BrokerError, match=r"broker\.json cannot be read"):
        status()


async def test_a_second_up_finds_the_first(known: Background) -> None:
    assert await up(None, None) == (known, False)
    assert await up(19092, None) == (known, False)
    with pytest.raises(BrokerError, match=r"runs already, at 127\.0\.0\.1:19092") as caught:
        await up(19093, None)
    assert "ackdrop broker down" in (caught.value.remedy or "")


async def test_two_at_once_do_not_meet(state: Path) -> None:
    with background._alone():
        with pytest.raises(BrokerError, match="is at work"):
            await up(None, None)
        with pytest.raises(BrokerError, match="is at work"):
            await down()


async def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ACKDROP_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(BrokerError, match="cannot be written: Not a directory"):
        await up(None, None)


@pytest.mark.parametrize("verb", ["up", "status", "down"])
def test_help_has_an_example(verb: str) -> None:
    result = CliRunner().invoke(verbs.broker, [verb, "--help"])
    assert result.exit_code == 0
    assert f"Example:  ackdrop broker {verb}" in result.output


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
