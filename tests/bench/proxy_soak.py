"""Does a proxy under load stay flat? Memory, ledger and CPU of `ackdrop proxy`, second by second.

    python tests/bench/proxy_soak.py --bootstrap localhost:9092 --seconds 120 --producers 2

Producers in processes of their own send one small record a request, as fast as the proxy takes them, each on a topic of
its own. Every few seconds a line says how many produce requests have passed, how many a second, the proxy's resident
memory, the size of its ledger folder and its CPU time for a request. Needs confluent-kafka; everything is on loopback.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil


def produce(bootstrap: str, topic: str, seconds: float, sent: multiprocessing.sharedctypes.Synchronized[int]) -> None:
    """Send records one a request until the time is over."""
    from confluent_kafka import Producer

    settings = {"bootstrap.servers": bootstrap, "linger.ms": 0, "batch.num.messages": 1, "enable.idempotence": True}
    settings["queue.buffering.max.messages"] = 500
    producer = Producer(settings)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        try:
            producer.produce(topic, b"%020d" % number, partition=0)
            number += 1
        except BufferError:
            producer.poll(0.01)
        if number % 100 == 0:
            producer.poll(0)
            sent.value = number - len(producer)
    producer.flush(20)
    sent.value = number - len(producer)


def make_topics(bootstrap: str, names: list[str]) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result()


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--producers", type=int, default=2)
    parser.add_argument("--every", type=float, default=5)
    options = parser.parse_args()
    topics = [f"soak-{uuid.uuid4().hex[:8]}" for _ in range(options.producers)]
    make_topics(options.bootstrap, topics)
    with tempfile.TemporaryDirectory(prefix="ackdrop-soak-") as folder:
        command = [sys.executable, "-m", "ackdrop", "proxy", "--bootstrap", options.bootstrap, "--no-verify"]
        command += ["--listen", "127.0.0.1:0", "--out", folder]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
            assert proxy.stderr is not None
            line = next(line for line in proxy.stderr if "listens on" in line)
            address = line.split("listens on ")[1].split(",")[0]
            watch(psutil.Process(proxy.pid), Path(folder), address, topics, options.seconds, options.every)
            proxy.terminate()
            out, _ = proxy.communicate()
    print(out[-600:])
    return 0


def watch(process: psutil.Process, folder: Path, address: str, topics: list[str], seconds: float, every: float) -> None:
    counts = [multiprocessing.Value("q", 0) for _ in topics]
    senders = [
        multiprocessing.Process(target=produce, args=(address, topic, seconds, count))
        for topic, count in zip(topics, counts, strict=True)
    ]
    for sender in senders:
        sender.start()
    print(f"{'seconds':>8} {'requests':>10} {'a second':>9} {'RSS MB':>8} {'ledger MB':>10} {'CPU us/request':>15}")
    begun, before, spent = time.monotonic(), 0, cpu(process)
    while any(sender.is_alive() for sender in senders):
        senders[0].join(every)
        now, done = cpu(process), sum(count.value for count in counts)
        each = (now - spent) / max(1, done - before) * 1e6
        memory = process.memory_info().rss / 1e6
        rate, size = (done - before) / every, megabytes(folder)
        seconds = time.monotonic() - begun
        print(f"{seconds:8.0f} {done:10d} {rate:9.0f} {memory:8.1f} {size:10.1f} {each:15.1f}", flush=True)
        before, spent = done, now


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main())
