"""What tests of the evidence share: programs that are not ours, runs of ackdrop, and a count of the log by kcat.

The programs lie in `programs/`, in Java, Go, JavaScript and by hand; they are built once a session. kcat (C) reads the
log for itself, past the proxy, so that what a report says is never its own witness.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import trio

from ackdrop.broker import jars
from ackdrop.direct.cluster import Cluster
from ackdrop.environment import inherited
from ackdrop.kafka.batches import iter_batches

HERE = Path(__file__).parent / "programs"
DEADLINE = 90.0
JAVA_NEEDS = ("kafka-clients", "lz4-java", "slf4j-api", "snappy-java", "zstd-jni")
JAVA_SWITCHES = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


@dataclass(frozen=True, slots=True)
class Row:
    """One record as kcat prints it. `headers` are by name, `key` and `value` are texts."""

    partition: int
    offset: int
    key: str
    value: str
    headers: dict[str, str]
    timestamp: int

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells a record: our own header's logical record, else key and value."""
        ours = self.headers.get("ackdrop")
        return tuple(ours.split("/")[:3]) if ours else (self.key, self.value)


class Rows(list[Row]):
    """A topic's log, by partition and offset."""

    @property
    def copies(self) -> dict[tuple[str, ...], list[int]]:
        """The offsets of each logical record that stands more than once."""
        found: dict[tuple[str, ...], list[int]] = {}
        for row in self:
            found.setdefault(row.identity, []).append(row.offset)
        return {identity: offsets for identity, offsets in found.items() if len(offsets) > 1}

    @property
    def duplicates(self) -> int:
        """Extra copies."""
        return len(self) - len(Counter(row.identity for row in self))


@pytest.fixture(scope="session")
def kcat(tool: Callable[[str], str]) -> Callable[..., str]:
    """`kcat(*arguments, text="")` runs it and gives what it printed."""
    path = tool("kcat")

    def run(*arguments: str, text: str = "") -> str:
        command = [path, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def rows(kcat: Callable[..., str]) -> Callable[[str, str], Rows]:
    """`rows(bootstrap, topic)`: what kcat reads out of a topic."""

    def read(bootstrap: str, topic: str) -> Rows:
        out = kcat(
            "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-J", "-X", "fetch.wait.max.ms=20"
        )
        return Rows(sorted(map(_row, map(json.loads, out.splitlines())), key=lambda row: (row.partition, row.offset)))

    return read


def _row(said: Any) -> Row:
    flat = said.get("headers") or []
    headers = dict(zip(flat[::2], flat[1::2], strict=True))
    return Row(said["partition"], said["offset"], said.get("key") or "", said["payload"], headers, said["ts"])


@pytest.fixture
def batches() -> Callable[[str, str], dict[int, Any]]:
    """`batches(bootstrap, topic)`: base offset → the header of the batch that stands there."""

    def read(bootstrap: str, topic: str) -> dict[int, Any]:
        async def fetch() -> dict[int, Any]:
            async with Cluster.connect(bootstrap) as cluster:
                data = (await cluster.fetch(topic, 0, 0)).records
                return {batch.header.base_offset: batch.header for batch in iter_batches(data)}

        return trio.run(fetch)

    return read


@dataclass(frozen=True, slots=True)
class Programs:
    """The ordinary producers by name, each a command that takes `BOOTSTRAP COUNT GROUP TIMEOUT_MS IDEMPOTENT
    TOPIC:CODEC...`. They are built side by side, and waited for where they are used."""

    commands: dict[str, Future[list[str]]]

    def start(self, name: str, *arguments: object, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        command = [*self.commands[name].result(300), *map(str, arguments)]
        output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=inherited(**(env or {})), **output)

    def run(self, name: str, *arguments: object, env: dict[str, str] | None = None) -> None:
        """Runs one to its end, which has to be a good one."""
        with self.start(name, *arguments, env=env) as process:
            try:
                _, err = process.communicate(timeout=DEADLINE)
            finally:
                process.kill()
        assert process.returncode == 0, f"{name}: {err}"


@pytest.fixture(scope="session")
def programs(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """The programs; a machine that lacks the tools of one of them skips all tests of them, and CI fails."""
    tools = {name: tool(name) for name in ("go", "java", "javac", "node", "npm")}
    folder = tmp_path_factory.mktemp("programs")
    with ThreadPoolExecutor(1) as pool:
        yield Programs(
            {name: pool.submit(make, tools, folder) for name, make in (("java", _java), ("node", _node), ("go", _go))}
        )


def _build(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(command, cwd=folder, env=inherited(**environment), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def _java(tools: dict[str, str], folder: Path) -> list[str]:
    """kafka-clients and its own dependencies, out of the embedded broker's jars."""
    needed = [str(path) for path in trio.run(jars.provide) if path.name.startswith(JAVA_NEEDS)]
    classes = folder / "java"
    _build([tools["javac"], "-cp", ":".join(needed), "-d", str(classes), "Produce.java"], HERE / "java")
    return [tools["java"], *JAVA_SWITCHES, "-cp", ":".join([str(classes), *needed]), "Produce"]


def _go(tools: dict[str, str], folder: Path) -> list[str]:
    """Without optimisation, since building takes longer than all of its runs."""
    program = folder / "produce"
    flags = ["-gcflags=all=-N -l", "-ldflags=-s -w", "-buildvcs=false"]
    _build([tools["go"], "build", *flags, "-o", str(program), "."], HERE / "go", CGO_ENABLED="0")
    return [str(program)]


def _node(tools: dict[str, str], folder: Path) -> list[str]:
    home = folder / "node"
    shutil.copytree(HERE / "node", home)
    _build([tools["npm"], "ci", "--no-audit", "--no-fund", "--ignore-scripts"], home)
    return [tools["node"], str(home / "produce.js")]


@pytest.fixture(scope="session")
def raw() -> ModuleType:
    """The module `programs/raw.py`: a producer of hand-made frames."""
    spec = importlib.util.spec_from_file_location("raw", HERE / "raw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["raw"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def odd_producer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """`odd_producer(way)` is an interpreter for `--producer-python` that runs `programs/odd_producer.py` instead."""
    folder = tmp_path_factory.mktemp("odd")

    def make(way: str) -> str:
        path = folder / way
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "odd_producer.py"}" {way} "$@"\n')
        path.chmod(0o700)
        return str(path)

    return make


@dataclass(frozen=True, slots=True)
class Ran:
    """One `ackdrop run --keep`: its exit code, report and folder. `topics` are the topics of its arms."""

    code: int
    err: str
    report: Any
    folder: Path
    topics: dict[str, str]

    def arm(self, name: str) -> Any:
        (arm,) = (arm for arm in self.report["arms"] if arm["name"] == name)
        return arm

    def findings(self, arm: str, kind: str) -> list[Any]:
        return [found for found in self.arm(arm)["findings"] if found["kind"] == kind]

    def fired(self, arm: str) -> list[tuple[int, int]]:
        """(connection, correlation id) of every frame on which a fault fired, by the events' file."""
        events = map(json.loads, (self.folder / "events.jsonl").read_text().splitlines())
        return [
            (event["connection"], event["correlation_id"])
            for event in events
            if event["event"] == "decided" and event["arm"] == arm and event["fired"]
        ]


@dataclass(frozen=True, slots=True)
class Running:
    """An `ackdrop run` that goes on."""

    bootstrap: str
    process: subprocess.Popen[str]
    home: Path
    topics: Callable[[], dict[str, str]]

    def end(self) -> Ran:
        with self.process:
            try:
                _, err = self.process.communicate(timeout=DEADLINE)
            finally:
                self.process.kill()
        result = self.home / "result.json"
        assert result.exists(), err
        (folder,) = (self.home / "runs").iterdir()
        return Ran(self.process.returncode, err, json.loads(result.read_text()), folder, self.topics())


@pytest.fixture(scope="session")
def begin(
    kcat: Callable[..., str], embedded_broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    """`begin(bootstrap, scenario, *arguments)` starts `ackdrop run --keep`; a dictionary is written to a file first.

    What was kept on the session's broker is removed at the end; nothing runs on after it.
    """
    runs: list[Running] = []

    def start(bootstrap: str, scenario: str | dict[str, Any], *arguments: str) -> Running:
        home = tmp_path_factory.mktemp("evidence")
        name = scenario
        if isinstance(scenario, dict):
            name = f"e{uuid.uuid4().hex[:8]}"
            (home / f"{name}.yaml").write_text(json.dumps(scenario))
        before = _topics(kcat, bootstrap)
        command = [sys.executable, "-m", "ackdrop", "run", f"{name}.yaml" if name != scenario else name]
        command += ["--bootstrap", bootstrap, "--keep", "--json", "result.json", "--out", "runs", "--quiet", *arguments]
        kept = inherited("ACKDROP_")
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**kept, "XDG_STATE_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def topics() -> dict[str, str]:
            """Arm → topic: those that were not there before, `ackdrop-NAME-ARM-RUN`."""
            prefix = f"ackdrop-{name}-"
            new = [topic for topic in _topics(kcat, bootstrap) - before if topic.startswith(prefix)]
            parts = [topic.removeprefix(prefix).split("-") for topic in new]
            return {arm: topic for topic, (arm, *rest) in zip(new, parts, strict=True) if len(rest) == 1}

        runs.append(Running(bootstrap, process, home, topics))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.communicate()
    runs = [run for run in runs if run.bootstrap == embedded_broker]
    trio.run(_remove, embedded_broker, {topic for run in runs for topic in run.topics().values()})


async def _remove(bootstrap: str, topics: Iterable[str]) -> None:
    async with Cluster.connect(bootstrap) as cluster:
        for topic in topics:
            await cluster.delete_topic(topic)


def _topics(kcat: Callable[..., str], bootstrap: str) -> set[str]:
    return {topic["topic"] for topic in json.loads(kcat("-L", "-J", "-b", bootstrap))["topics"]}


@pytest.fixture(scope="session")
def run(begin: Callable[..., Running]) -> Callable[..., Ran]:
    """`run(bootstrap, scenario, *arguments)`: `ackdrop run --keep` from start to end."""
    return lambda *arguments: begin(*arguments).end()
