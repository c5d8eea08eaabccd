"""`ackdrop run` that is interrupted, killed, or left by its broker."""

from __future__ import annotations

import signal
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import trio

from ackdrop.broker import embedded
from ackdrop.broker.running import RunningBroker
from ackdrop.experiment.scenario import ScenarioRun
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.stopping import Stop
from ackdrop.ledger import Ledger
from ackdrop.report.progress import Progress
from ackdrop.scenario.load import load

from ..removal import see_gone
from .conftest import DEADLINE, Start, scenario

pytestmark = pytest.mark.integration

LONG = {"records": 100_000, "rate": "50/s", "deadline": "90s"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_130_when_interrupted_and_what_was_seen_is_reported(
    start: Start, topics: Callable[[str], dict[str, int]], number: signal.Signals, embedded_broker: str
) -> None:
    name = f"long-{uuid.uuid4().hex[:8]}"
    files = {"first.yaml": scenario(workload={"records": 2}), f"{name}.yaml": scenario(workload=LONG)}
    runner = start(f"{name}.yaml", "first.yaml", files=files)
    runner.until(lambda: sum(topics(f"ackdrop-{name}").values()) >= 12)
    runner.process.send_signal(number)
    done = runner.end()
    assert done.code == 130
    long, never = done.result
    assert done.report == long
    assert [result["verdict"] for result in (long, never)] == ["interrupted", "interrupted"]
    assert [reason["code"] for reason in never["reasons"]] == ["interrupted"]
    reasons = {(reason["arm"], reason["code"]) for reason in long["reasons"]}
    assert reasons == {(None, "interrupted"), ("on", "arm-not-run")}
    (off,) = long["arms"]
    assert 10 <= off["records"]["acked"] <= off["records"]["sent"] < 1000
    assert off["records"]["acked"] <= off["log"]["distinct"] <= off["records"]["sent"]
    assert (off["log"]["lost"], off["log"]["duplicates"], off["wire"]["retries"]) == (0, 1, 1)
    assert "INTERRUPTED" in done.out
    assert "not run: first" in done.err
    see_gone(embedded_broker, f"ackdrop-{name}")


class Asking(Progress):
    """Asks for the stop as soon as a phase of this name begins."""

    def __init__(self, stop: Stop, when: str) -> None:
        super().__init__(quiet=True)
        self.stop = stop
        self.when = when

    def phase(self, text: str, total: float | None = None, *, bytes: bool = False) -> None:
        if text == self.when:
            self.stop.ask()


async def test_interrupted_while_it_reads_the_log_the_arm_is_whole_and_the_next_one_does_not_begin(
    embedded_broker: str, tmp_path: Path
) -> None:
    (tmp_path / "verb.yaml").write_text(scenario())
    stop = Stop()
    progress = Asking(stop, "arm off: reading the log")
    run = ScenarioRun(load(tmp_path / "verb.yaml"), RunSettings(out=tmp_path / "runs"), progress, stop)
    result = (await run.run(RunningBroker(embedded_broker, "given"))).result
    assert (result.verdict, result.exit_code) == ("interrupted", 130)
    (off,) = result.arms
    assert (off.verdict, off.log.records, off.log.duplicates) == ("passed", 7, 1)
    assert [(reason.code, reason.arm) for reason in result.reasons] == [("interrupted", None), ("arm-not-run", "on")]


STUBBORN = """
    import pathlib, signal, time
    here = pathlib.Path({here!r})
    signal.signal(signal.SIGTERM, lambda number, frame: (here / "asked-to-end").touch())
    print('{{"hello": "ackdrop"}}', flush=True)
    (here / "started").touch()
    while True:
        time.sleep(60)
"""


def test_a_second_signal_ends_it_at_once(
    start: Start, topics: Callable[[str], dict[str, int]], tmp_path: Path, embedded_broker: str
) -> None:
    """The producer does not listen, which the first signal would be patient with for eight seconds."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n" + textwrap.dedent(STUBBORN.format(here=str(tmp_path))))
    python.chmod(0o755)
    name = f"stubborn-{uuid.uuid4().hex[:8]}"
    runner = start(f"{name}.yaml", "--producer-python", str(python), files={f"{name}.yaml": scenario()})
    runner.until((tmp_path / "started").exists)
    assert topics(f"ackdrop-{name}")
    runner.process.send_signal(signal.SIGINT)
    runner.until((tmp_path / "asked-to-end").exists)
    runner.process.send_signal(signal.SIGINT)
    done = runner.end()
    assert done.code == 130
    assert (done.report["verdict"], done.report["arms"]) == ("interrupted", [])
    assert done.report == done.result
    assert "Ended at once" in done.err
    see_gone(embedded_broker, f"ackdrop-{name}")


def test_interrupted_while_a_broker_starts(start: Start) -> None:
    runner = start("lost-ack", "--broker", "embedded", broker=False)
    runner.until(lambda: list(runner.temporary.glob("ackdrop-broker-*/broker.log")))
    runner.process.send_signal(signal.SIGINT)
    done = runner.end()
    assert (done.code, done.out, done.folders) == (130, "", [])
    assert (done.result["verdict"], done.result["broker"]) == ("interrupted", None)


def test_killed_it_leaves_no_process_and_a_ledger_that_can_be_read(start: Start) -> None:
    runner = start("verb.yaml", "--broker", "embedded", files={"verb.yaml": scenario(workload=LONG)}, broker=False)
    runs = runner.home / "runs"
    runner.until(lambda: recorded(runs) >= 5)
    family = runner.family()
    assert any("kafka.Kafka" in process.cmdline() for process in family)
    assert any("drive_kafka_python.py" in " ".join(process.cmdline()) for process in family)
    runner.process.kill()
    others = [process for process in family if process.pid != runner.process.pid]
    _, alive = psutil.wait_procs(others, timeout=DEADLINE)
    assert alive == []
    done = runner.end()
    assert done.code == -signal.SIGKILL
    assert recorded(runs) >= 5
    (folder,) = done.folders
    assert len(Ledger.open(folder).wire("off").attempts) >= 5


def recorded(runs: Path) -> int:
    """How many decisions the events of the one run hold so far."""
    return sum(file.read_text().count('{"event":"decided"') for file in runs.glob("*/events.jsonl"))


async def test_4_when_the_broker_is_lost_and_what_was_seen_is_reported(start: Start) -> None:
    workload = {"records": 1000, "rate": "50/s", "deadline": "10s"}
    files = {"verb.yaml": scenario(workload=workload), "next.yaml": scenario()}
    async with embedded.broker() as running:
        runner = start("verb.yaml", "--bootstrap", running.bootstrap, files=files, broker=False)
        await trio.to_thread.run_sync(runner.until, lambda: recorded(runner.home / "runs") >= 5)
    done = await trio.to_thread.run_sync(runner.end)
    assert (done.code, done.result["verdict"]) == (4, "error")
    assert done.report == done.result
    assert done.result["reasons"][0]["code"] == "broker-error"
    assert {("off", "log-not-read"), ("on", "arm-not-run")} <= {
        (reason["arm"], reason["code"]) for reason in done.result["reasons"]
    }
    (off,) = done.result["arms"]
    assert off["wire"]["produce_requests"] >= 5
    assert off["records"]["acked"] >= 5
    assert off["log"]["records"] is None
    assert "ERROR" in done.out
    assert running.bootstrap in done.err
    assert "may still be there" in done.out
