"""Rows turned back into values: what verification and the reports read out of a ledger."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..observations import (
    Acted,
    ArmWire,
    Changed,
    FaultTally,
    How,
    LogBatch,
    LogRecord,
    Undecoded,
    Who,
)
from ..result import AttemptLine, Finding, Place
from ..sends import Sends
from .columns import COLUMNS
from .settling import settled
from .stories import stories

# A client may use a correlation id twice on one connection, so a frame is known by its time as well.
_FRAMES = "SELECT count(*) FROM (SELECT DISTINCT connection, correlation_id, at FROM attempts WHERE arm = ?)"
_FRAMES_BY_ACK = """
SELECT ack, count(*) FROM
    (SELECT DISTINCT ack, connection, correlation_id, at FROM attempts WHERE arm = ? AND ack <> 'delivered')
GROUP BY ack"""

_REMOVED = """
SELECT arms.arm, zero, let_go + index_let_go + attempts_let_go + ranges_let_go + decisions_let_go + partitions_let_go
       + undecoded_let_go, connections, frames, frames_dropped, frames_withheld, frames_delayed
FROM arms JOIN removed USING (arm) WHERE name = ?"""

# The scenario's rules in its order, then any others in the order in which they first decided.
_TALLIES = """
SELECT fault, sum(matched), sum(fired) FROM (
    SELECT name AS fault, position, coalesce(first, 9e18) AS first, matched, fired FROM faults WHERE arm = :arm
    UNION ALL
    SELECT fault, NULL, min(first), count(*), sum(fired) FROM
        (SELECT fault, max(fired AND hit) AS fired, min(id) AS first FROM decisions WHERE arm = :arm
         GROUP BY fault, connection, correlation_id, at)
    GROUP BY fault
)
GROUP BY fault ORDER BY coalesce(max(position), 9e18), min(first)"""


@contextlib.contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read, closed at the end. Works beside a writer, and after one that was killed."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")  # the disk may be full
        yield connection
    finally:
        connection.close()


def arms(connection: sqlite3.Connection) -> list[str]:
    """The names of the arms, in their order."""
    return [name for (name,) in connection.execute("SELECT name FROM arms ORDER BY arm")]


def idempotence(connection: sqlite3.Connection, name: str) -> bool | None:
    """What the arm claims. KeyError: no such arm."""
    row = connection.execute("SELECT idempotence FROM arms WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    return None if row[0] is None else bool(row[0])


def wire(connection: sqlite3.Connection, name: str) -> ArmWire:
    """All that was seen on the wire in the arm; times stay on the run's clock. KeyError: no such arm."""
    connection.execute("BEGIN")  # one snapshot for all that follows
    row = connection.execute(_REMOVED, (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    arm, zero, let_go, connections, frames, dropped, withheld, delayed = row
    settled(connection, arm)
    attempts, ranges = stories(connection, arm)
    acks = dict(connection.execute(_FRAMES_BY_ACK, (arm,)))
    return ArmWire(
        arm=name,
        zero=zero,
        connections=connections + _number(connection, "SELECT count(*) FROM connections WHERE arm = ?", arm),
        produce_requests=frames + _number(connection, _FRAMES, arm),
        acks_dropped=dropped + acks.get("dropped", 0),
        acks_withheld=withheld + acks.get("withheld", 0),
        acks_delayed=delayed + acks.get("delayed", 0),
        attempts=attempts,
        faults=_tallies(connection, arm),
        undecoded=_undecoded(connection, arm),
        starts=_starts(connection, arm),
        let_go=let_go,
        ranges=ranges,
        acted=_acted(connection, arm),
        changes=_changes(connection, arm, zero),
    )


def nothing(name: str) -> ArmWire:
    """The wire of an arm of which nothing is in the file."""
    return ArmWire(name, None, 0, 0, 0, 0, 0, (), (), (), {}, 0)


def sends(connection: sqlite3.Connection, name: str) -> Sends:
    """What the producers of the arm reported. KeyError: no such arm."""
    arm = _arm(connection, name)
    columns = "producer, record, send, send_order, outcome, partition, offset, error"
    rows = connection.execute(f"SELECT {columns} FROM sends WHERE arm = ? ORDER BY producer, send_order", (arm,))
    found = Sends()
    for row in rows:
        found.add(*row)
    return found


def log(connection: sqlite3.Connection, name: str) -> Iterator[LogRecord]:
    """The records in the log by topic, partition and offset. KeyError: no such arm."""
    arm = _arm(connection, name)
    columns = ", ".join(COLUMNS["log"][1:])
    rows = connection.execute(f"SELECT {columns} FROM log WHERE arm = ? ORDER BY topic, partition, offset", (arm,))
    for topic, partition, offset, identity, send, order, producer, ours, *rest in rows:
        yield LogRecord(topic, partition, offset, identity, send, order, producer, bool(ours), *rest)


def batches(connection: sqlite3.Connection, name: str) -> Iterator[LogBatch]:
    """The batches in the log by topic, partition and base offset. KeyError: no such arm."""
    arm = _arm(connection, name)
    columns = ", ".join(COLUMNS["log_batches"][1:])
    order = "ORDER BY topic, partition, base_offset"
    for row in connection.execute(f"SELECT {columns} FROM log_batches WHERE arm = ? {order}", (arm,)):
        yield LogBatch(*row)


def findings(connection: sqlite3.Connection, name: str) -> list[Finding]:
    """What verification found in the arm, in its order. KeyError: no such arm."""
    arm = _arm(connection, name)
    columns = "kind, cause, record, fault, places, attempts"
    rows = connection.execute(f"SELECT {columns} FROM findings WHERE arm = ? ORDER BY id", (arm,))
    return [
        Finding(
            kind=kind,
            cause=cause,
            record=record,
            places=[Place(**place) for place in json.loads(places)],
            fault=fault,
            attempts=[AttemptLine(**attempt) for attempt in json.loads(attempts)],
        )
        for kind, cause, record, fault, places, attempts in rows
    ]


def _arm(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT arm FROM arms WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    (number,) = row
    return int(number)


def _number(connection: sqlite3.Connection, query: str, arm: int) -> int:
    (number,) = connection.execute(query, (arm,)).fetchone()
    return int(number)


def _tallies(connection: sqlite3.Connection, arm: int) -> tuple[FaultTally, ...]:
    """The scenario's rules in its order, those that never matched included; then any that it does not name."""
    return tuple(FaultTally(*row) for row in connection.execute(_TALLIES, {"arm": arm}))


def _acted(connection: sqlite3.Connection, arm: int) -> tuple[Acted, ...]:
    query = "SELECT at, fault, place, act, ok, reason, seconds FROM acted WHERE arm = ? ORDER BY id"
    rows = connection.execute(query, (arm,))
    return tuple(
        Acted(at, fault, place, act, bool(ok), reason, seconds) for at, fault, place, act, ok, reason, seconds in rows
    )


def _changes(connection: sqlite3.Connection, arm: int, zero: float | None) -> tuple[Changed, ...]:
    query = "SELECT at, fault, change, who, entry FROM changes WHERE arm = ? ORDER BY id"
    return tuple(_change(zero, *row) for row in connection.execute(query, (arm,)))


def _change(zero: float | None, at: float, fault: str, change: How, who: Who, entry: str | None) -> Changed:
    return Changed(at, fault, change, who, entry, 0.0 if zero is None else at - zero)


def _undecoded(connection: sqlite3.Connection, arm: int) -> tuple[Undecoded, ...]:
    query = "SELECT at, connection, api, version, reason, closed FROM undecoded WHERE arm = ? ORDER BY id"
    rows = connection.execute(query, (arm,))
    return tuple(Undecoded(*[*row[:-1], bool(row[-1])]) for row in rows)


def _starts(connection: sqlite3.Connection, arm: int) -> dict[tuple[str, int], int]:
    """Where each partition began; one whose start was never taken (-1) is not there."""
    query = "SELECT topic, partition, start_offset FROM partitions WHERE arm = ? AND start_offset >= 0"
    rows = connection.execute(f"{query} ORDER BY topic, partition", (arm,))
    return {(topic, partition): start for topic, partition, start in rows}
