"""What is done to the broker and to the producer: real processes, and the process table's own word on them.

Each run is a whole `ackdrop run` in this process, with one arm. A task of the test's own looks at the processes all the
while: what it saw has to agree with the ledger, and with what the fault says that it does.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from ackdrop.broker import embedded
from ackdrop.broker.running import RunningBroker
from ackdrop.experiment.scenario import ScenarioRun
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.stopping import Stop
from ackdrop.ledger import Ledger
from ackdrop.observations import Acted, ArmWire
from ackdrop.report.progress import Progress
from ackdrop.result import ArmResult, RunResult
from ackdrop.scenario.load import load
from ackdrop.scenario.models import Scenario

pytestmark = pytest.mark.integration

DEADLINE = 60.0
LOOK = 0.02
ARM = "on"
FAULT = "the act"
GONE = "gone"


@dataclass(slots=True)
class Seen:
    """The states that a kind of process was seen in, in their order: (pid, state), without repetitions."""

    states: list[tuple[int, str]] = field(default_factory=list)

    def note(self, pid: int, state: str) -> None:
        if not self.states or self.states[-1] != (pid, state):
            self.states.append((pid, state))

    @property
    def pids(self) -> list[int]:
        return list(dict.fromkeys(pid for pid, _ in self.states))

    def stopped(self) -> list[int]:
        return [pid for pid, state in self.states if state == psutil.STATUS_STOPPED]


@dataclass(slots=True)
class Table:
    """The process table, as far as this test's children go: `broker` is the JVM, `producer` the driver."""

    before: frozenset[int] = frozenset()
    """Of children that others have started, such as the session's broker."""
    broker: Seen = field(default_factory=Seen)
    producer: Seen = field(default_factory=Seen)
    last: list[psutil.Process] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            for process in psutil.Process().children(recursive=True):
                try:
                    command, state = process.cmdline(), process.status()
                except psutil.NoSuchProcess:
                    continue
                if process.pid in self.before:
                    continue
                if "kafka.Kafka" in command:
                    self.broker.note(process.pid, state)
                elif any(word.endswith("drive_kafka_python.py") for word in command):
                    self.producer.note(process.pid, state)
                    self.last = [process]
            await trio.sleep(LOOK)


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of one arm."""

    result: RunResult
    wire: ArmWire
    sends: list[Any]
    table: Table
    folder: Path

    @property
    def arm(self) -> ArmResult:
        (arm,) = self.result.arms
        return arm

    @property
    def acted(self) -> Acted:
        (acted,) = self.wire.acted
        return acted

    @property
    def unheard(self) -> float:
        """The longest time in which no answer came to the producer, in seconds."""
        heard = sorted(story.acked_at for story in self.wire.attempts if story.ack == "delayed" or story.acked_at)
        return max(after - before for before, after in pairwise(heard))


def scenario(folder: Path, *faults: dict[str, Any], **workload: Any) -> Scenario:
    """One arm, idempotent, forty records in a second, and these faults, the first of which is the one in question."""
    config = {"retries": 50, "request_timeout": "8s", "delivery_timeout": "40s", "retry_backoff": "50ms"}
    document = {
        "version": 1,
        "title": "What is done to a process",
        "seed": 3,
        "workload": {"records": 40, "rate": "40/s", "config": config, "deadline": "50s", **workload},
        "arms": [{"name": ARM, "idempotence": True}],
        "faults": [
            {"name": FAULT if number == 0 else f"beside {number}", **each} for number, each in enumerate(faults)
        ],
        "control": "none",
        "expect": {ARM: {"lost": 0}},
    }
    file = folder / "processes.yaml"
    file.write_text(json.dumps(document))
    return load(file)


async def run(
    broker: RunningBroker,
    folder: Path,
    *faults: dict[str, Any],
    others: frozenset[int] = frozenset(),
    **workload: Any,
) -> Ran:
    """Run it before this broker; nothing of the producer is left then."""
    table, settings = Table(others), RunSettings(out=folder / "runs")
    way = ScenarioRun(scenario(folder, *faults, **workload), settings, Progress(quiet=True), Stop())
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(table.watch)
            finished = await way.run(broker)
            nursery.cancel_scope.cancel()
    if way.error is not None:
        raise way.error
    assert finished.folder is not None
    assert not any(process.is_running() for process in table.last)
    ledger = Ledger.open(finished.folder)
    return Ran(finished.result, ledger.wire(ARM), ledger.sends_of(ARM), table, finished.folder)


@asynccontextmanager
async def fresh() -> AsyncIterator[tuple[RunningBroker, frozenset[int]]]:
    """A broker of a test's own, of which nothing is left at the end; and the processes of others."""
    before = frozenset(process.pid for process in psutil.Process().children(recursive=True))
    async with embedded.broker() as broker:
        assert broker.log_file is not None
        folder = broker.log_file.parent
        yield broker, before
    assert not folder.exists()
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


async def test_the_broker_is_paused_killed_and_restarted(tmp_path: Path) -> None:
    """One broker for all three: what comes back has the same address, the same data and the same cluster id."""
    async with fresh() as (broker, others):
        soon = {"at": "broker", "when": {"after": "300ms"}}
        pause = await run(broker, tmp_path, {**soon, "do": {"pause": {"for": "1s"}}}, others=others)
        kill = await run(broker, tmp_path, {**soon, "do": {"kill": {}}}, others=others)
        tenth = {"at": "broker", "when": {"nth": 10}}
        restart = await run(broker, tmp_path, {**tenth, "do": {"restart": {"for": "200ms"}}}, others=others)
    for ran, word in ((pause, "pause"), (kill, "kill"), (restart, "restart")):
        assert (ran.result.verdict, ran.result.reasons) == ("passed", [])
        assert (ran.arm.records.acked, ran.arm.log.distinct, ran.arm.log.lost) == (40, 40, 0)
        assert (ran.acted.fault, ran.acted.place, ran.acted.act, ran.acted.ok) == (FAULT, "broker", word, True)
        assert ran.arm.log.duplicates == 0
        assert ran.unheard > 0.9 * min(1.0, ran.acted.seconds)
    assert len({ran.result.broker.cluster_id for ran in (pause, kill, restart) if ran.result.broker}) == 1
    assert pause.table.broker.stopped() == pause.table.broker.pids
    assert len(pause.table.broker.pids) == 1
    assert 1.0 <= pause.acted.seconds < 10.0
    for ran in (kill, restart):
        assert len(ran.table.broker.pids) == 2
        assert ran.table.broker.stopped() == []
    assert kill.table.broker.pids[0] == pause.table.broker.pids[0]
    assert restart.table.broker.pids[0] == kill.table.broker.pids[1]


async def test_the_producer_is_paused(embedded_broker: str, tmp_path: Path) -> None:
    fault = {"at": "workload", "when": {"after": "300ms"}, "do": {"pause": {"for": "1500ms"}}}
    ran = await run(RunningBroker(embedded_broker, "given"), tmp_path, fault)
    assert ran.result.verdict == "passed"
    assert (ran.acted.place, ran.acted.act, ran.acted.ok) == ("workload", "pause", True)
    assert 1.5 <= ran.acted.seconds < 5.0
    assert ran.table.producer.stopped() == ran.table.producer.pids
    asked = sorted(story.attempt.at for story in ran.wire.attempts)
    assert max(after - before for before, after in pairwise(asked)) > 1.2
    assert (ran.arm.records.sent, ran.arm.records.acked, ran.arm.log.records) == (40, 40, 40)


async def test_the_producer_is_killed_and_a_new_one_goes_on(embedded_broker: str, tmp_path: Path) -> None:
    """Pipelined, and killed while records are on their way: whatever was not acked is sent again."""
    fault = {"at": "workload", "when": {"nth": 5}, "do": {"kill": {"for": "200ms"}}}
    slow = {"at": "produce.response", "do": {"delay": {"for": "100ms"}}}
    ran = await run(RunningBroker(embedded_broker, "given"), tmp_path, fault, slow)
    assert (ran.result.verdict, ran.result.reasons) == ("passed", [])
    assert (ran.acted.act, ran.acted.ok) == ("kill", True)
    assert len(ran.table.producer.pids) == 2
    assert len({story.attempt.producer_id for story in ran.wire.attempts}) == 2
    again = [send for send in ran.sends if send.send == 1]
    lost = [send for send in ran.sends if send.outcome != "acked"]
    assert 0 < len(again) == len(lost)
    assert [send.record for send in again] == [send.record for send in lost]
    assert ran.arm.records.sent == 40 + len(again)
    assert ran.arm.log.distinct == 40
    assert ran.arm.log.duplicates == ran.arm.log.records - 40
    causes = {finding.cause for finding in ran.arm.findings if finding.kind == "duplicate"}
    assert causes <= {"application-resend"}
    assert any("kill, producer" in note for note in ran.result.notes)


async def test_what_a_given_broker_cannot_have_done_is_known_before_the_run(
    embedded_broker: str, tmp_path: Path
) -> None:
    broker = RunningBroker(embedded_broker, "given")
    for do, why in (
        ({"restart": {}}, "(restart at broker) cannot be done: ackdrop did not start this broker"),
        ({"transfer_leadership": {}}, "cannot be done: the cluster has one broker, and no other one could lead"),
    ):
        settings = RunSettings(out=tmp_path / "runs")
        made = scenario(tmp_path, {"at": "broker", "when": {"after": "1s"}, "do": do})
        result = (await ScenarioRun(made, settings, Progress(quiet=True), Stop()).run(broker)).result
        assert (result.exit_code, result.arms) == (4, [])
        assert result.reasons[0].code == "fault-impossible"
        assert why in result.reasons[0].text
        assert "(try: " in result.reasons[0].text


async def test_a_command_of_the_scenario_that_fails_makes_the_run_inconclusive(
    embedded_broker: str, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    command = ["sh", "-c", f"echo $ACKDROP_TOPIC > {told}; echo 'no such host' >&2; exit 7"]
    fault = {"at": "broker", "when": {"after": "100ms"}, "do": {"restart": {"command": command}}}
    ran = await run(RunningBroker(embedded_broker, "given"), tmp_path, fault, records=20)
    assert ran.result.verdict == "inconclusive"
    assert [reason.code for reason in ran.result.reasons] == ["fault-failed"]
    why = 'The fault "the act" could not be done: sh ended with exit code 7: no such host.'
    assert why in ran.result.reasons[0].text
    assert ran.acted.reason == "sh ended with exit code 7: no such host"
    assert told.read_text().startswith(f"ackdrop-processes-{ARM}-")
    events = [json.loads(line) for line in (ran.folder / "events.jsonl").read_text().splitlines()]
    assert [event["ok"] for event in events if event["event"] == "acted"] == [False]
    assert os.listdir(ran.folder)
