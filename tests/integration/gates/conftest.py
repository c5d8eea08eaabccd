"""What the tests of verdicts share: real runs that are broken on purpose, in exactly one way, while they go on.

A run is `ackdrop run` in a process of its own before a real broker. What breaks it comes from outside: a signal to its
producer or its broker, a request to the broker past the proxy, a client made by hand at the proxy's own port. Where a
limit of ackdrop has to be small, a line of Python sets it in that process before it begins; nothing else differs.

Whatever a test has to do at a certain moment, it does while the producer stands still: `Run.paused`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
import trio

from ackdrop.broker import embedded
from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited
from ackdrop.errors import BrokerError

DEADLINE = 60.0
MARK = "TEST_OF_THE_GATES"
"""An environment variable that a run hands down to every process of it."""

T = TypeVar("T")

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


@pytest.fixture
def start(embedded_broker: str, tmp_path: Path) -> Iterator[Start]:
    """Starts `ackdrop run` of a scenario's text, before the session's broker unless another one is named."""
    yield from _starting(embedded_broker, tmp_path)


@pytest.fixture(scope="module")
def start_many(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The same, for runs that several tests of a file look at."""
    yield from _starting(embedded_broker, tmp_path_factory.mktemp("gates"))


def _starting(embedded_broker: str, home: Path) -> Iterator[Start]:
    started: list[Run] = []

    def begin(text: str, *arguments: str, before: str = "", broker: str | None = embedded_broker) -> Run:
        started.append(Run(home / uuid.uuid4().hex, broker, text, list(arguments), before))
        return started[-1]

    yield begin
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


# Talking to the broker, past any proxy.


def at(broker: str | None, ask: Callable[[Cluster], Awaitable[T]]) -> T:
    """What the cluster answers."""
    assert broker is not None

    async def main() -> T:
        async with Cluster.connect(broker) as cluster:
            return await ask(cluster)

    return trio.run(main)


def topics(broker: str | None, prefix: str) -> list[str]:
    async def ask(cluster: Cluster) -> list[str]:
        return [topic for topic in await cluster.topics(None) if topic.startswith(prefix)]

    return at(broker, ask)


def records_in(broker: str | None, topic: str) -> int:
    """How many offsets the topic has used; 0 where it is not there."""

    async def ask(cluster: Cluster) -> int:
        try:
            return sum((await cluster.end_offsets(topic)).values())
        except BrokerError:
            return 0

    return at(broker, ask)


@dataclass(frozen=True, slots=True)
class Hand:
    """What a test does to the broker behind a run's back, with kafka-python."""

    kafka: Any
    broker: str

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        with contextlib.closing(self.kafka.KafkaAdminClient(bootstrap_servers=self.broker)) as client:
            yield client

    def delete_topic(self, topic: str) -> None:
        at(self.broker, lambda cluster: cluster.delete_topic(topic))

    def create_topic(self, topic: str, config: dict[str, str] | None = None) -> None:
        at(self.broker, lambda cluster: cluster.create_topic(topic, config=config))

    def make_anew(self, topic: str) -> None:
        """Another topic of this name is there when this returns: ours, or the one that the producer's own question for
        its topic has made before us."""
        self.delete_topic(topic)
        try:
            self.create_topic(topic)
        except BrokerError as error:
            if "TOPIC_ALREADY_EXISTS" not in str(error):
                raise

    def delete_records(self, topic: str, before: int) -> None:
        """Everything below this offset of partition 0 is gone when this returns."""
        with self.admin() as admin:
            admin.delete_records({self.kafka.TopicPartition(topic, 0): before})

    def configure(self, topic: str, **config: str) -> None:
        """Sets these of the topic's properties, whose dots are underscores here."""
        from kafka.admin import ConfigResource

        wanted = {name.replace("_", "."): value for name, value in config.items()}
        with self.admin() as admin:
            admin.alter_configs([ConfigResource("topic", topic, wanted)])

    def refuse_everything(self, topic: str) -> None:
        """From now on the topic takes no batch: each is MESSAGE_TOO_LARGE. A small one of ours shows that it is so."""
        self.configure(topic, max_message_bytes="10")

    def write(self, topic: str, *records: tuple[bytes, list[tuple[str, bytes]]], **config: Any) -> None:
        """Writes (value, headers) to partition 0, past any proxy."""
        settings = {"bootstrap_servers": self.broker, "enable_idempotence": False, **config}
        with contextlib.closing(self.kafka.KafkaProducer(**settings)) as producer:
            for value, headers in records:
                producer.send(topic, value, headers=headers, partition=0).get(DEADLINE)

    @contextlib.contextmanager
    def writing(self, topic: str) -> Iterator[None]:
        """Records of nobody's come to the topic all the time, until it is gone or the block ends."""
        over, begun = threading.Event(), threading.Event()

        def write() -> None:
            with contextlib.closing(self.kafka.KafkaProducer(**settings)) as producer:
                while not over.is_set():
                    try:
                        producer.send(topic, b"noise", partition=0).get(DEADLINE)
                    except self.kafka.errors.KafkaError:
                        break
                    begun.set()

        settings = {"bootstrap_servers": self.broker, "retries": 0, "enable_idempotence": False, "max_block_ms": 1000}
        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert begun.wait(DEADLINE)
            yield
        finally:
            over.set()
            writer.join()


class WaitingProducer:
    """An interpreter for the producer that begins when it is told to: so that a topic can be spoilt before that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.python = str(folder / "python")
        waits = f"arm=$(ls -t {folder}/*.started 2>/dev/null | wc -l)\ntouch {folder}/$$.started\n"
        go = f"while [ ! -e {folder}/$arm.go ]; do sleep 0.05; done\n"
        Path(self.python).write_text(f'#!/bin/sh\n{waits}{go}exec {sys.executable} "$@"\n')
        Path(self.python).chmod(0o755)

    def go(self, arm: str) -> None:
        """The producer of that arm may begin."""
        (self._folder / f"{['off', 'on'].index(arm)}.go").touch()


@pytest.fixture
def waiting_producer(tmp_path: Path) -> WaitingProducer:
    return WaitingProducer(tmp_path)


@pytest.fixture
def hand(embedded_broker: str, library: Callable[[str], Any]) -> Hand:
    return Hand(library("kafka"), embedded_broker)


@pytest.fixture
def hand_at(library: Callable[[str], Any]) -> Callable[[str], Hand]:
    """`hand_at(bootstrap)`: the same for another broker."""
    return lambda broker: Hand(library("kafka"), broker)


class OwnBroker:
    """An embedded broker that a test may stop and kill: in a thread of its own, so that the test need not be async."""

    def __init__(self, port: int | None = None, extra: dict[str, str] | None = None) -> None:
        self._end = trio.Event()
        self._ready = threading.Event()
        self._token: Any = None
        self._failure: BaseException | None = None
        self._running: RunningBroker | None = None
        self._thread = threading.Thread(target=self._run, args=(port, extra), name="a test's own broker")
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def _run(self, port: int | None, extra: dict[str, str] | None) -> None:
        async def main() -> None:
            self._token = trio.lowlevel.current_trio_token()
            async with embedded.broker(port=port, extra=extra) as running:
                self._running = running
                self._ready.set()
                await self._end.wait()

        try:
            trio.run(main)
        except BaseException as error:  # told to the test
            self._failure = error
        finally:
            self._ready.set()

    @property
    def bootstrap(self) -> str:
        assert self._running is not None
        return self._running.bootstrap

    @property
    def java(self) -> psutil.Process:
        """The broker's own process."""
        assert self._running is not None
        assert self._running.pid is not None
        return psutil.Process(self._running.pid)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power; nothing answers any more when this returns."""
        java = self.java
        java.kill()
        psutil.wait_procs([java], timeout=DEADLINE)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP: it answers nothing, and its connections stay open."""
        java = self.java
        java.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                java.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._end.set)
            self._thread.join()


@pytest.fixture
def own_broker(embedded_broker: str) -> Iterator[Callable[..., OwnBroker]]:
    """`own_broker()` starts a broker that may be broken; it takes some four seconds. It ends with the test.

    It asks for the shared one first, which skips the test where no broker can be started.
    """
    started: list[OwnBroker] = []

    def begin(**how: Any) -> OwnBroker:
        started.append(OwnBroker(**how))
        return started[-1]

    yield begin
    for broker in started:
        broker.close()
