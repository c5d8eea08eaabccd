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

SLOW: dict[str, Any] = {"records": 36, "rate": "40/s"}
"""A workload of about a second an arm: time enough to stop its producer somewhere in the middle."""

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
    """One `ackdrop run` of one scenario. `end` waits for it and looks at what it left behind."""

    def __init__(self, home: Path, broker: str | None, text: str, arguments: list[str], before: str) -> None:
        self.home = home
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
        self.process = subprocess.Popen(
            [sys.executable, *program, "run", f"{self.name}.yaml", *files, *given, *arguments],
            cwd=home,
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

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
    def paused(self, arm: str, records: int = 5) -> Iterator[str]:
        """The arm's topic, while its producer is stopped: somewhere after so many records."""
        topic = self.topic(arm)
        self.until(lambda: records_in(self.broker, topic) >= records)
        producer = self.producer()
        producer.send_signal(signal.SIGSTOP)
        try:
            yield topic
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                producer.send_signal(signal.SIGCONT)

    def resume(self) -> None:
        """Lets the producer go on that `paused` has stopped."""
        self.producer().send_signal(signal.SIGCONT)

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
"""`start(text, *arguments, before="", broker=...)`: `before` is Python that the run's process executes first."""
