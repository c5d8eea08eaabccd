"""SIGKILL in the middle of a run, which nothing can prepare for: what is left behind, and what can still be told of it.

One run is killed, in its second arm; all tests look at what it left.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from ackdrop.ledger import Ledger

from .past_the_proxy import DEADLINE, records_in
from .runs import Run, Start, scenario

pytestmark = pytest.mark.integration

RECORDS, RATE = 160, 40
WORKLOAD = {"records": RECORDS, "rate": f"{RATE}/s"}
SOON = 15.0
"""Seconds in which everything that the run started has ended. A broker has three to end by itself."""


@dataclass(frozen=True, slots=True)
class Killed:
    """A run that was killed. `attempts` is how many its broker had of the arm `on` a second earlier."""

    run: Run
    folder: Path
    attempts: int
    left: list[psutil.Process]


@pytest.fixture(scope="module")
def killed(start_many: Start) -> Iterator[Killed]:
    """Its broker is its own, so that the end of that can be seen too."""
    run = start_many(scenario(workload=WORKLOAD), "--broker", "embedded", broker=None)
    run.broker = f"127.0.0.1:{run.until(lambda: broker_port(run))}"
    topic = run.topic("on")
    early = run.until(lambda: at_least(10, records_in(run.broker, topic)))
    run.until(lambda: at_least(early + RATE, records_in(run.broker, topic)))
    family = run.family()
    assert any("kafka.Kafka" in process.cmdline() for process in family)
    run.process.kill()
    assert run.process.wait(DEADLINE) == -signal.SIGKILL
    run.process.communicate()
    others = [process for process in family if process.pid != run.pid]
    _, left = psutil.wait_procs(others, timeout=SOON)
    (folder,) = run.runs.iterdir()
    return Killed(run, folder, early, left)


def at_least(wanted: int, count: int) -> int:
    """The count, once it is so high; 0 before."""
    return count if count >= wanted else 0


def broker_port(run: Run) -> str:
    """The port of the run's own broker, out of its properties; empty until it is ready."""
    if not run.runs.is_dir():
        return ""
    for file in run.temporary.glob("ackdrop-broker-*/*.properties"):
        if found := re.search(r"^advertised\.listeners=.*?127\.0\.0\.1:(\d+)", file.read_text(), re.MULTILINE):
            return found[1]
    return ""


def test_no_process_and_no_folder_of_its_broker_is_left(killed: Killed) -> None:
    assert killed.left == []
    assert killed.run.family() == []
    assert os.listdir(killed.run.temporary) == []


def test_its_ledger_is_whole_and_has_what_was_seen_a_second_before(killed: Killed) -> None:
    with contextlib.closing(sqlite3.connect(f"{(killed.folder / 'ledger.db').as_uri()}?mode=ro", uri=True)) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger_of = Ledger.open(killed.folder)
    assert ledger_of.arms() == ["off", "on"]
    assert len(ledger_of.wire("off").attempts) == RECORDS + 1
    on = ledger_of.wire("on")
    assert len(on.attempts) >= killed.attempts
    assert sum(story.answered_at is not None for story in on.attempts) >= killed.attempts - 1
    assert [(tally.name, tally.fired) for tally in on.faults] == [("the fault", 1)]


def test_its_events_are_whole_lines_but_for_the_last(killed: Killed) -> None:
    *lines, _rest = (killed.folder / "events.jsonl").read_text().split("\n")
    events = [json.loads(line) for line in lines]
    assert sum(event["event"] == "decided" and event["arm"] == "on" for event in events) >= killed.attempts - 1


def report(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`ackdrop report` of that folder, somewhere else."""
    command = [sys.executable, "-m", "ackdrop", "report", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=folder.parent)


def test_it_can_be_reported_as_a_table(killed: Killed) -> None:
    done = report(killed.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^INTERRUPTED  ", done.stdout, re.MULTILINE)
    assert "(unfinished)" in done.stdout
    assert "duplicates" in done.stdout


def test_it_can_be_reported_as_json_with_the_wire_of_the_arm_that_was_killed(killed: Killed) -> None:
    done = report(killed.folder, "--json", "-")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["schema"], told["verdict"], told["exit_code"]) == ("ackdrop/report/1", "interrupted", 130)
    assert [reason["code"] for reason in told["reasons"]] == ["unfinished"]
    off, on = told["arms"]
    assert (off["name"], off["verdict"], off["log"]["duplicates"]) == ("off", "passed", 1)
    assert (on["name"], on["idempotence"], on["verdict"]) == ("on", True, "interrupted")
    wire = Ledger.open(killed.folder).wire("on")
    assert on["wire"]["produce_requests"] == wire.produce_requests >= killed.attempts
    assert (on["wire"]["retries"], on["wire"]["faults"]) == (1, [{"name": "the fault", **fired(on)}])
    assert fired(on)["fired"] == 1
    assert set(on["log"].values()) == {None}
    assert set(on["records"].values()) == {None}


def fired(arm: dict[str, Any]) -> dict[str, int]:
    (fault,) = arm["wire"]["faults"]
    return {"matched": fault["matched"], "fired": fault["fired"]}


@pytest.mark.parametrize("form", ["--junit", "--markdown", "--html"])
def test_it_can_be_reported_in_every_other_format(killed: Killed, form: str) -> None:
    done = report(killed.folder, form, "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert "interrupted" in done.stdout.lower()


def test_a_report_changes_nothing_in_the_folder_of_the_run(killed: Killed) -> None:
    before = (killed.folder / "report.json").read_bytes()
    assert report(killed.folder).returncode == 0
    assert (killed.folder / "report.json").read_bytes() == before


def attempts_in(folder: Path) -> int:
    """How many attempts of the proxy's only arm are in its ledger by now."""
    ledger = Ledger.open(folder)
    return len(ledger.wire("proxy").attempts) if "proxy" in ledger.arms() else 0


def test_a_killed_proxy_can_be_reported_too(
    start_proxy: Callable[..., Any], new_topic: Callable[..., str], library: Callable[[str], Any]
) -> None:
    process, topic = start_proxy(), new_topic()
    client = library("kafka").KafkaProducer(bootstrap_servers=process.address(), retries=0, enable_idempotence=False)
    with contextlib.closing(client):
        for number in range(5):
            client.send(topic, b"%d" % number, partition=0).get(DEADLINE)
    (folder,) = process.out_folder.iterdir()
    deadline = time.monotonic() + DEADLINE
    while attempts_in(folder) < 5:
        assert time.monotonic() < deadline
    process.close()
    done = report(folder, "--json", "-")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "interrupted"
    (arm,) = told["arms"]
    assert (arm["name"], arm["verdict"], arm["wire"]["produce_requests"]) == ("proxy", "interrupted", 5)
    assert set(arm["log"].values()) == {None}
