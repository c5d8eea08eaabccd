"""Real producers before the embedded broker, direct and through `ackdrop proxy` in turn.

Broker, producer and proxy share the machine's cores here, so what the proxy spends is missing to the others: with few
cores a ratio says more about CPU than about delay.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from ackdrop.broker import embedded
from ackdrop.broker.jars import provide
from ackdrop.direct.cluster import Cluster

from .peers import PEERS, Running
from .processes import await_rest, spent

HERE = Path(__file__).parent
RECORDS = {100: 1_000_000, 1024: 300_000, 10240: 40_000}
PARTITIONS = 4

Command = Callable[[str, str, int, int], list[str]]


def measure(repetitions: int, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]) -> None:
    """`keep` gets an entry for each producer and size of a record."""
    trio.run(_measure, repetitions, tell, keep)


async def _measure(repetitions: int, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="ackdrop-bench-") as folder:
        commands = _commands(await provide(None), Path(folder), tell)
        async with embedded.broker() as broker, Cluster.connect(broker.bootstrap) as cluster:
            for name, command in commands.items():
                for size, records in RECORDS.items():
                    (own := Path(folder) / f"{name}-{size}").mkdir()
                    port = int(broker.bootstrap.rpartition(":")[2])
                    entry = {"producer": name, "record": size, "records": records, "runs": []}
                    with PEERS["ackdrop"](port, sorted(os.sched_getaffinity(0)), own) as ackdrop:
                        for repetition in range(repetitions):
                            ways = {"direct": Running(port, None), "ackdrop": ackdrop}
                            for way in sorted(ways, reverse=repetition % 2 == 0):
                                tell(f"{name}, {size} B  {repetition + 1}/{repetitions}  {way}")
                                figures = await _once(cluster, command, ways[way], size, records)
                                entry["runs"].append({"peer": way, "repetition": repetition, **figures})  # type: ignore[attr-defined]
                    keep(entry)


def _commands(jars: list[Path], folder: Path, tell: Callable[[str], None]) -> dict[str, Command]:
    """The producers that are there."""
    script = str(HERE / "produce_confluent.py")
    found: dict[str, Command] = {
        "librdkafka": lambda *words: [sys.executable, script, *map(str, words)],
    }
    javac, java = shutil.which("javac"), shutil.which("java")
    if javac is None or java is None:
        tell("no JDK: Kafka's own producer is left out")
        return found
    path = ":".join(map(str, jars))
    subprocess.run([javac, "-cp", path, "-d", folder, HERE / "Produce.java"], check=True)
    found["Java"] = lambda *words: [java, "-cp", f"{path}:{folder}", "Produce", *map(str, words)]
    return found


async def _once(cluster: Cluster, command: Command, way: Running, size: int, records: int) -> dict[str, Any]:
    """One producer to its end, on a topic of its own."""
    topic = f"bench-{os.urandom(4).hex()}"
    await cluster.create_topic(topic, PARTITIONS)
    pid = way.pid
    if pid is not None:
        await trio.to_thread.run_sync(await_rest, pid)
    before, let_go = 0 if pid is None else spent(pid), way.let_go()
    ended = await trio.run_process(
        command(f"127.0.0.1:{way.port}", topic, records, size), capture_stdout=True, stderr=subprocess.DEVNULL
    )
    figures: dict[str, Any] = json.loads(ended.stdout)
    if pid is not None:
        await trio.to_thread.run_sync(await_rest, pid)
        figures |= {"proxy_ns": spent(pid) - before, "let_go": way.let_go() - let_go}
    await cluster.delete_topic(topic)
    return figures
