"""`ackdrop ctl`, in front of a proxy that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ackdrop.cli.ctl import ctl as verb
from ackdrop.environment import inherited
from ackdrop.errors import SurroundingsError, UsageError

LATENCY = "{name: slow, at: connection, do: {latency: {for: 1s}}}"


@pytest.fixture
def ctl(proxy: Any) -> Callable[..., Result]:
    """`ctl(*words, input=..., **environment)`: the command as its user would type it."""

    def run(*words: str, input: str | None = None, **environment: str) -> Result:
        settings = {"XDG_RUNTIME_DIR": proxy.environment["XDG_RUNTIME_DIR"], **environment}
        return CliRunner(env=settings).invoke(verb, list(words), input=input)

    return run


def test_it_finds_the_only_one_that_runs(ctl: Callable[..., Result], proxy: Any) -> None:
    result = ctl("status")
    assert result.exit_code == 0
    about = proxy.client().get("/v1/state")["about"]
    assert result.output.startswith(f"ackdrop {about['version']}, process {proxy.process.pid}, for ")
    assert f"listens on      {about['listen']}, in front of unknown at 127.0.0.1:1\n" in result.output
    assert "  armed  lose it  matched 0, fired 0  drop at the answers to produce requests; the 3rd" in result.output


def test_faults_come_rest_and_go(ctl: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text(LATENCY)
    assert ctl("faults", "add", str(file)).output == (
        "armed  slow  matched 0, fired 0  latency at connections; every one that matches\n"
    )
    assert ctl("faults", "disarm", "slow").output.startswith("off    slow")
    assert "off    slow   " in ctl("faults", "list").output
    assert ctl("faults", "arm", "slow").output.startswith("armed  slow")
    assert ctl("faults", "reset", "slow").output.startswith("armed  slow")
    assert ctl("faults", "reset").output.count("armed") == 2
    assert ctl("faults", "remove", "slow").output == 'removed "slow"\n'
    assert "slow" not in ctl("faults", "list").output


def test_faults_come_from_standard_input(ctl: Callable[..., Result]) -> None:
    assert ctl("faults", "add", "-", input=LATENCY).exit_code == 0
    assert ctl("faults", "remove", "slow").exit_code == 0


def test_faults_come_from_a_shipped_scenario(ctl: Callable[..., Result]) -> None:
    assert ctl("faults", "add", "lost-ack").output.startswith("armed  lose the third ack  ")
    assert ctl("faults", "remove", "lose the third ack").exit_code == 0


def test_a_file_that_is_not_there(ctl: Callable[..., Result], tmp_path: Path) -> None:
    assert "no such file or folder" in refused(ctl("faults", "add", str(tmp_path / "none.yaml"))).message
    assert "no scenario in this folder" in refused(ctl("faults", "add", str(tmp_path))).message


@pytest.mark.parametrize(
    "words", [["status"], ["findings"], ["health"], ["faults", "list"], ["faults", "disarm", "lose it"]]
)
def test_as_json(ctl: Callable[..., Result], words: list[str]) -> None:
    assert json.loads(ctl("--format", "json", *words).output)
    ctl("faults", "arm", "lose it")


def test_health_findings_and_metrics(ctl: Callable[..., Result]) -> None:
    assert ctl("health").output.startswith("ok; ackdrop ")
    assert "  lost records: what was acked and is not in the log\n" in ctl("findings").output
    assert 'ackdrop_fault_armed{at="produce.response",do="drop",fault="lose it"} 1.0\n' in ctl("metrics").output


def refused(result: Result) -> UsageError:
    assert isinstance(result.exception, UsageError), result.output
    return result.exception


def test_what_the_proxy_refuses_is_said_in_its_words(ctl: Callable[..., Result]) -> None:
    assert refused(ctl("faults", "arm", "lose")).remedy == 'did you mean "lose it"?'
    assert "fault:1:6: faults[0].at: unknown place" in refused(ctl("faults", "add", "-", input="{at: x}")).message


def test_an_address_and_a_token_can_be_named(ctl: Callable[..., Result], proxy: Any, tmp_path: Path) -> None:
    address, empty = str(proxy.address), str(tmp_path)
    assert ctl("--control", address, "faults", "list").exit_code == 0
    os.chmod(tmp_path, 0o700)
    elsewhere = {"XDG_RUNTIME_DIR": empty}
    assert "the token is missing" in refused(ctl("--control", address, "status", **elsewhere)).message
    assert ctl("--control", address, "health", **elsewhere).exit_code == 0
    assert ctl("--control", address, "--token-file", str(proxy.token_file), "status", **elsewhere).exit_code == 0
    assert ctl("--control", address, "status", ACKDROP_CONTROL_TOKEN=proxy.token, **elsewhere).exit_code == 0
    wrong = refused(ctl("--control", address, "status", ACKDROP_CONTROL_TOKEN="x" * 40, **elsewhere))
    assert wrong.remedy == "name the file of its token with --token-file, or set ACKDROP_CONTROL_TOKEN"


def test_where_none_runs(ctl: Callable[..., Result], tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    assert refused(ctl("status", XDG_RUNTIME_DIR=str(tmp_path))).message == "no proxy of yours with a control API runs"
    result = ctl("--control", "127.0.0.1:1", "status")
    assert isinstance(result.exception, SurroundingsError)
    assert "no control API answers at 127.0.0.1:1: Connection refused" in result.exception.message


def test_where_several_run(begin: Any, tmp_path: Path) -> None:
    runtime = tmp_path / "shared"
    runtime.mkdir(mode=0o700)
    first = begin("--control", "127.0.0.1:0", XDG_RUNTIME_DIR=str(runtime))
    second = begin("--control", f"unix:{tmp_path}/c.sock", XDG_RUNTIME_DIR=str(runtime))
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    error = refused(CliRunner(env=env).invoke(verb, ["status"]))
    assert error.message.startswith("2 proxies run: ")
    assert str(first.address) in error.message
    result = CliRunner(env=env).invoke(verb, ["--control", str(second.address), "status"])
    assert f"process {second.process.pid}, " in result.output
    assert first.end() == 4
    assert f"process {second.process.pid}, " in CliRunner(env=env).invoke(verb, ["status"]).output
    second.end()
    assert not (tmp_path / "c.sock").exists()
    assert list((runtime / "ackdrop").iterdir()) == []


def test_a_token_of_ones_own(begin: Any, tmp_path: Path) -> None:
    own = begin("--control", "127.0.0.1:0", ACKDROP_CONTROL_TOKEN="a-token-of-my-own-0123")
    assert own.token_file is None
    assert own.client().get("/v1/faults") == []
    file = tmp_path / "token"
    file.write_text("another-token-of-mine\n")
    file.chmod(0o600)
    other = begin("--control", "127.0.0.1:0", "--control-token-file", str(file))
    assert other.client("another-token-of-mine").get("/v1/faults") == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--control", "0.0.0.0:9191"], 2, "is not loopback, and the control API listens nowhere else"),
        (["--control", "9191"], 2, "neither HOST:PORT nor unix:PATH"),
        (["--control-token-file", "x"], 2, "--control-token-file without --control"),
        (["--control", "127.0.0.1:0", "--control-token-file", "/nothing"], 2, "the token file /nothing cannot be read"),
    ],
)
def test_what_the_proxy_cannot_be_told(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    command = [sys.executable, "-P", "-m", "ackdrop", "proxy", "--bootstrap", "127.0.0.1:1", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_its_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('no', name='fastapi')\n")
    command = [sys.executable, "-m", "ackdrop", "proxy", "--bootstrap", "127.0.0.1:1", "--control", "127.0.0.1:0"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=inherited(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 4
    assert done.stderr == (
        "ackdrop: the control API and metrics need fastapi, which is not installed\n"
        "  try: pip install 'ackdrop[control]'\n"
    )
