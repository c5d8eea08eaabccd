"""The limit on attempts: old ones of whom there is nothing to tell become ranges of offsets, the rest stay longer.

An attempt is *uneventful* when the broker answered it with success and an offset, the client got that in time, it is no
retry, no copy of ours and was never repeated, no fault touched its frame, its producer id goes with what the arm
claims, and so it is with every attempt of its frame. Verification needs of it only that these offsets were acked.

Every attempt is looked at once, when `Limits.attempts` younger ones have come since: no client waits that long with a
retry. All of it is a few statements over some thousands of rows, for sqlite3 gives up the interpreter lock at every
statement (see `bulk.py`). A frame's attempts have numbers in a row; frames are folded and let go whole, so that counts
of frames stay exact.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .limits import Limits

STEP = 5_000
"""Attempts that are folded at once; so many more than the limit may be there."""

SCRATCH = """
CREATE TEMP TABLE quiet (
    number INTEGER PRIMARY KEY, topic TEXT, partition INTEGER, first INTEGER, last INTEGER, at REAL, leads INTEGER
);
CREATE TEMP TABLE fresh (
    topic TEXT, partition INTEGER, first INTEGER, last INTEGER, attempts INTEGER, since REAL, until REAL
);
"""
"""What a fold works with, in memory and of this connection alone."""

_EXAMINE = """
INSERT INTO temp.quiet
SELECT number, topic, partition, base_offset, base_offset + max(records, 1) - 1, at, leads FROM (
    SELECT number, topic, partition, base_offset, records, at,
           min(uneventful) OVER frame AS whole, row_number() OVER frame = 1 AS leads
    FROM (
        SELECT a.*, coalesce(
            a.error = 0 AND a.base_offset >= 0 AND a.ack = 'delivered' AND a.seen_error = 0
            AND a.retry_of IS NULL AND a.tries = 1 AND NOT a.ambiguous AND NOT a.injected
            AND (arms.idempotence IS NULL OR (a.producer_id >= 0) = arms.idempotence)
            AND NOT EXISTS (SELECT 1 FROM attempts AS r WHERE r.arm = a.arm AND r.retry_of = a.number)
            AND NOT EXISTS (SELECT 1 FROM decisions AS d WHERE d.fired AND d.arm = a.arm AND d.attempt = a.number)
            AND NOT EXISTS (
                SELECT 1 FROM decisions AS d
                WHERE d.fired AND d.arm = a.arm AND d.connection = a.connection AND d.correlation_id = a.correlation_id
            ), 0) AS uneventful
        FROM attempts AS a JOIN arms ON arms.arm = a.arm
        WHERE a.arm = :arm AND a.number > :from AND a.number <= :to
    )
    WINDOW frame AS (PARTITION BY connection, correlation_id, at)
)
WHERE whole"""


def _islands(table: str, attempts: str, since: str, until: str) -> str:
    """Ranges that touch or overlap made one, in the rows of a table."""
    return f"""
    SELECT topic, partition, min(first) AS first, max(last) AS last, sum(attempts) AS attempts,
           min(since) AS since, max(until) AS until
    FROM (
        SELECT topic, partition, first, last, attempts, since, until,
               sum(apart) OVER (PARTITION BY topic, partition ORDER BY first, last ROWS UNBOUNDED PRECEDING) AS island
        FROM (
            SELECT topic, partition, first, last, {attempts} AS attempts, {since} AS since, {until} AS until,
                   coalesce(first > 1 + max(last) OVER (
                       PARTITION BY topic, partition ORDER BY first, last
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS apart
            FROM {table}
        )
    )
    GROUP BY topic, partition, island"""


_GATHER = f"INSERT INTO temp.fresh {_islands('temp.quiet', '1', 'at', 'at')}"

# Stored ranges are apart from each other, so those that a fresh one may touch are the last one that begins at or before
# its beginning, and those that begin inside of it or right behind it.
_NEIGHBOURS = """
SELECT topic, partition, (
    SELECT max(r.first) FROM acked_ranges AS r
    WHERE r.arm = :arm AND r.topic = f.topic AND r.partition = f.partition AND r.first <= f.first
) AS first FROM temp.fresh AS f
UNION
SELECT r.topic, r.partition, r.first
FROM temp.fresh AS f CROSS JOIN acked_ranges AS r
WHERE r.arm = :arm AND r.topic = f.topic AND r.partition = f.partition
    AND r.first > f.first AND r.first <= f.last + 1"""

# CROSS JOIN tells sqlite3 to go from the few that touch to the many that are stored.
_TAKE = f"""
INSERT INTO temp.fresh
SELECT r.topic, r.partition, r.first, r.last, r.attempts, r.since, r.until
FROM ({_NEIGHBOURS}) AS n CROSS JOIN acked_ranges AS r
WHERE r.arm = :arm AND r.topic = n.topic AND r.partition = n.partition AND r.first = n.first"""

_LEAVE = """
DELETE FROM acked_ranges
WHERE arm = :arm AND (topic, partition, first) IN (SELECT topic, partition, first FROM temp.fresh)"""

_PUT = f"INSERT INTO acked_ranges SELECT :arm, * FROM ({_islands('temp.fresh', 'attempts', 'since', 'until')})"

_FRAME_END = """
SELECT max(b.number) FROM attempts AS a JOIN attempts AS b
    ON b.arm = a.arm AND b.connection = a.connection AND b.correlation_id = a.correlation_id AND b.at = a.at
WHERE a.arm = ? AND a.number =
    (SELECT max(number) FROM (SELECT number FROM attempts WHERE arm = ? AND number > ? ORDER BY number LIMIT ?))"""

_FRAMES_BY_ACK = """
WITH gone AS (SELECT DISTINCT ack, connection, correlation_id, at FROM attempts WHERE arm = :arm AND number <= :to)
SELECT coalesce(sum(ack IS 'dropped'), 0), coalesce(sum(ack IS 'withheld'), 0), coalesce(sum(ack IS 'delayed'), 0),
       (SELECT count(*) FROM (SELECT DISTINCT connection, correlation_id, at FROM gone))
FROM gone"""


@dataclass(slots=True)
class _Arm:
    """`looked` is the number up to which attempts were looked at; `young` is how many came since, `kept` how many of
    the older ones are still there."""

    looked: int = -(1 << 62)
    young: int = 0
    kept: int = 0


class Folding:
    """Folds the attempts of a ledger that is being written. The caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._step = min(STEP, limits.attempts // 10 + 1)
        self._arms: dict[int, _Arm] = {}
        self._ranges: dict[int, int] = {}

    def added(self, arm: int, attempts: int) -> None:
        """So many rows came into `attempts`."""
        self._arms.setdefault(arm, _Arm()).young += attempts

    def due(self) -> bool:
        """Whether there is enough to do."""
        return any(self._over(arm) for arm in self._arms.values())

    def work(self) -> None:
        """Bring every arm back to its limits, or a good step nearer to them."""
        for number, arm in self._arms.items():
            if self._over(arm):
                self._fold(number, arm)
                if arm.kept > self._limits.eventful:
                    self._let_go(number, arm)

    def _over(self, arm: _Arm) -> bool:
        return arm.young >= self._limits.attempts + self._step

    def _fold(self, number: int, arm: _Arm) -> None:
        """Look at the oldest attempts that were not looked at yet."""
        execute = self._connection.execute
        count = min(arm.young - self._limits.attempts, 4 * STEP)
        to = self._frame_end(number, arm.looked, count)
        if to is None:
            arm.young = 0
            return
        where = {"arm": number, "from": arm.looked, "to": to}
        execute("DELETE FROM temp.quiet")
        looked_at = self._number(
            "SELECT count(*) FROM attempts WHERE arm = :arm AND number > :from AND number <= :to", where
        )
        execute(_EXAMINE, where)
        folded, frames = execute("SELECT count(*), coalesce(sum(leads), 0) FROM temp.quiet").fetchone()
        arm.looked, arm.young, arm.kept = to, arm.young - looked_at, arm.kept + looked_at - folded
        if folded:
            self._store_ranges(where)
            execute("DELETE FROM attempts WHERE arm = :arm AND number IN (SELECT number FROM temp.quiet)", where)
            execute(
                "UPDATE removed SET attempts_folded = attempts_folded + ?, frames = frames + ? WHERE arm = ?",
                (folded, frames, number),
            )

    def _store_ranges(self, where: dict[str, int]) -> None:
        execute = self._connection.execute
        execute("DELETE FROM temp.fresh")
        execute(_GATHER)
        execute(_TAKE, where)
        taken = execute(_LEAVE, where).rowcount
        put = execute(_PUT, where).rowcount
        arm = where["arm"]
        self._ranges[arm] = self._ranges.get(arm, 0) + put - taken
        over = self._ranges[arm] - self._limits.ranges
        if over > 0:
            self._let_go_ranges(arm, over + self._limits.ranges // 10)

    def _let_go_ranges(self, arm: int, count: int) -> None:
        """The ranges that nothing was added to for the longest time go."""
        oldest = "SELECT topic, partition, first FROM acked_ranges WHERE arm = :arm ORDER BY until LIMIT :count"
        where = {"arm": arm, "count": count}
        execute = self._connection.execute
        execute("DELETE FROM temp.fresh")
        execute(f"INSERT INTO temp.fresh (topic, partition, first) {oldest}", where)
        lost = self._number(
            "SELECT coalesce(sum(attempts), 0) FROM acked_ranges "
            "WHERE arm = :arm AND (topic, partition, first) IN (SELECT topic, partition, first FROM temp.fresh)",
            where,
        )
        self._ranges[arm] -= execute(_LEAVE, where).rowcount
        execute("UPDATE removed SET ranges_let_go = ranges_let_go + ? WHERE arm = ?", (lost, arm))

    def _let_go(self, number: int, arm: _Arm) -> None:
        """Too many have something to tell: the oldest of them go, and are counted."""
        count = arm.kept - self._limits.eventful + self._limits.eventful // 10
        to = self._frame_end(number, -(1 << 62), count)
        where = {"arm": number, "to": to}
        execute = self._connection.execute
        dropped, withheld, delayed, frames = execute(_FRAMES_BY_ACK, where).fetchone()
        gone = execute("DELETE FROM attempts WHERE arm = :arm AND number <= :to", where).rowcount
        arm.kept -= gone
        execute(
            "UPDATE removed SET attempts_let_go = attempts_let_go + ?, frames = frames + ?, "
            "frames_dropped = frames_dropped + ?, frames_withheld = frames_withheld + ?, "
            "frames_delayed = frames_delayed + ? WHERE arm = ?",
            (gone, frames, dropped, withheld, delayed, number),
        )

    def _frame_end(self, arm: int, after: int, count: int) -> int | None:
        """The number that ends the frame of the `count`-th attempt after that number; None: there is none after it."""
        (number,) = self._connection.execute(_FRAME_END, (arm, arm, after, count)).fetchone()
        return number if number is None else int(number)

    def _number(self, query: str, where: dict[str, int]) -> int:
        (number,) = self._connection.execute(query, where).fetchone()
        return int(number)
