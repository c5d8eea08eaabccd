"""The attempts of an arm as whoever verifies wants them: the youngest, and all of whom there is something to tell.

An attempt takes a kilobyte as an object, so of a long run the older ones by which nothing happened come as what they
come to anyway where a ledger is full (`folding`): as ranges of offsets that were acked. The file keeps its rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ..observations import AckedRange, Attempt, AttemptStory
from . import folding, ranges
from .columns import ATTEMPT_FIELDS

MOST = 100_000
"""Of so many of the youngest attempts there is a story, whatever became of them."""
STEP = 20_000
"""Attempts that are looked at once."""

_ATTEMPT_COLUMNS = ", ".join(f"a.{name}" for name in ATTEMPT_FIELDS)

_STORIES = f"""
SELECT {_ATTEMPT_COLUMNS}, a.forwarded_at, a.answered_at, a.error, a.base_offset, a.ack, a.seen_error,
       a.acked_at, a.released, c.closed_at IS NOT NULL
FROM attempts AS a LEFT JOIN connections AS c ON c.arm = a.arm AND c.connection = a.connection
WHERE a.arm = :arm AND a.number > :from AND a.number <= :to AND a.number NOT IN (SELECT number FROM temp.quiet)
ORDER BY a.number"""

_FAULTS = "SELECT number, fault FROM attempt_faults WHERE arm = ? ORDER BY number, id"

_OLD = "SELECT number FROM attempts WHERE arm = ? ORDER BY number DESC LIMIT 1 OFFSET ?"

_STORED = """
INSERT INTO temp.fresh
SELECT topic, partition, first, last, attempts, since, until FROM acked_ranges WHERE arm = ?"""

_RANGES = f"""
SELECT topic, partition, first, last, attempts
FROM ({ranges.islands("temp.fresh", "attempts", "since", "until")}) ORDER BY topic, partition, first"""


def stories(
    connection: sqlite3.Connection, arm: int, most: int | None = None
) -> tuple[tuple[AttemptStory, ...], tuple[AckedRange, ...]]:
    """The stories, by number, and the ranges of all other attempts. The caller holds the transaction."""
    for table in (folding.SCRATCH, ranges.SCRATCH):
        connection.execute(table)
    connection.execute(_STORED, (arm,))
    found = tuple(_Telling(connection, arm).stories(MOST if most is None else most))
    return found, tuple(AckedRange(*row) for row in connection.execute(_RANGES))


class _Telling:
    """One reading of an arm's attempts."""

    def __init__(self, connection: sqlite3.Connection, arm: int) -> None:
        self._connection = connection
        self._arm = arm
        self._faults = _faults(connection, arm)
        self._one: dict[str, str] = {}

    def stories(self, most: int) -> Iterator[AttemptStory]:
        first, last = self._connection.execute(
            "SELECT coalesce(min(number), 0), coalesce(max(number), -1) FROM attempts WHERE arm = ?", (self._arm,)
        ).fetchone()
        at, old = first - 1, self._old(most)
        while at < old:
            to = self._with_its_frame(at, min(old, at + STEP))
            self._connection.execute("DELETE FROM temp.quiet")
            where = {"arm": self._arm, "from": at, "to": to}
            self._connection.execute(folding.EXAMINE, where)
            self._connection.execute(folding.GATHER)
            yield from self._between(at, to)
            at = to
        self._connection.execute("DELETE FROM temp.quiet")
        yield from self._between(at, last)

    def _old(self, most: int) -> int:
        """The number up to which attempts are old."""
        row = self._connection.execute(_OLD, (self._arm, most)).fetchone()
        return -1 if row is None else int(row[0])

    def _with_its_frame(self, at: int, to: int) -> int:
        where = {"arm": self._arm, "from": at, "to": to}
        (number,) = self._connection.execute(folding.WITH_ITS_FRAME, where).fetchone()
        return max(to, int(number))

    def _between(self, at: int, to: int) -> Iterator[AttemptStory]:
        where = {"arm": self._arm, "from": at, "to": to}
        return map(self._story, self._connection.execute(_STORIES, where))

    def _story(self, row: tuple[Any, ...]) -> AttemptStory:
        width, one = len(ATTEMPT_FIELDS), self._one
        forwarded_at, answered_at, error, base_offset, ack, seen_error, acked_at, released, closed = row[width:]
        fields: list[Any] = [one.setdefault(value, value) if type(value) is str else value for value in row[:width]]
        fields[width - 2 :] = map(bool, fields[width - 2 :])
        attempt = Attempt(*fields)
        forwarded = forwarded_at is not None
        unasked = attempt.acks == 0 and forwarded
        return AttemptStory(
            attempt=attempt,
            forwarded=forwarded,
            answered_at=answered_at,
            error=error,
            base_offset=base_offset,
            ack=one.setdefault(ack, ack) if ack else "none",  # type: ignore[arg-type]
            seen_error=seen_error,
            settled=answered_at is not None or unasked or bool(closed) or not forwarded,
            faults=self._faults.get(attempt.number, ()),
            acked_at=acked_at,
            released=released,
        )


def _faults(connection: sqlite3.Connection, arm: int) -> dict[int, tuple[str, ...]]:
    """Which rules touched which attempt, in the order in which they fired."""
    found: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for number, fault in connection.execute(_FAULTS, (arm,)):
        found[number][fault] = None
    return {number: tuple(names) for number, names in found.items()}
