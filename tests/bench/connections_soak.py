"""Thousands of connections and faults that fire, for half an hour: does `ackdrop proxy` stay flat?

    ackdrop broker up --port 29092
    python tests/bench/connections_soak.py --bootstrap localhost:29092 --minutes 30 --connections 2000

Most of the connections say little: each asks for ApiVersions every half minute, and is made anew when it ends. Two
producers, one idempotent and one not, send at a steady rate, a consumer reads along, and the scenario below loses acks,
answers with errors, holds answers back and copies requests, so that there are retries all the time. A line a minute
says what the proxy holds: resident memory, file descriptors, threads, its CPU time and the size of its folder. The
figures after the first minute are the measure: it ends with 1 where the memory leaves them by more than a tenth, or
where descriptors grow. Then the proxy is ended, and what it reports is printed. Needs confluent-kafka and psutil.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import trio

from ackdrop.kafka.bodies import encode_request

ASKED_EVERY = 30.0
"""Seconds between two requests of a connection that says little."""
FLAT = 0.10

SCENARIO = """
version: 1
title: Faults all the time
workload: {records: 1}
faults:
  - name: lose an ack and the connection
    at: produce.response
    match: {attempt: first}
    when: {probability: 0.01}
    do: {drop: {then: disconnect}}
  - name: a time-out in place of an ack
    at: produce.response
    match: {attempt: first}
    when: {probability: 0.02}
    do: {error: {code: REQUEST_TIMED_OUT}}
  - name: slow answers
    at: produce.response
    when: {probability: 0.05}
    do: {delay: {for: 100ms}}
expect: {}
"""


class Quiet:
    """Connections that say little. `open` and `again` (made anew after the first time) are of this moment."""

    def __init__(self, address: str, connections: int) -> None:
        self._address = address
        self._connections = connections
        self.open = self.again = self.answers = 0

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(self._connections):
                nursery.start_soon(self._keep, number)
                await trio.sleep(0.005)  # one after the other, not a storm

    async def _keep(self, number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self._one(number)
            self.again += 1
            await trio.sleep(1)  # as a client pauses before it tries again

    async def _one(self, number: int) -> None:
        host, _, port = self._address.rpartition(":")
        stream = await trio.open_tcp_stream(host, int(port))
        self.open += 1
        try:
            asked = 0
            while True:
                asked += 1
                await stream.send_all(encode_request("api_versions", 0, asked, f"quiet-{number}"))
                answer = b""
                while len(answer) < 4 or len(answer) < 4 + int.from_bytes(answer[:4], "big"):
                    more = await stream.receive_some(4096)
                    if not more:
                        return
                    answer += more
                self.answers += 1
                await trio.sleep(ASKED_EVERY)
        finally:
            self.open -= 1
            await trio.aclose_forcefully(stream)


def keep_quiet(address: str, connections: int, counts: list[multiprocessing.sharedctypes.Synchronized[int]]) -> None:
    """A process of its own: `counts` are those that are open, made anew, and answered."""
    quiet = Quiet(address, connections)

    async def told() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(quiet.run)
            while True:
                counts[0].value, counts[1].value, counts[2].value = quiet.open, quiet.again, quiet.answers
                await trio.sleep(0.5)  # how often the figures are told

    trio.run(told)


def produce(address: str, topic: str, idempotent: bool, rate: float, sent: list[int], over: threading.Event) -> None:
    from confluent_kafka import KafkaException, Producer

    settings = {"bootstrap.servers": address, "linger.ms": 0, "enable.idempotence": idempotent, "message.timeout.ms": 0}
    producer = Producer(settings)
    while not over.wait(1 / rate):
        try:
            producer.produce(topic, b"%020d" % sent[0], partition=0)
            sent[0] += 1
        except (BufferError, KafkaException) as error:
            print(f"a producer failed: {error}", file=sys.stderr)
            return
        producer.poll(0)
    producer.flush(20)


def consume(address: str, topics: list[str], read: list[int], over: threading.Event) -> None:
    from confluent_kafka import Consumer

    settings = {"bootstrap.servers": address, "group.id": "soak", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe(topics)
    while not over.is_set():
        found = consumer.consume(500, 0.5)
        read[0] += sum(message.error() is None for message in found)
    consumer.close()


def make_topics(bootstrap: str, names: list[str]) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})  # its futures end with it
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result(30)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the proxy holds at one moment."""

    rss: int
    descriptors: int
    threads: int
    cpu: float

    @classmethod
    def of(cls, process: psutil.Process) -> Figures:
        times = process.cpu_times()
        return cls(process.memory_info().rss, process.num_fds(), process.num_threads(), times.user + times.system)


def watch(process: psutil.Process, folder: Path, minutes: int, told: Callable[[], str]) -> list[Figures]:
    """A line a minute; the figures from the first minute on."""
    found: list[Figures] = []
    print(f"{'minute':>6} {'RSS MB':>7} {'fds':>6} {'threads':>7} {'CPU %':>6} {'folder MB':>9}  traffic", flush=True)
    spent = Figures.of(process).cpu
    for minute in range(1, minutes + 1):
        time.sleep(60)  # a line a minute
        now = Figures.of(process)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        cpu = (now.cpu - spent) / 60 * 100
        line = f"{minute:6d} {now.rss / 1e6:7.1f} {now.descriptors:6d} {now.threads:7d} {cpu:6.1f} {size:9.1f}"
        print(f"{line}  {told()}", flush=True)
        spent = now.cpu
        found.append(now)
    return found


def flat(found: list[Figures]) -> bool:
    first, memory = found[0], [each.rss / found[0].rss - 1 for each in found]
    most = max(each.descriptors for each in found)
    print(f"memory after the first minute: {min(memory):+.1%} to {max(memory):+.1%}, at the end {memory[-1]:+.1%}")
    print(
        f"file descriptors after the first minute: {first.descriptors}, most {most}, at the end {found[-1].descriptors}"
    )
    return max(map(abs, memory)) <= FLAT and most <= first.descriptors * (1 + FLAT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=50, help="records a second of each producer")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    topics = [f"soak-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    make_topics(options.bootstrap, topics)
    with tempfile.TemporaryDirectory(prefix="ackdrop-soak-") as name:
        folder = Path(name)
        (folder / "faults.yaml").write_text(SCENARIO)
        command = [
            sys.executable,
            "-m",
            "ackdrop",
            "proxy",
            "--bootstrap",
            options.bootstrap,
            "--listen",
            "127.0.0.1:0",
        ]
        command += ["--scenario", str(folder / "faults.yaml"), "--out", str(folder / "runs"), "--no-color"]
        command += ["--json", str(folder / "result.json")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
            assert proxy.stderr is not None
            line = next(line for line in proxy.stderr if "listens on" in line)
            said: deque[str] = deque(maxlen=20)
            threading.Thread(target=said.extend, args=(proxy.stderr,), daemon=True).start()
            steady = soak(
                psutil.Process(proxy.pid), folder, line.split("listens on ")[1].split(",")[0], topics, options
            )
            begun = time.monotonic()
            proxy.terminate()
            assert proxy.stdout is not None
            print(proxy.stdout.read())
            code = proxy.wait()
        print("".join(said))
        print(f"the proxy ended with {code}, {time.monotonic() - begun:.1f} s after SIGTERM")
        wire = json.loads((folder / "result.json").read_text())["arms"][0]["wire"]
        print({name: wire[name] for name in ("connections", "produce_requests", "retries", "acks_dropped", "faults")})
    return 0 if steady and code in (0, 3) else 1


def soak(proxy: psutil.Process, folder: Path, address: str, topics: list[str], options: argparse.Namespace) -> bool:
    counts = [multiprocessing.Value("q", 0) for _ in range(3)]
    quiet = multiprocessing.Process(target=keep_quiet, args=(address, options.connections, counts), daemon=True)
    quiet.start()
    over, sent, read = threading.Event(), [[0], [0]], [0]
    clients = [
        threading.Thread(target=produce, args=(address, topics[0], True, options.rate, sent[0], over)),
        threading.Thread(target=produce, args=(address, topics[1], False, options.rate, sent[1], over)),
        threading.Thread(target=consume, args=(address, topics, read, over)),
    ]
    for client in clients:
        client.start()

    def told() -> str:
        held, again, answers = (count.value for count in counts)
        quiet = f"{held} quiet connections ({again} made anew, {answers} answers)"
        return f"{quiet}, {sent[0][0]} and {sent[1][0]} sent, {read[0]} read"

    try:
        return flat(watch(proxy, folder / "runs", options.minutes, told))
    finally:
        over.set()
        for client in clients:
            client.join()
        quiet.terminate()
        quiet.join()


if __name__ == "__main__":
    sys.exit(main())
