"""`ackdrop exec` end to end: real programs behind the proxy, before a real broker."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ackdrop.capture.comments import parse
from ackdrop.environment import inherited

from ..pcapng_files import read

pytestmark = pytest.mark.integration

WITHIN = 60.0

PRODUCER = """
import os, sys
from kafka import KafkaProducer
producer = KafkaProducer(
    bootstrap_servers=os.environ[sys.argv[2]],
    enable_idempotence=os.environ.get("IDEMPOTENCE", "true") == "true",
)
for number in range(10):
    print(producer.send(sys.argv[1], b"value %d" % number, partition=0).get(20).offset)
producer.close()
sys.exit(int(os.environ.get("CODE", "0")))
"""

SLEEPER = """
import signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(number, lambda number, frame: (print(signal.Signals(number).name, flush=True), sys.exit(5)))
print("ready", flush=True)
signal.pause()
"""


class Running:
    """`ackdrop exec` in a process of its own."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._json = folder / "result.json"
        self.folder = folder
        command = [sys.executable, "-m", "ackdrop", "exec", "--out", str(folder / "runs"), "--json", str(self._json)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=inherited(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The next line that the program prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ended(self) -> tuple[int, str, str]:
        """Exit code, standard output, standard error; nothing of it is left."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        out, err = self.process.communicate(timeout=WITHIN)
        _, alive = psutil.wait_procs(family, timeout=WITHIN)
        assert not alive
        assert "Traceback" not in err
        return self.process.returncode, out, err

    @property
    def report(self) -> Any:
        return json.loads(self._json.read_text())


Start = Callable[..., Running]


@pytest.fixture
def start(embedded_broker: str, tmp_path: Path) -> Iterator[Start]:
    """`start(*arguments, **environment)` runs `ackdrop exec` before the embedded broker."""
    started: list[Running] = []

    def begin(*arguments: str, **environment: str) -> Running:
        started.append(Running(["--bootstrap", embedded_broker, *arguments], tmp_path, environment))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def produce(topic: str, variable: str = "ACKDROP_PROXY") -> list[str]:
    return ["--", sys.executable, "-c", PRODUCER, topic, variable]


def codes(report: Any) -> list[str]:
    return [reason["code"] for reason in report["reasons"]]


class TestArms:
    def test_the_control_duplicates_and_the_other_does_not(self, start: Start, new_topic: Any, tmp_path: Path) -> None:
        topic, captured = new_topic(1), tmp_path / "exec.pcapng"
        arms = ["--arm", "off=IDEMPOTENCE=false", "--arm", "on=IDEMPOTENCE=true"]
        running = start("--scenario", "lost-ack-disconnect", "--capture", str(captured), *arms, *produce(topic))
        code, out, err = running.ended()
        assert code == 0, err
        assert len(out.split()) == 20
        report = running.report
        assert [(arm["name"], arm["idempotence"]) for arm in report["arms"]] == [("off", False), ("on", True)]
        assert [arm["log"]["duplicates"] for arm in report["arms"]] == [1, 0]
        assert [arm["wire"]["retries"] for arm in report["arms"]] == [1, 1]
        assert [arm["log"]["records"] for arm in report["arms"]] == [11, 10]
        assert "PASSED" in err
        told = [parse(line) for packet in read(captured.read_bytes()).packets for line in packet.comments]
        faults = [comment.values for comment in told if comment is not None and comment.what == "fault"]
        assert [(fault["arm"], fault["does"]) for fault in faults] == [("off", "drop"), ("on", "drop")]
        assert any(str(captured) in note for note in report["notes"])

    def test_a_control_that_is_protected_all_the_same_proves_nothing(self, start: Start, new_topic: Any) -> None:
        arms = ["--arm", "off=IDEMPOTENCE=true", "--arm", "on=IDEMPOTENCE=true"]
        running = start("--scenario", "lost-ack-disconnect", *arms, *produce(new_topic(1)))
        code, _, _ = running.ended()
        assert code == 3
        assert set(codes(running.report)) == {"idempotence-not-as-claimed", "control-clean"}

    def test_an_arm_may_have_several_variables_and_any_name(self, start: Start, new_topic: Any) -> None:
        arms = ["--arm", "a=IDEMPOTENCE=false", "--arm", "b=CODE=4", "--arm", "a=CODE=0"]
        running = start("--scenario", "lost-ack-disconnect", *arms, *produce(new_topic(1)))
        code, _, _ = running.ended()
        assert code == 4
        report = running.report
        assert [(arm["name"], arm["idempotence"], arm["log"]["duplicates"]) for arm in report["arms"]] == [
            ("a", None, 1),
            ("b", None, 0),
        ]
        assert report["exit_code"] == 0


class TestOneArm:
    def test_a_protected_retry_is_all_right(self, start: Start, new_topic: Any) -> None:
        running = start("--scenario", "lost-ack-disconnect", *produce(new_topic(1)))
        code, out, _ = running.ended()
        assert (code, len(out.split())) == (0, 10)
        (arm,) = running.report["arms"]
        assert (arm["name"], arm["idempotence"], arm["wire"]["retries"]) == ("program", None, 1)
        assert (arm["log"]["records"], arm["log"]["duplicates"], arm["log"]["lost"]) == (10, 0, 0)

    def test_an_unprotected_duplicate_is_told_of(self, start: Start, new_topic: Any) -> None:
        running = start("--scenario", "lost-ack-disconnect", *produce(new_topic(1)), IDEMPOTENCE="false")
        code, _, _ = running.ended()
        assert code == 0
        (arm,) = running.report["arms"]
        assert [finding["cause"] for finding in arm["findings"]] == ["retry-unprotected"]

    def test_without_a_retry_nothing_is_known(self, start: Start, new_topic: Any) -> None:
        running = start(*produce(new_topic(1)))
        assert running.ended()[0] == 3
        assert codes(running.report) == ["no-retry"]

    def test_a_program_that_writes_nothing_is_told_of(self, start: Start) -> None:
        running = start("--", "true")
        assert running.ended()[0] == 3
        assert codes(running.report) == ["nothing-produced"]

    def test_the_programs_own_exit_code_is_ours_where_nothing_is_wrong(self, start: Start, new_topic: Any) -> None:
        running = start("--scenario", "lost-ack-disconnect", *produce(new_topic(1)), CODE="7")
        code, _, err = running.ended()
        assert code == 7
        assert "exit code 7" in err
        assert running.report["verdict"] == "passed"
        assert running.report["arms"][0]["producer"]["config"]["exit_code"] == 7

    @pytest.mark.parametrize("variable", ["KAFKA_BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVERS", "MINE"])
    def test_the_address_is_in_the_variables_that_people_use(self, start: Start, new_topic: Any, variable: str) -> None:
        running = start("--scenario", "lost-ack-disconnect", "--env", "MINE", *produce(new_topic(1), variable))
        assert running.ended()[0] == 0

    def test_a_shell_and_kcat(self, start: Start, new_topic: Any, tool: Any) -> None:
        topic = new_topic(1)
        kcat = shlex.quote(tool("kcat"))
        line = (
            f'seq 5 | {kcat} -P -b "$ACKDROP_PROXY" -t {topic} -p 0 && {kcat} -C -e -q -b "$ACKDROP_PROXY" -t {topic}'
        )
        running = start("sh", "-c", line)
        code, out, _ = running.ended()
        assert (code, out.split()) == (3, ["1", "2", "3", "4", "5"])
        assert running.report["arms"][0]["log"]["records"] == 5


def test_without_a_broker_it_starts_one_that_makes_topics(tmp_path: Path, tool: Any) -> None:
    """As programs expect of a broker for development."""
    kcat = shlex.quote(tool("kcat"))
    running = Running(
        ["--broker", "embedded", "--", "sh", "-c", f'echo one | {kcat} -P -b "$ACKDROP_PROXY" -t made-by-itself'],
        tmp_path,
        {},
    )
    code, _, err = running.ended()
    assert code == 3, err
    report = running.report
    assert report["broker"]["source"] == "embedded"
    assert report["arms"][0]["log"]["records"] == 1


class TestEndings:
    def test_what_cannot_be_started_is_told_before_anything_happens(self, start: Start) -> None:
        running = start("--", "./no-such-program")
        code, out, err = running.ended()
        assert (code, out) == (4, "")
        assert "cannot start ./no-such-program: there is no such program" in err
        assert not (running.folder / "runs").exists()

    def test_what_is_no_program_is_told(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no program")
        running = start("--", "./text")
        code, _, err = running.ended()
        assert code == 4
        assert "cannot start ./text: it is not executable" in err

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
    def test_signals_are_the_programs(self, start: Start, number: signal.Signals) -> None:
        """Without a terminal; and with nothing produced the verdict is 3, which goes before the program's 5."""
        running = start("--", sys.executable, "-c", SLEEPER)
        assert running.line() == "ready"
        running.process.send_signal(number)
        assert running.line() == number.name
        assert running.ended()[0] == 3
        assert running.report["arms"][0]["producer"]["config"]["exit_code"] == 5

    def test_one_that_comes_as_soon_as_the_program_runs_is_the_programs_too(self, start: Start) -> None:
        line = "trap 'kill $!; exit 7' HUP; tail -f /dev/null & kill -HUP $PPID; wait"
        running = start("--", "sh", "-c", line)
        assert running.ended()[0] == 3
        assert running.report["arms"][0]["producer"]["config"]["exit_code"] == 7

    def test_the_second_one_ends_everything_at_once(self, start: Start) -> None:
        stubborn = 'trap "echo no" TERM; echo ready; while :; do sleep 0.05; done'
        running = start("--", "sh", "-c", stubborn)
        assert running.line() == "ready"
        running.process.send_signal(signal.SIGTERM)
        assert running.line() == "no"
        running.process.send_signal(signal.SIGTERM)
        assert running.ended()[0] == 130

    def test_arms_that_were_not_run_are_told_of(self, start: Start) -> None:
        running = start("--arm", "off=A=1", "--arm", "on=A=2", "--", sys.executable, "-c", SLEEPER)
        assert running.line() == "ready"
        running.process.send_signal(signal.SIGTERM)
        assert running.ended()[0] == 130
        assert codes(running.report) == ["interrupted", "arm-not-run"]

    def test_a_program_whose_time_is_over_is_ended(self, start: Start) -> None:
        running = start("--for", "1s", "--", "sleep", "600")
        code, _, err = running.ended()
        assert code == 3
        assert "sleep was ended when its time was over" in err
