"""Real producers before the embedded broker, direct and through each proxy in turn.

Broker, producer and proxy share the machine's cores here, so what the proxy spends is missing to the others: with few
cores a ratio says more about CPU than about delay. What a proxy that looks at nothing keeps is what can be kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from ackdrop.broker import embedded
from ackdrop.broker.jars import provide
from ackdrop.broker.layout import Wish
from ackdrop.broker.listener import Listener
from ackdrop.broker.ports import held
from ackdrop.direct.cluster import Cluster

from .cells import turned
from .peers import Running, haproxy, named, toxiproxy
from .processes import await_rest, spent

HERE = Path(__file__).parent
RECORDS = {100: 2_000_000, 1024: 600_000, 10240: 80_000}
"""For two seconds and more each: what takes less than one says more of the broker than of what is between."""
PARTITIONS = 4
BLIND = {"haproxy": haproxy, "toxiproxy": toxiproxy}
"""Peers that change nothing in what passes."""

Command = Callable[[str, str, int, int], list[str]]


def measure(
    names: Sequence[str], repetitions: int, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]
) -> None:
    """Of the peers with these names, those that are ackdrop or can be told where to listen. `keep` gets an entry for
    each producer and size of a record."""
    fit = [name for name in names if name in BLIND or name.startswith("ackdrop")]
    trio.run(_measure, ["direct", *fit], repetitions, tell, keep)


async def _measure(
    names: Sequence[str], repetitions: int, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]
) -> None:
    with tempfile.TemporaryDirectory(prefix="ackdrop-bench-") as folder:
        commands = _commands(await provide(None), Path(folder), tell)
        async with _broker(names) as ways, Cluster.connect(f"127.0.0.1:{ways['direct'][0]}") as cluster:
            for name, command in commands.items():
                for size, records in RECORDS.items():
                    (own := Path(folder) / f"{name}-{size}").mkdir()
                    entry = {"producer": name, "record": size, "records": records, "runs": []}
                    with ExitStack() as stack:
                        running = _stage(ways, own, stack)
                        for repetition in range(repetitions):
                            for way in turned(list(running), repetition):
                                tell(f"{name}, {size} B  {repetition + 1}/{repetitions}  {way}")
                                figures = await _once(cluster, command, running[way], size, records)
                                entry["runs"].append({"peer": way, "repetition": repetition, **figures})  # type: ignore[attr-defined]
                    keep(entry)


@asynccontextmanager
async def _broker(names: Sequence[str]) -> AsyncIterator[dict[str, tuple[int, int]]]:
    """A broker, and of each way to it the port where it listens for it, and the one that it tells clients of: a proxy
    that changes nothing in an answer has to be told of as if it were the broker."""
    blind = [name for name in names if name in BLIND]
    with held(1 + len(blind)) as (plain, *fronts):
        told = [f"PLAINTEXT://127.0.0.1:{plain}"]
        told += [f"{name.upper()}://127.0.0.1:{front}" for name, front in zip(blind, fronts, strict=True)]
        listeners = [Listener(name.upper()) for name in blind]
        wish = Wish(listeners=listeners, extra={"advertised.listeners": ",".join(told)})
    async with embedded.cluster(wish, ports=[plain]) as running:
        (node,) = (each.node for each in running.nodes)
        ways = {name: (plain, 0) for name in names}
        yield ways | {name: (node.more[name.upper()], front) for name, front in zip(blind, fronts, strict=True)}


def _stage(ways: dict[str, tuple[int, int]], folder: Path, stack: ExitStack) -> dict[str, Running]:
    """Every way, with a process of its own in it."""
    cores = sorted(os.sched_getaffinity(0))
    running = {}
    for name, (port, front) in ways.items():
        (folder / name).mkdir()
        way = BLIND[name](port, cores, folder / name, front) if front else named(name)(port, cores, folder / name)
        running[name] = stack.enter_context(way)
    return running


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
