"""Millions of attempts through the ledger at full speed: rows a second, CPU an attempt, memory and sizes over time.

    python tests/bench/ledger_soak.py --attempts 5000000 --limit 100000

Each attempt is what the core says of one that goes the long way: Attempt, Forwarded, Answered, Acked; with `--passed`
those by which nothing happens are told in runs of so many, as the short way tells them (`Passed`). One in `--lost`
loses its ack to a fault and is sent again; with `--decided` a rule looks at every answer. `--reader` keeps a snapshot
of the database open for so many seconds again and again, as a long query does.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sqlite3
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psutil

from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import (
    Acked,
    Answered,
    Attempt,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Flow,
    Forwarded,
    Observation,
    Passed,
    Quiet,
    TopicSeen,
)
from ackdrop.series import packed

PARTITIONS, PRODUCERS = 12, 8
SOFTWARE = "apache-kafka-java 4.0.0"
FIRST = Attempt(
    0, 0.0, 0, 0, "app-client", SOFTWARE, 11, -1, None, "orders.placed", 0, -1, 0, 0, 10, 0, 1200, None, 1, False
)


class Traffic:
    """Everyday traffic: `PRODUCERS` idempotent producers, each on a connection that lasts `life` attempts."""

    def __init__(self, lost: int, decided: bool, life: int, late: int, passed: int) -> None:
        self._lost, self._decided, self._life, self._late = lost, decided, life, late
        self._together = passed
        self._flows: dict[tuple[int, int], Flow] = {}
        self._quiet: dict[tuple[int, int], list[Quiet]] = {}
        self._waiting: deque[list[Observation]] = deque()
        self._number = 0
        self._offsets = [0] * PARTITIONS
        self._connections = list(range(PRODUCERS))
        self._opened = PRODUCERS

    def begin(self) -> list[Observation]:
        seen = [TopicSeen(0.0, FIRST.topic, partition, 0) for partition in range(PARTITIONS)]
        return [*seen, *(ConnectionOpened(0.0, number, 0, "127.0.0.1:40000") for number in range(PRODUCERS))]

    def some(self, count: int) -> list[Observation]:
        """The observations of `count` attempts, those of a request and of its answer `late` attempts apart."""
        found: list[Observation] = []
        for _ in range(count):
            answers: list[Observation] = []
            self._one(found, answers)
            self._waiting.append(answers)
            if len(self._waiting) > self._late:
                found += self._waiting.popleft()
        return found

    def _one(self, found: list[Observation], answers: list[Observation]) -> None:
        self._number += 1
        number, producer = self._number, self._number % PRODUCERS
        at = number / 5000
        partition = number % PARTITIONS
        offset = self._offsets[partition]
        self._offsets[partition] = offset + FIRST.records
        if number % self._life == 0:
            for key in [key for key in self._quiet if key[0] == self._connections[producer]]:
                found.append(self._run(key))
                del self._flows[key]
            found.append(ConnectionClosed(at, self._connections[producer], "client", "fin", "the client closed"))
            self._connections[producer], self._opened = self._opened, self._opened + 1
            found.append(ConnectionOpened(at, self._connections[producer], 0, "127.0.0.1:40000"))
        attempt = dataclasses.replace(
            FIRST,
            number=number,
            at=at,
            connection=self._connections[producer],
            correlation_id=number,
            partition=partition,
            producer_id=4000 + producer,
            base_sequence=offset,
            crc=number * 2654435761 & 0xFFFF_FFFF,
        )
        if self._together and not (self._decided or (self._lost and number % self._lost == 0)):
            self._passes(found, attempt, offset)
            return
        found += (attempt, Forwarded(at, number))
        lost = bool(self._lost) and number % self._lost == 0
        if self._decided or lost:
            word = "drop" if lost else "pass"
            link = (attempt.connection, attempt.correlation_id, attempt.client_id, attempt.topic, partition)
            answers.append(Decided(at, "lose the ack", *link, number, lost, word, lost, number))
        answers.append(Answered(at + 0.002, number, 0, offset))
        if not lost:
            answers.append(Acked(at + 0.002, number, "delivered", 0))
            return
        answers.append(Acked(at + 0.002, number, "dropped", None))
        self._number += 1
        again = dataclasses.replace(
            attempt, number=self._number, at=at + 0.1, correlation_id=-number, retry_of=number, tries=2
        )
        answers += (again, Forwarded(at + 0.1, self._number))
        answers += (Answered(at + 0.1, self._number, 0, offset), Acked(at + 0.1, self._number, "delivered", 0))

    def _passes(self, found: list[Observation], one: Attempt, offset: int) -> None:
        key = (one.connection, one.partition)
        if key not in self._flows:
            self._flows[key] = Flow(*(getattr(one, name) for name in Flow.__dataclass_fields__))
        rows = self._quiet.setdefault(key, [])
        numbers = (one.correlation_id, one.base_sequence, one.records, one.crc, one.size)
        rows.append((one.number, one.at, *numbers, one.at + 0.002, offset))
        if len(rows) == self._together:
            found.append(self._run(key))

    def _run(self, key: tuple[int, int]) -> Passed:
        return Passed.of(self._flows[key], packed(self._quiet.pop(key)))


@contextlib.contextmanager
def reading(folder: Path, seconds: float) -> Iterator[None]:
    """A reader in a thread that holds one snapshot for so many seconds, lets it go, and takes the next."""
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            connection = sqlite3.connect(f"file:{folder / 'ledger.db'}?mode=ro", uri=True)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM arms").fetchall()
            over.wait(seconds)
            connection.close()

    thread = threading.Thread(target=read)
    if seconds:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if seconds:
            thread.join()


def megabytes(folder: Path, name: str) -> float:
    path = folder / name
    return path.stat().st_size / 1e6 if path.exists() else 0.0


def soak(options: argparse.Namespace, folder: Path) -> None:
    process = psutil.Process()
    traffic = Traffic(options.lost, options.decided, options.life, options.late, options.passed)
    ledger = Ledger.create(folder, limits=Limits(attempts=options.limit, eventful=options.eventful))
    arm = ledger.arm("soak", True, ["lose the ack"])
    arm.put(traffic.begin())
    clock = time.pthread_getcpuclockid(ledger._writer._thread.ident or 0)  # type: ignore[union-attr]
    done, began, told = 0, time.monotonic(), 0
    print("   attempts  rows/s  thread CPU/attempt   RSS MB   ledger.db    -wal  events.jsonl   let go")
    with ledger, reading(folder, options.reader):
        before = time.monotonic(), time.clock_gettime(clock)
        while done < options.attempts:
            for _ in range(20):
                arm.put(traffic.some(500))
                done += 500
                if options.rate:
                    time.sleep(max(0.0, began + done / options.rate - time.monotonic()))  # they come at this rate
            if not options.rate:
                ledger.flush()
            if done - told >= options.attempts // 20:
                now = time.monotonic(), time.clock_gettime(clock)
                seconds, cpu = now[0] - before[0], now[1] - before[1]
                events = megabytes(folder, "events.jsonl") + megabytes(folder, "events.1.jsonl")
                print(
                    f"{done:11,} {(done - told) / seconds:7,.0f} {cpu / (done - told) * 1e6:16.1f} µs "
                    f"{process.memory_info().rss / 1e6:8.0f} {megabytes(folder, 'ledger.db'):8.1f} MB "
                    f"{megabytes(folder, 'ledger.db-wal'):7.1f} {events:13.1f} {ledger._writer._let_go.total():8}",  # type: ignore[union-attr]
                    flush=True,
                )
                told, before = done, now
        began = time.process_time()
    print(f"closed in {time.process_time() - began:.2f} s of CPU, {megabytes(folder, 'ledger.db'):.1f} MB")
    for table in ("attempts", "blocks", "acked_ranges", "decisions", "connections"):
        connection = sqlite3.connect(folder / "ledger.db")
        print(f"{table}: {connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]:,} rows")
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--limit", type=int, default=100_000, help="attempts that are kept whole")
    parser.add_argument("--eventful", type=int, default=50_000)
    parser.add_argument("--lost", type=int, default=0, help="one attempt in so many loses its ack (0: none)")
    parser.add_argument("--passed", type=int, default=0, help="runs of so many are told in one (0: one by one)")
    parser.add_argument("--decided", action="store_true", help="a rule looks at every answer")
    parser.add_argument("--life", type=int, default=10_000, help="a connection ends every so many attempts")
    parser.add_argument("--late", type=int, default=50, help="an answer comes so many attempts after its request")
    parser.add_argument("--rate", type=float, default=0, help="attempts a second (0: as fast as it goes)")
    parser.add_argument("--reader", type=float, default=0, help="seconds for which a reader holds a snapshot (0: none)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak(options, Path(folder) / "run")


if __name__ == "__main__":
    main()
