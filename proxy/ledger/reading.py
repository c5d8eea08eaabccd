"""Rows turned back into values: what verification and the reports read out of a ledger."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ..observations import ArmWire, Attempt, AttemptStory, FaultTally, LogRecord, Send, Undecoded
from ..result import AttemptLine, Finding, Place
from .rows import ATTEMPT_FIELDS, COLUMNS

_ATTEMPT_COLUMNS = ", ".join(f"a.{name}" for name in ATTEMPT_FIELDS)

_STORIES = f"""
SELECT {_ATTEMPT_COLUMNS}, a.forwarded_at, a.answered_at, a.error, a.base_offset, a.ack, a.seen_error,
       c.closed_at IS NOT NULL
FROM attempts AS a LEFT JOIN connections AS c ON c.arm = a.arm AND c.connection = a.connection
WHERE a.arm = ? ORDER BY a.number"""

# A client may use a correlation id twice on one connection, so a frame is known by its time as well.
_FRAMES = "SELECT count(*) FROM (SELECT DISTINCT connection, correlation_id, at FROM attempts WHERE arm = ?)"
_FRAMES_BY_ACK = """
SELECT ack, count(*) FROM (SELECT DISTINCT ack, connection, correlation_id, at FROM attempts WHERE arm = ?)
GROUP BY ack"""

_TALLIES = """
SELECT fault, count(*), sum(fired) FROM
    (SELECT fault, max(fired AND hit) AS fired, min(id) AS id FROM decisions WHERE arm = ?
     GROUP BY fault, connection, correlation_id, at)
GROUP BY fault ORDER BY min(id)"""


@contextlib.contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read, closed at the end. Works beside a writer, and after one that was killed."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


def arms(connection: sqlite3.Connection) -> list[str]:
    """The names of the arms, in their order."""
    return [name for (name,) in connection.execute("SELECT name FROM arms ORDER BY arm")]


def wire(connection: sqlite3.Connection, name: str) -> ArmWire:
    """All that was seen on the wire in the arm; times stay on the run's clock. KeyError: no such arm."""
    arm, let_go = _arm(connection, name)
    acks = dict(connection.execute(_FRAMES_BY_ACK, (arm,)))
    stories = _stories(connection, arm)
    return ArmWire(
        arm=name,
        zero=min((story.attempt.at for story in stories), default=None),
        connections=_number(connection, "SELECT count(*) FROM connections WHERE arm = ?", arm),
        produce_requests=_number(connection, _FRAMES, arm),
        acks_dropped=acks.get("dropped", 0),
        acks_withheld=acks.get("withheld", 0),
        acks_delayed=acks.get("delayed", 0),
        attempts=stories,
        faults=_tallies(connection, arm),
        undecoded=_undecoded(connection, arm),
        starts=_starts(connection, arm),
        let_go=let_go,
    )


def sends(connection: sqlite3.Connection, name: str) -> list[Send]:
    """What the producers of the arm reported. KeyError: no such arm."""
    arm, _ = _arm(connection, name)
    columns = "producer, record, send, send_order, outcome, partition, offset, error"
    rows = connection.execute(f"SELECT {columns} FROM sends WHERE arm = ? ORDER BY producer, send_order", (arm,))
    return [Send(*row) for row in rows]


def log(connection: sqlite3.Connection, name: str) -> Iterator[LogRecord]:
    """The records in the log by topic, partition and offset. KeyError: no such arm."""
    arm, _ = _arm(connection, name)
    columns = ", ".join(COLUMNS["log"][1:])
    rows = connection.execute(f"SELECT {columns} FROM log WHERE arm = ? ORDER BY topic, partition, offset", (arm,))
    for topic, partition, offset, identity, send, order, producer, ours, *rest in rows:
        yield LogRecord(topic, partition, offset, identity, send, order, producer, bool(ours), *rest)


def findings(connection: sqlite3.Connection, name: str) -> list[Finding]:
    """What verification found in the arm, in its order. KeyError: no such arm."""
    arm, _ = _arm(connection, name)
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


def _arm(connection: sqlite3.Connection, name: str) -> tuple[int, int]:
    row = connection.execute("SELECT arm, let_go FROM arms WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    number, let_go = row
    return number, let_go


def _number(connection: sqlite3.Connection, query: str, arm: int) -> int:
    (number,) = connection.execute(query, (arm,)).fetchone()
    return int(number)


def _stories(connection: sqlite3.Connection, arm: int) -> tuple[AttemptStory, ...]:
    fired = _Fired(connection, arm)
    width = len(ATTEMPT_FIELDS)
    stories = []
    for row in connection.execute(_STORIES, (arm,)):
        forwarded_at, answered_at, error, base_offset, ack, seen_error, closed = row[width:]
        attempt = Attempt(*[*row[: width - 1], bool(row[width - 1])])
        forwarded = forwarded_at is not None
        unasked = attempt.acks == 0 and forwarded
        story = AttemptStory(
            attempt=attempt,
            forwarded=forwarded,
            answered_at=answered_at,
            error=error,
            base_offset=base_offset,
            ack=ack or "none",
            seen_error=seen_error,
            settled=answered_at is not None or unasked or bool(closed) or not forwarded,
            faults=fired.names(attempt, ack),
        )
        stories.append(story)
    return tuple(stories)


class _Fired:
    """Which rules touched which attempt, in the order in which they fired.

    A rule names the entries that it decided about. A drop or a delay takes the whole frame with it, so an entry whose
    answer went that way without being named was touched by what fired on its frame.
    """

    def __init__(self, connection: sqlite3.Connection, arm: int) -> None:
        query = "SELECT fault, attempt, connection, correlation_id FROM decisions WHERE arm = ? AND fired AND hit"
        self._attempts: dict[int, dict[str, None]] = defaultdict(dict)
        self._frames: dict[tuple[int, int], dict[str, None]] = defaultdict(dict)
        for fault, attempt, link, correlation_id in connection.execute(f"{query} ORDER BY id", (arm,)):
            self._attempts[attempt][fault] = None
            self._frames[link, correlation_id][fault] = None

    def names(self, attempt: Attempt, ack: str | None) -> tuple[str, ...]:
        own = self._attempts.get(attempt.number)
        if own is None and ack in ("dropped", "delayed"):
            own = self._frames.get((attempt.connection, attempt.correlation_id))
        return tuple(own or ())


def _tallies(connection: sqlite3.Connection, arm: int) -> tuple[FaultTally, ...]:
    """The scenario's rules in its order, those that never matched included; then any that it does not name."""
    named = connection.execute("SELECT name FROM faults WHERE arm = ? ORDER BY position", (arm,))
    tallies = {name: FaultTally(name, 0, 0) for (name,) in named}
    tallies.update((row[0], FaultTally(*row)) for row in connection.execute(_TALLIES, (arm,)))
    return tuple(tallies.values())


def _undecoded(connection: sqlite3.Connection, arm: int) -> tuple[Undecoded, ...]:
    query = "SELECT at, connection, api, version, reason, closed FROM undecoded WHERE arm = ? ORDER BY id"
    rows = connection.execute(query, (arm,))
    return tuple(Undecoded(*[*row[:-1], bool(row[-1])]) for row in rows)


def _starts(connection: sqlite3.Connection, arm: int) -> dict[tuple[str, int], int]:
    """Where each partition began; one whose start was never taken (-1) is not there."""
    query = "SELECT topic, partition, start_offset FROM partitions WHERE arm = ? AND start_offset >= 0"
    rows = connection.execute(f"{query} ORDER BY topic, partition", (arm,))
    return {(topic, partition): start for topic, partition, start in rows}
