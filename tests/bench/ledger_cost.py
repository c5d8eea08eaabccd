"""CPU for an attempt by which nothing happens: in the snapshot, from `put` to the commit, and as a row at the end.

    python tests/bench/ledger_cost.py
    python tests/bench/ledger_cost.py --attempts 1000000 --limit 100000

Runs are what one `Passed` tells of: a hundred attempts where a client has many requests on their way, one where many
connections have one each; `0` is one by one, four observations an attempt. `--limit` is that of attempts that are kept:
beyond it they are folded, which is in the figure of the thread then. `--asked`: as while rules are armed, so that they
are written into events.jsonl as well.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from ackdrop.control.gathering import Gathering, Sources
from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import Asked, Flow, Observation, Passed, Quiet
from ackdrop.passed import expanded
from ackdrop.series import packed

CASES = ((0, 12), (100, 12), (10, 12), (1, 12), (1, 1_000), (1, 10_000))
"""Attempts in a run, and partitions; producers are eight."""
A_BATCH = 400


def traffic(attempts: int, run: int, partitions: int, armed: bool) -> Iterator[list[Observation]]:
    """Batches as the proxy hands them over."""
    flows = [
        Flow(1 + k % 8, "app", "apache-kafka-java 4.0.0", 11, -1, None, "orders", k, 4000 + k % 8, 0)
        for k in range(partitions)
    ]
    offsets = [0] * partitions
    asked = Asked(0, False, 0.0) if armed else None
    for first in range(1, attempts + 1, A_BATCH):
        batch: list[Observation] = []
        for begin in range(first, first + A_BATCH, run or 1):
            place = begin // (run or 1) % partitions
            attempts: list[Quiet] = []
            for number in range(begin, begin + (run or 1)):
                crc = number * 2654435761 & 0xFFFF_FFFF
                at = begin / 50_000  # they came together
                attempts.append((number, at, number, offsets[place], 10, crc, 1200, at + 0.002, offsets[place]))
                offsets[place] += 10
            passed = Passed.of(flows[place], packed(attempts), asked)
            batch += (passed,) if run else expanded(passed)
        yield batch


def measure(options: argparse.Namespace, run: int, partitions: int, folder: Path) -> str:
    gathering = Gathering(Sources(clock=time.monotonic))
    ledger = Ledger.create(folder, limits=Limits(attempts=options.limit))
    arm = ledger.arm("cost", True)
    thread = time.pthread_getcpuclockid(ledger._writer._thread.ident or 0)  # type: ignore[union-attr]
    taken = put = 0.0
    done = 0
    began = time.clock_gettime(thread)
    batches = traffic(options.attempts, run, partitions, options.asked)
    while some := list(islice(batches, 50)):
        done += A_BATCH * len(some)
        before = time.thread_time()
        for batch in some:
            arm.put(batch)
        between = time.thread_time()
        for batch in some:
            gathering.take(batch)
        taken, put = taken + time.thread_time() - between, put + between - before
        ledger.flush()
    written = time.clock_gettime(thread) - began
    assert ledger.lag == (0, 0)
    began = time.clock_gettime(thread)
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        (before_rows,) = connection.execute("SELECT count(*) FROM attempts").fetchone()
        ledger.flush(settle=True)
        (rows,) = connection.execute("SELECT count(*) FROM attempts").fetchone()
    made = rows - before_rows
    settled = f"{1e6 * (time.clock_gettime(thread) - began) / made:11.2f}" if made else " " * 10 + "-"
    ledger.close()
    snapshot, handed_over, in_thread = (1e6 * each / done for each in (taken, put, written))
    return f"{run:4} {partitions:10,} {snapshot:9.3f} {handed_over:6.3f} {in_thread:7.3f} {settled}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=200_000)
    parser.add_argument("--limit", type=int, default=500_000, help="attempts that are kept whole")
    parser.add_argument("--asked", action="store_true", help="rules are armed")
    options = parser.parse_args()
    print("                µs of CPU an attempt       µs a row")
    print(" run partitions  snapshot    put  thread  at the end")
    for run, partitions in CASES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(options, run, partitions, Path(folder) / "run"), flush=True)


if __name__ == "__main__":
    main()
