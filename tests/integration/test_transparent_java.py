"""Java's clients of the embedded Kafka's own version ask everything that they can, directly and through the proxy.

`programs/java` prints a transcript: every call of the admin client, producers, transactions, groups of both protocols,
share groups, and how each fails. Through the proxy it has to read the same, and no connection may go past the proxy.
"""

from __future__ import annotations

import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.broker import jars

pytestmark = pytest.mark.integration

PROGRAMS = Path(__file__).parent / "programs" / "java"
NEEDS = ("kafka-clients", "lz4-java", "re2j", "slf4j-api", "snappy-java", "zstd-jni")
DEADLINE = 150.0

QUIET = """\
version: 1
title: Nothing happens, but every small frame is read
workload: {producer: kafka-python, records: 1}
faults:
  - {name: never, at: produce.response, match: {topic: nobody-writes-here}, do: {drop: {then: hold}}}
expect: {"off": {lost: 0}, "on": {lost: 0}}
"""


class Java:
    """The compiled program. `run` gives its transcript, and the connections past the proxy that were seen meanwhile."""

    def __init__(self, command: list[str], past_the_proxy: Callable[..., set[Any]]) -> None:
        self._command = command
        self._past_the_proxy = past_the_proxy

    def run(self, bootstrap: str) -> tuple[list[str], set[Any]]:
        command = [*self._command, bootstrap, uuid.uuid4().hex[:12]]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        past: set[Any] = set()
        watcher = threading.Thread(target=self._watch, args=(process, past))
        watcher.start()
        try:
            out, err = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
            watcher.join()
        assert process.returncode == 0, err
        return out.splitlines(), past

    def _watch(self, process: subprocess.Popen[str], past: set[Any]) -> None:
        while process.poll() is None:
            past.update(self._past_the_proxy(process.pid))
            time.sleep(0.05)  # that it connects tells nobody


@pytest.fixture(scope="module")
def classes(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the program, without its arguments."""
    path = ":".join(str(jar) for jar in trio.run(jars.provide) if jar.name.startswith(NEEDS))
    folder = tmp_path_factory.mktemp("java")
    sources = sorted(str(source) for source in PROGRAMS.glob("*.java"))
    done = subprocess.run([tool("javac"), "-cp", path, "-d", str(folder), *sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [tool("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{path}", "Transcript"]


def test_all_that_java_asks_reads_the_same(
    classes: list[str],
    embedded_broker: str,
    start_proxy: Callable[..., Any],
    past_the_proxy: Callable[..., set[Any]],
    tmp_path: Path,
) -> None:
    java = Java(classes, past_the_proxy)
    (quiet := tmp_path / "quiet.yaml").write_text(QUIET)
    proxies = [start_proxy(), start_proxy("--scenario", str(quiet))]
    with ThreadPoolExecutor(3) as pool:
        (direct, past), *through = pool.map(java.run, [embedded_broker, *(proxy.address() for proxy in proxies)])
    assert past, "a connection to the broker's own port has to be seen where there is one"
    _check(direct)
    for proxy, (transcript, past) in zip(proxies, through, strict=True):
        assert transcript == direct
        assert not past
        assert proxy.end().arm["wire"]["undecoded"] == 0


def _check(transcript: list[str]) -> None:
    """What was asked has an answer: two transcripts that read the same prove nothing where both tell of failures."""
    assert transcript[-1] == "end"
    told = dict(line.split(": ", 1) for line in transcript[:-1])
    assert len(told) > 75
    assert told["describeTopics"].count("elr []") == 4
    assert told["transactions"] == "done"
    assert [told[isolation].count("aborted") for isolation in ("read_committed", "read_uncommitted")] == [0, 2]
    # The classic group begins partition 0 at offset 7, which a transaction has committed for it.
    assert [told[f"a {protocol} group"].count("@") for protocol in ("classic", "consumer")] == [103, 110]
    assert told["two members of a classic group"] == told["two members of a consumer group"] == "2 and 2"
    assert told["a share group"] == "100 2 2 1"
