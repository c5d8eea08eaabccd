"""`ackdrop run` in a process of its own, that can be met while it goes on."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ackdrop.environment import inherited

from .past_the_proxy import DEADLINE, T, records_in, topics

MARK = "TEST_OF_THE_GATES"
"""An environment variable that a run hands down to every process of it."""

NEXT_STEP = re.compile(
    r"\b([Ss]ee|[Ll]et|Lose|Give|Set|[Ss]ay|[Rr]eport it|[Rr]un (again|all|for|at)|try:|the findings show) ?"
)
"""What a reason says is to be done."""

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A run to be broken",
    "seed": 11,
    "workload": {
        "records": 6,
        "pipelined": False,
        "config": {"retries": 5, "request_timeout": "3s", "delivery_timeout": "15s", "retry_backoff": "20ms"},
        "deadline": "40s",
    },
    "faults": [
        {
            "name": "the fault",
            "at": "produce.response",
            "match": {"attempt": "first"},
            "when": {"nth": 3},
            "do": {"error": {"code": "REQUEST_TIMED_OUT"}},
        }
    ],
}

MANY: dict[str, Any] = {"records": 36}
"""A workload in whose middle a producer can stop: see `Run.paused`."""

STOPS_AFTER = 5
"""How many records a producer has sent, and heard of, when it stops itself."""

HOLD: dict[str, Any] = {
    "fault": {"do": {"drop": {"then": "hold"}}},
    "workload": {
        "records": 3,
        "config": {"request_timeout": "2s", "retries": 3, "delivery_timeout": "8s"},
    },
}
"""The answer to the last record is withheld: for two seconds nothing happens at all, then comes the retry."""


def scenario(*, fault: dict[str, Any] | None = None, workload: dict[str, Any] | None = None, **more: Any) -> str:
    """A scenario's text (JSON is YAML): the base, with parts of its fault, its workload and the rest changed."""
    made = copy.deepcopy(BASE)
    made["faults"][0].update(fault or {})
    workload = dict(workload or {})
    made["workload"]["config"].update(workload.pop("config", {}))
    made["workload"].update(workload)
    return json.dumps({**made, **more})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `result` is what `--json` wrote, `report` the same out of the run's folder."""

    code: int
    out: str
    err: str
    result: Any
    folder: Path | None

    @property
    def verdict(self) -> tuple[int, str]:
        return self.code, self.result["verdict"]

    @property
    def reasons(self) -> list[tuple[str | None, str]]:
        """(arm, code) of each reason, sorted; one that is given twice is there twice."""
        return sorted(((reason["arm"], reason["code"]) for reason in self.result["reasons"]), key=str)

    def text(self, code: str, arm: str | None = None) -> str:
        """What the one reason of that code (and arm) says."""
        (found,) = (r["text"] for r in self.result["reasons"] if r["code"] == code and arm in (None, r["arm"]))
        return str(found)

    def arm(self, name: str) -> Any:
        (found,) = (arm for arm in self.result["arms"] if arm["name"] == name)
        return found


class Run:
    """One `ackdrop run` of one scenario. `end` waits for it and looks at what it left behind. `stops` is the arm whose
    producer stops itself, if any."""

    def __init__(
        self, home: Path, broker: str | None, text: str, arguments: list[str], before: str, stops: str | None
    ) -> None:
        self.home = home
        self.stops = stops
        self.name = f"gates-{uuid.uuid4().hex[:8]}"
        self.broker = broker
        self.runs = home / "runs"
        self.temporary = home / "tmp"
        self.temporary.mkdir(parents=True)
        (home / f"{self.name}.yaml").write_text(text)
        self.mark = uuid.uuid4().hex
        kept = inherited("ACKDROP_")
        own = {"TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "80", MARK: self.mark}
        program = ["-m", "ackdrop"] if not before else ["-c", f"{before}\nfrom ackdrop.cli import main\nmain()"]
        given = [] if broker is None else ["--bootstrap", broker]
        files = ["--out", "runs", "--json", "result.json"]
        stopping = [] if stops is None else ["--producer-python", self._stopping(stops)]
        self.process = subprocess.Popen(
            [sys.executable, *program, "run", f"{self.name}.yaml", *files, *given, *stopping, *arguments],
            cwd=home,
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _stopping(self, arm: str) -> str:
        """An interpreter for the producer, which stops itself in that arm."""
        path, program = self.home / "python", Path(__file__).with_name("stopping_producer.py")
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "{program}" {arm} {STOPS_AFTER} "$@"\n')
        path.chmod(0o755)
        return str(path)

    # What goes on.

    @property
    def pid(self) -> int:
        return self.process.pid

    def until(self, what: Callable[[], T]) -> T:
        """What `what` gives, once it gives something; the run must still be going on."""
        deadline = time.monotonic() + DEADLINE
        while not (found := what()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return found

    def topic(self, arm: str) -> str:
        """The arm's topic, once the broker has it."""
        assert self.broker is not None
        return self.until(lambda: next(iter(topics(self.broker, f"ackdrop-{self.name}-{arm}-")), ""))

    def producer(self) -> psutil.Process:
        """The producer that runs now, once there is one."""
        return self.until(self._producer)

    def _producer(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.pid).children(recursive=True)
            return next((child for child in children if any("drive_" in word for word in child.cmdline())), None)
        return None

    @contextlib.contextmanager
    def paused(self) -> Iterator[str]:
        """The topic of the arm that `stops`, while its producer stands still."""
        assert self.stops is not None
        producer = self.until(self._stopped)
        with _going_on_after(producer):
            yield self.topic(self.stops)

    def _stopped(self) -> psutil.Process | None:
        producer = self._producer()
        with contextlib.suppress(psutil.Error):
            return producer if producer is not None and producer.status() == psutil.STATUS_STOPPED else None
        return None

    def resume(self) -> None:
        """Lets the producer go on that is paused."""
        self.producer().send_signal(signal.SIGCONT)

    def has_told_its_producer_to_end(self) -> bool:
        """Whether SIGTERM waits for the producer that is paused: it is among those that `ShdPnd` tells, proc(5)."""
        status = Path(f"/proc/{self.producer().pid}/status").read_text()
        (pending,) = re.findall(r"^ShdPnd:\s*(\w+)$", status, re.MULTILINE)
        return bool(int(pending, 16) >> (signal.SIGTERM - 1) & 1)

    @contextlib.contextmanager
    def held(self, arm: str, records: int) -> Iterator[str]:
        """The arm's topic, while its producer is stopped from here: once the topic has so many records, after which it
        has to wait for something (`HOLD`)."""
        topic = self.topic(arm)
        self.until(lambda: records_in(self.broker, topic) >= records)
        producer = self.producer()
        producer.send_signal(signal.SIGSTOP)
        with _going_on_after(producer):
            yield topic

    @staticmethod
    def header(topic: str, rest: str) -> list[tuple[str, bytes]]:
        """The identity of a record of this very run; `rest` is producer, record, send and order."""
        return [("ackdrop", f"{topic.rpartition('-')[2]}/{rest}".encode())]

    def proxy_port(self) -> int:
        """The first port on which the run's proxy listens now: that of the bootstrap listener."""
        return self.until(lambda: min(self._ports(), default=0))

    def _ports(self) -> list[int]:
        found = psutil.Process(self.pid).net_connections("tcp")
        return [int(one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]

    def events(self) -> list[dict[str, Any]]:
        """What `events.jsonl` holds by now, whole lines only."""
        lines = [line for file in self.runs.glob("*/events.jsonl") for line in file.read_text().split("\n")[:-1]]
        return [json.loads(line) for line in lines]

    def fired(self, arm: str) -> bool:
        """Whether a fault has fired in that arm."""
        return any(event.get("arm") == arm and event.get("fired") for event in self.events())

    # How it ends.

    def end(self, deadline: float = DEADLINE) -> Ended:
        """How it ended, once it has. No process and no temporary folder of it is left then."""
        with self.process:
            try:
                out, err = self.process.communicate(timeout=deadline)
            finally:
                self.process.kill()
        assert "Traceback" not in err, err
        assert self.family() == []
        assert os.listdir(self.temporary) == []
        file = self.home / "result.json"
        result = json.loads(file.read_text()) if file.exists() else None
        folders = list(self.runs.iterdir()) if self.runs.is_dir() else []
        ended = Ended(self.process.returncode, out, err, result, folders[0] if folders else None)
        if result is not None:
            _look_at_reasons(ended)
        return ended

    def family(self) -> list[psutil.Process]:
        """Every process that the run started and that has not ended."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@contextlib.contextmanager
def _going_on_after(producer: psutil.Process) -> Iterator[None]:
    """It goes on at the end, if it is still there."""
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            producer.send_signal(signal.SIGCONT)


def _look_at_reasons(ended: Ended) -> None:
    """Of every run: its exit code is its verdict's, each reason is shown, and says what to do next."""
    result = ended.result
    codes = {"passed": 0, "failed": 1, "inconclusive": 3, "error": 4, "interrupted": 130}
    assert (result["exit_code"], ended.code) == (codes[result["verdict"]],) * 2
    assert (result["verdict"] == "passed") == (result["reasons"] == [])
    for reason in result["reasons"]:
        assert reason["code"] in ended.out or not ended.out, reason
        assert NEXT_STEP.search(reason["text"]), reason
    if ended.folder is not None:
        assert json.loads((ended.folder / "report.json").read_text()) == result


Start = Callable[..., Run]
"""`start(text, *arguments, before="", broker=..., stops=None)`: `before` is Python that the run's process executes
first, `stops` the arm whose producer stops itself after a few records."""
