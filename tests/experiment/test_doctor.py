"""What `ackdrop doctor` says, and what it never does: fail, wait for long, or tell a secret."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.clients import CLIENTS, Client
from ackdrop.environment import inherited
from ackdrop.experiment.doctor import brokers, installed, machine, producers
from ackdrop.experiment.doctor.checks import Check, Examination, at_home
from ackdrop.experiment.doctor.examine import examined

SECRET = "hunter2"


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ackdrop", "doctor", *arguments],
        env=inherited(**environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What it tells of this machine, while variables hold secrets."""
    done = doctor(
        "--json",
        ACKDROP_UPSTREAM_SASL_PASSWORD_FILE=f"/run/{SECRET}",
        ACKDROP_BOOTSTRAP=f"{SECRET}.invalid:1",
        DOCKER_HOST=f"ssh://{SECRET}@127.0.0.1:1",
        HTTPS_PROXY=f"http://user:{SECRET}@127.0.0.1:1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert SECRET not in done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_looks_at_everything(told: dict[str, Any]) -> None:
    assert told["schema"] == "ackdrop/doctor/1"
    names = [check["name"] for check in told["checks"]]
    assert len(set(names)) == len(names)
    assert {"ackdrop", "Python", "libraries", "extra embedded", "extra control", "found", "docker", "Java"} <= set(
        names
    )
    assert {*CLIENTS, "system", "descriptors", "disk here", "port 19092", "settings"} <= set(names)


def test_names_of_variables_are_told_and_no_values(told: dict[str, Any]) -> None:
    (settings,) = [check for check in told["checks"] if check["name"] == "settings"]
    assert {"ACKDROP_BOOTSTRAP", "DOCKER_HOST", "HTTPS_PROXY"} <= set(settings["facts"]["names"])


def test_a_broker_that_is_not_there_is_a_warning_with_what_to_do(told: dict[str, Any]) -> None:
    (given,) = [check for check in told["checks"] if check["name"] == "given"]
    assert (given["state"], bool(given["remedy"])) == ("warning", True)
    assert told["warnings"] >= 1
    assert "ackdrop doctor" in told["next"]


def test_for_people_it_fits_and_says_what_is_next() -> None:
    done = doctor(COLUMNS="80")
    assert done.returncode == 0
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert done.stdout.splitlines()[-1].startswith("Next: ")
    assert "\x1b" not in done.stdout


def test_json_into_a_file(tmp_path: Path) -> None:
    done = doctor("--json", str(tmp_path / "doctor.json"))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "doctor.json").read_text())["checks"]


async def test_a_probe_that_breaks_or_waits_is_a_finding_and_ends_no_other() -> None:
    async def breaks() -> Sequence[Check]:
        raise ZeroDivisionError("oh")

    async def waits() -> Sequence[Check]:
        await trio.sleep_forever()
        raise AssertionError

    async def fine() -> Sequence[Check]:
        return [Check("a", "fine", "ok", "here")]

    begun = time.monotonic()
    found = await examined([("a", "breaks", breaks), ("a", "waits", waits), ("a", "fine", fine)], 0.1)
    assert time.monotonic() - begun < 2
    assert [(check.name, check.state, check.text) for check in found.checks] == [
        ("breaks", "warning", "could not be looked at: ZeroDivisionError: oh"),
        ("waits", "warning", "no answer within 0.1 s"),
        ("fine", "ok", "here"),
    ]


def test_where_nothing_is_missing_the_next_step_is_a_run() -> None:
    assert Examination((Check("a", "b", "note", "c", "d"),)).next == "ackdrop run lost-ack"


async def test_what_is_there_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Client("nobody", "no-such-library", "nobody", Path("x.py"), "nobody")
    monkeypatch.setattr(producers, "CLIENTS", {"kafka-python": CLIENTS["kafka-python"], "nobody": unknown})
    there, missing = await producers.producers()
    assert (there.state, missing.state, missing.remedy) == ("ok", "note", "pip install 'ackdrop[nobody]'")


async def test_a_library_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = dataclasses.replace(CLIENTS["kafka-python"], module="no_such_module")
    monkeypatch.setattr(producers, "CLIENTS", {"kafka-python": broken})
    (check,) = await producers.producers()
    assert check.state == "warning"
    assert "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'" in check.text


async def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(machine, "PORTS", {port: "here"})
        (check,) = await machine.ports()
    assert (check.name, check.state, check.facts) == (f"port {port}", "note", {"port": port, "free": False})


async def test_extras_say_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "version_of", lambda name: None)
    checks = await installed.extras()
    assert [check.remedy for check in checks] == [
        f"pip install 'ackdrop[{extra}]'" for extra in ("embedded", "confluent-kafka", "aiokafka", "control")
    ]


async def test_a_file_that_is_no_jar_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACKDROP_CACHE", str(tmp_path))
    (embedded,) = [check for check in await brokers.embedded() if check.name == "embedded"]
    assert (embedded.facts["cached"], embedded.state) == (0, "note")


def test_a_home_folder_is_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert [at_home(path) for path in ("/home/alice", "/home/alice/x", "/home/alicex", "/tmp")] == [
        *("~", "~/x", "/home/alicex", "/tmp")
    ]


@pytest.mark.integration
async def test_a_broker_that_answers(embedded_broker: str) -> None:
    (check,) = await brokers.given(embedded_broker)
    assert (check.state, check.facts["kind"]) == ("ok", "kafka")
    assert embedded_broker not in check.text
