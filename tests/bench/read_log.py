"""How long it takes to read a log back and to judge it, beside a client that only consumes it.

    python tests/bench/read_log.py                          # an embedded broker, a million records of 100 bytes
    python tests/bench/read_log.py --records 10000000       # the same memory is to do
    python tests/bench/read_log.py --bootstrap 127.0.0.1:9092 --partitions 6 --twice

The topic is filled by confluent-kafka. Then, each in a process of its own, so that the start of the interpreter counts:

    consume    confluent-kafka consumes everything and does nothing with it
    read_log   ackdrop reads all of it (`read_log`) and judges it alone (`open_case`): every digest, every copy

For each it prints seconds of wall clock and of CPU, and the peak of memory; then how many times the CPU, and the wall
clock, of confluent-kafka ackdrop took. `--twice` writes every record twice, so that everything is a duplicate. `--ours`
gives each record a header of our own workload, which is then taken apart. `--times` repeats the two, and the best of
each counts, since a busy machine only ever adds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import trio

RUN = "bench"


def main() -> None:
    arguments = _arguments()
    if arguments.child:
        return _CHILDREN[arguments.child](arguments)
    with _broker(arguments.bootstrap) as bootstrap:
        topic = arguments.topic or f"ackdrop-bench-{uuid.uuid4().hex[:8]}"
        if not arguments.topic:
            _fill(bootstrap, topic, arguments)
        results = [_measured(name, bootstrap, topic, arguments) for name in _CHILDREN]
    consumed, read = results
    print(f"ratio      CPU {read['cpu'] / consumed['cpu']:.2f}, wall {read['wall'] / consumed['wall']:.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=100, help="bytes of a value")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--bootstrap", help="a broker of your own; none: an embedded one for as long as it takes")
    parser.add_argument("--topic", help="one that is filled already")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def _broker(given: str | None) -> Iterator[str]:
    """The broker that was given, or an embedded one."""
    if given is not None:
        yield given
        return
    ready, end = "", "\n"
    code = (
        "import sys, trio\n"
        "from ackdrop.broker import embedded\n"
        "async def main():\n"
        "    async with embedded.broker() as running:\n"
        "        print(running.bootstrap, flush=True)\n"
        "        await trio.to_thread.run_sync(sys.stdin.readline)\n"
        "trio.run(main)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = process.stdout.readline().strip()
        if not ready:
            raise SystemExit("the embedded broker did not start")
        try:
            yield ready
        finally:
            process.stdin.write(end)
            process.stdin.close()


def _fill(bootstrap: str, topic: str, arguments: argparse.Namespace) -> None:
    from confluent_kafka import Producer

    from ackdrop.direct.cluster import Cluster

    async def make() -> None:
        async with Cluster.connect(bootstrap) as cluster:
            await cluster.create_topic(topic, arguments.partitions)

    trio.run(make)
    client = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 200_000})
    value, stamp = bytes(max(0, arguments.size - 12)), int(time.time() * 1000)
    for time_over in range(1 + arguments.twice):
        for number in range(arguments.records):
            headers = [("ackdrop", b"%s/p1/%d/%d/%d" % (RUN.encode(), number, time_over, number))]
            while True:
                try:
                    client.produce(
                        topic,
                        b"%012d" % number + value,
                        partition=number % arguments.partitions,
                        timestamp=stamp + number // 100,
                        headers=headers if arguments.ours else None,
                    )
                    break
                except BufferError:
                    client.poll(0.1)
            if not number % 10_000:
                client.poll(0)
    left = client.flush(120)
    assert not left, f"{left} records were not written"


def _measured(name: str, bootstrap: str, topic: str, arguments: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--child", name, "--bootstrap", bootstrap, "--topic", topic]
    best: dict[str, float] = {}
    for _ in range(arguments.times):
        begun = time.monotonic()
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        found = json.loads(said) | {"wall": time.monotonic() - begun}
        best = {key: min(value, best.get(key, value)) for key, value in found.items()}
    rest = ", ".join(f"{key} {value:,}" for key, value in best.items() if key not in ("wall", "cpu", "peak"))
    print(
        f"{name:9}  {best['wall']:6.2f} s wall  {best['cpu']:6.2f} s CPU  {best['peak'] / 2**20:6.0f} MB  {rest}",
        flush=True,
    )
    return best


def _consume(arguments: argparse.Namespace) -> None:
    from confluent_kafka import Consumer, TopicPartition

    wanted = arguments.records * (1 + arguments.twice)
    client = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 1,  # else it sleeps for a second whenever it is ahead of us
        }
    )
    client.assign([TopicPartition(arguments.topic, partition, 0) for partition in range(arguments.partitions)])
    count = 0
    while count < wanted:
        count += len(client.consume(10_000, 1.0))
    client.close()
    _tell(records=count)


def _read(arguments: argparse.Namespace) -> None:
    from ackdrop.direct.cluster import Cluster
    from ackdrop.result import ProducerInfo
    from ackdrop.verify.case import open_case
    from ackdrop.verify.evidence import ArmEvidence
    from ackdrop.verify.reader import LogReading, read_log

    async def read() -> LogReading:
        async with Cluster.connect(arguments.bootstrap) as cluster:
            ends = await cluster.end_offsets(arguments.topic)
            wanted = {arguments.topic: {partition: (0, end) for partition, end in ends.items()}}
            return await read_log(cluster, wanted, run_id=RUN if arguments.ours else None)

    reading = trio.run(read)
    assert not reading.gone, reading.gone
    evidence = ArmEvidence("log", None, None, None, reading.log, ProducerInfo("unknown", None, {}))
    found = open_case(evidence).log
    _tell(records=found.records or 0, duplicates=found.duplicates or 0)


def _tell(**counts: int) -> None:
    """What a child found, and what it took. The peak is this process's own: where the system tells it (Linux), not the
    one that it had inherited from its parent when it began."""
    spent = time.process_time()
    try:
        with open("/proc/self/status") as status:
            (line,) = (line for line in status if line.startswith("VmHWM:"))
        peak = int(line.split()[1]) * 1024
    except OSError:
        import psutil

        memory = psutil.Process().memory_info()
        peak = getattr(memory, "peak_wset", memory.rss)
    print(json.dumps({**counts, "cpu": spent, "peak": peak}))


_CHILDREN = {"consume": _consume, "read_log": _read}

if __name__ == "__main__":
    main()
