"""`ackdrop run` in processes of its own, with folders of its own.

Most runs are independent of each other, so those of a file are started together, a few at a time; each test looks at
one. A run takes two to three seconds, for its scenarios force their retry with an error and not with silence.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited

DEADLINE = 60.0
SIDE_BY_SIDE = 4
MARK = "TEST_OF_THE_RUN_VERB"
"""An environment variable that a run hands down to every process of it."""

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A test",
    "seed": 11,
    "workload": {
        "records": 6,
        "pipelined": False,
        "config": {"retries": 5, "request_timeout": "2s", "delivery_timeout": "15s", "retry_backoff": "20ms"},
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


def scenario(*, fault: dict[str, Any] | None = None, workload: dict[str, Any] | None = None, **more: Any) -> str:
    """A scenario's text (JSON is YAML): the base, with some parts of its fault and its workload changed."""
    made = copy.deepcopy(BASE)
    made["faults"][0].update(fault or {})
    made["workload"].update(workload or {})
    return json.dumps({**made, **more})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `result` is what `--json` wrote, None where it wrote nothing; `folders` are its runs'."""

    code: int
    out: str
    err: str
    result: Any
    folders: list[Path]
    seconds: float

    @property
    def codes(self) -> set[str]:
        """The codes of the result's reasons."""
        return {reason["code"] for reason in self.result["reasons"]}

    @property
    def report(self) -> Any:
        """`report.json` of the one run."""
        (folder,) = self.folders
        return json.loads((folder / "report.json").read_text())

    def decisions(self) -> list[tuple[Any, ...]]:
        """The decisions of the one run, in their order, without time and connection."""
        (folder,) = self.folders
        lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        words = ("arm", "fault", "client_id", "topic", "partition", "n", "verdict")
        return [tuple(line[word] for word in words) for line in lines if line["event"] == "decided"]


class Runner:
    """One `ackdrop run` in a process of its own, with folders of its own. `end` waits for it and looks what it left."""

    def __init__(self, home: Path, files: dict[str, str], arguments: list[str], environment: dict[str, str]) -> None:
        self.home = home
        self.temporary = home / "tmp"
        self.temporary.mkdir()
        for name, text in files.items():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_text(text)
        self.mark = uuid.uuid4().hex
        if "--json" not in arguments:
            arguments = [*arguments, "--json", "result.json"]
        kept = inherited("ACKDROP_")
        own = {"TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "80", MARK: self.mark}
        self._begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ackdrop", "run", "--out", "runs", *arguments],
            cwd=home,
            env={**kept, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> Ended:
        """How it ended, once it has. No process and no temporary folder of it is left then."""
        with self.process:
            try:
                out, err = self.process.communicate(timeout=DEADLINE)
            finally:
                self.process.kill()
        seconds = time.monotonic() - self._begun
        assert "Traceback" not in err
        assert "internal error" not in err, err
        assert self.family() == []
        assert os.listdir(self.temporary) == []
        file, runs = self.home / "result.json", self.home / "runs"
        result = json.loads(file.read_text()) if file.exists() else None
        folders = sorted(runs.iterdir()) if runs.is_dir() else []
        return Ended(self.process.returncode, out, err, result, folders, seconds)

    def family(self) -> list[psutil.Process]:
        """Every process that the run started and that has not ended."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def until(self, what: Callable[[], Any]) -> Any:
        """What `what` gives, once it gives something; the run must still be going on."""
        deadline = time.monotonic() + DEADLINE
        while not (found := what()):
            assert time.monotonic() < deadline
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return found


Start = Callable[..., Runner]
"""`start(*arguments, files={name: text}, env={...}, broker=True)`"""


@pytest.fixture(scope="module")
def start(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts `ackdrop run`, before the session's broker unless `broker` is False."""
    homes = tmp_path_factory.mktemp("verb")

    def begin(
        *arguments: str, files: dict[str, str] | None = None, env: dict[str, str] | None = None, broker: bool = True
    ) -> Runner:
        given = ["--bootstrap", embedded_broker] if broker else []
        home = homes / uuid.uuid4().hex
        home.mkdir()
        return Runner(home, files or {}, [*given, *arguments], env or {})

    return begin


@dataclass(frozen=True, slots=True)
class Case:
    """A run that needs no company: its arguments, and its files by name."""

    arguments: list[str]
    files: dict[str, str]
    env: dict[str, str]
    broker: bool


def case(
    *arguments: str, files: dict[str, str] | None = None, env: dict[str, str] | None = None, broker: bool = True
) -> Case:
    return Case(list(arguments), files or {}, env or {}, broker)


def one(text: str, *arguments: str, **more: Any) -> Case:
    """One scenario in a file."""
    return case("verb.yaml", *arguments, files={"verb.yaml": text}, **more)


Ran = Callable[[str], Ended]


@pytest.fixture(scope="module")
def ran(request: pytest.FixtureRequest, start: Start) -> Iterator[Ran]:
    """`ran(name)` is how the one of the file's `CASES` of this name ended; the first call starts all of them."""
    cases: dict[str, Case] = request.module.CASES

    def run(one: Case) -> Ended:
        return start(*one.arguments, files=one.files, env=one.env, broker=one.broker).end()

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs: dict[str, Future[Ended]] = {name: pool.submit(run, one) for name, one in cases.items()}

        def wait(name: str) -> Ended:
            skip_without_library(cases[name])
            return runs[name].result(2 * DEADLINE)

        yield wait


def skip_without_library(one: Case) -> None:
    """A user's machine may lack an optional producer; CI has to have it."""
    if "aiokafka" in one.arguments and importlib.util.find_spec("aiokafka") is None and not os.environ.get("CI"):
        pytest.skip("aiokafka is not installed: pip install 'ackdrop[aiokafka]'")


@pytest.fixture
def topics(embedded_broker: str) -> Callable[[str], dict[str, int]]:
    """`topics(prefix)`: the topics whose names begin so, with the number of records in each."""

    async def ask(prefix: str) -> dict[str, int]:
        async with Cluster.connect(embedded_broker) as cluster:
            found = [topic for topic in await cluster.topics(None) if topic.startswith(prefix)]
            return {topic: sum((await cluster.end_offsets(topic)).values()) for topic in found}

    return lambda prefix: trio.run(ask, prefix)
