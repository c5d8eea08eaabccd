"""What a produce frame costs the sans-io core, and what shows up in it: faults, partitions, records, what came before.

    python -m tests.bench.growth                     # about a minute and a half
    python -m tests.bench.growth --frames 4000 --json growth.json
    python -m tests.bench.growth --only faults

No sockets: frames go through a `Wire`'s connection as the relay hands them over, a request and its answer at a time,
and the observations are taken as they are for the ledger. For each row it prints CPU microseconds for a request with
its answer (the best of `--times`), and calls of functions, which no other load on the machine changes. As many frames
as are measured have gone the same ways before:

    faults       1, 10 and 100 armed rules: at another API, at another topic, for another client, at this topic's other
                 partitions, and at this topic with a count that is never reached
    partitions   1, 100 and 10,000 of them in turn, in one topic
    records      1 to 1,000 in a batch (of 20 bytes)
    before       so many frames have passed already: 0, 100,000 and a million
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ackdrop.core import scan
from ackdrop.core.commands import Side
from ackdrop.core.connection import Connection
from ackdrop.core.wire import Wire
from ackdrop.faults import Drop
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Match, Rule, When
from tests.core.frames import Frames
from tests.effort import calls

FRAMES = Frames()
TOPIC, CLIENT = "orders", "producer-1"
NEVER = When(nth=(1 << 40,))
COUNTED = 300
"""Frames of which the calls are counted."""

Exchange = tuple[bytes, bytes]

KINDS: dict[str, Callable[[int], Rule]] = {
    "at another API": lambda n: _rule(n, Match(), "fetch"),
    "at another topic": lambda n: _rule(n, Match(topic=(f"other-{n}-*",))),
    "for another client": lambda n: _rule(n, Match(client_id=(f"other-{n}-*",))),
    "at other partitions": lambda n: _rule(n, Match(topic=(TOPIC,), partition=(20_000 + n,))),
    "here, never reached": lambda n: _rule(n, Match(topic=(TOPIC,))),
}


def _rule(n: int, match: Match, api: str = "produce") -> Rule:
    return Rule(f"fault {n}", api, "response", match, NEVER, Drop("hold"))


def main() -> int:
    arguments = _arguments()
    found: list[dict[str, Any]] = []
    print(f"CPU us and calls for a produce request with its answer; core/scan.py compiled: {scan.COMPILED}")
    for group, rows in _rows(arguments.frames).items():
        if arguments.only in (None, group):
            for name, rules, frames, before in rows:
                found.append(_measured(group, name, rules, frames, before, arguments))
    if arguments.json:
        written = {"python": sys.version.split()[0], "compiled": scan.COMPILED, "rows": found}
        Path(arguments.json).write_text(json.dumps(written, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000, help="of each row; where rules are armed a tenth of it")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", choices=("faults", "partitions", "records", "before"))
    parser.add_argument("--json", help="write the figures there, too")
    return parser.parse_args()


Row = tuple[str, list[Rule], list[Exchange], int]


def _rows(frames: int) -> dict[str, Iterator[Row]]:
    return {
        "faults": _of_faults(frames),
        "partitions": (
            (f"{count:,} partitions", [], _exchanges(max(frames, 4 * count), partitions=count), 0)
            for count in (1, 100, 10_000)
        ),
        "records": (
            (f"{records:,} records a batch", [], _exchanges(frames // 10, records=records), 0)
            for records in (1, 10, 100, 1_000)
        ),
        "before": ((f"after {before:,} frames", [], _exchanges(frames), before) for before in (0, 100_000, 1_000_000)),
    }


def _of_faults(frames: int) -> Iterator[Row]:
    exchanges = _exchanges(frames // 10)
    yield "no fault", [], exchanges, 0
    for (kind, made), count in itertools.product(KINDS.items(), (1, 10, 100)):
        yield f"{count:>3} {kind}", [made(n) for n in range(count)], exchanges, 0


def _exchanges(count: int, *, partitions: int = 1, records: int = 1) -> list[Exchange]:
    """Requests of one idempotent producer, one after the other, and their answers."""
    batch = [FRAMES.record(b"%020d" % n) for n in range(records)]
    made: list[Exchange] = []
    for n in range(count):
        partition, turn = n % partitions, n // partitions
        sealed = FRAMES.batch(*batch, producer=(7, 0, turn * records), at=1_000 + n)
        request = FRAMES.produce(n, (TOPIC, partition, sealed), version=9, client=CLIENT)
        made.append((request, FRAMES.produced(n, (TOPIC, partition, 0, turn * records), version=9)))
    return made


class _Line:
    """A connection of a wire, fed as the relay feeds it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        starts = {(TOPIC, partition): 0 for partition in range(10_000)}
        engine = Engine(rules, seed=1, arm="bench")
        self._wire = Wire(engine, translate=lambda node, host, port: (host, port), starts=starts)
        self._connection: Connection = self._wire.open(-1, "peer", 0.0)
        self._now = 0.0

    def feed(self, exchanges: Sequence[Exchange]) -> None:
        for n, (request, answer) in enumerate(exchanges):
            self._now += 1e-4
            self._take(Side.CLIENT, request)
            self._take(Side.BROKER, answer)
            if not n % 100:
                self._wire.take_observations()
        self._wire.take_observations()

    def _take(self, side: Side, data: bytes) -> None:
        view = memoryview(data)
        done = self._connection.through(side)(bytes(view), self._now)
        if done < len(view):
            self._connection.received(side, view[done:], self._now)


def _measured(
    group: str, name: str, rules: list[Rule], exchanges: list[Exchange], before: int, arguments: argparse.Namespace
) -> dict[str, Any]:
    best = float("inf")
    for _ in range(1 if before > 100_000 else arguments.times):
        line = _Line(rules)
        if before:
            _pass_before(line, before)
        half = len(exchanges) // 2
        line.feed(exchanges[:half])
        began = time.process_time()
        line.feed(exchanges[half:])
        best = min(best, (time.process_time() - began) / (len(exchanges) - half))
    row = {"group": group, "name": name, "cpu_us": round(best * 1e6, 2), "calls": _calls(rules, exchanges)}
    print(f"  {group:<11} {name:<26} {row['cpu_us']:>9.2f} us {row['calls']:>8.1f} calls", flush=True)
    return row


def _pass_before(line: _Line, count: int) -> None:
    """So many frames of another producer on another partition."""
    portion = 10_000
    for begin in range(0, count, portion):
        frames = []
        for n in range(begin, min(begin + portion, count)):
            sealed = FRAMES.batch(FRAMES.record(b"before"), producer=(8, 0, n))
            request = FRAMES.produce(n, (TOPIC, 5, sealed), version=9, client=CLIENT)
            frames.append((request, FRAMES.produced(n, (TOPIC, 5, 0, n), version=9)))
        line.feed(frames)


def _calls(rules: Sequence[Rule], exchanges: Sequence[Exchange]) -> float:
    """Calls of functions for one request with its answer, of Python's and of C's."""
    line = _Line(rules)
    line.feed(exchanges[:-COUNTED])
    return round(calls(lambda: line.feed(exchanges[-COUNTED:])) / COUNTED, 1)


if __name__ == "__main__":
    sys.exit(main())
