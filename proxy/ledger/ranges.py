"""Ranges of offsets that were given to attempts of whom there is nothing to tell."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from .bulk import insert
from .quiet import Span

SCRATCH = """
CREATE TEMP TABLE fresh (
    topic TEXT, partition INTEGER, first INTEGER, last INTEGER, attempts INTEGER, since REAL, until REAL
);
"""
"""Ranges that are not stored yet; those of a partition may touch or overlap."""

_COLUMNS = ("topic", "partition", "first", "last", "attempts", "since", "until")


def islands(table: str, attempts: str, since: str, until: str) -> str:
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

_PUT = f"INSERT INTO acked_ranges SELECT :arm, * FROM ({islands('temp.fresh', 'attempts', 'since', 'until')})"


class Ranges:
    """The table `acked_ranges`, at most `most` of an arm. The caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self._stored: Counter[int] = Counter()

    def begin(self) -> None:
        """Nothing is fresh."""
        self._connection.execute("DELETE FROM temp.fresh")

    def add(self, spans: Sequence[Span]) -> None:
        """These are fresh."""
        insert(self._connection, "INSERT INTO temp.fresh", _COLUMNS, spans, "")

    def store(self, arm: int) -> None:
        """Put the fresh ranges among those that are stored."""
        execute = self._connection.execute
        where = {"arm": arm}
        execute(_TAKE, where)
        taken = execute(_LEAVE, where).rowcount
        self._stored[arm] += execute(_PUT, where).rowcount - taken
        over = self._stored[arm] - self._most
        if over > 0:
            self._let_go(arm, over + self._most // 10)

    def _let_go(self, arm: int, count: int) -> None:
        """The ranges that nothing was added to for the longest time go."""
        oldest = "SELECT topic, partition, first FROM acked_ranges WHERE arm = :arm ORDER BY until LIMIT :count"
        where = {"arm": arm, "count": count}
        execute = self._connection.execute
        execute("DELETE FROM temp.fresh")
        execute(f"INSERT INTO temp.fresh (topic, partition, first) {oldest}", where)
        (lost,) = execute(
            "SELECT coalesce(sum(attempts), 0) FROM acked_ranges "
            "WHERE arm = :arm AND (topic, partition, first) IN (SELECT topic, partition, first FROM temp.fresh)",
            where,
        ).fetchone()
        self._stored[arm] -= execute(_LEAVE, where).rowcount
        execute("UPDATE removed SET ranges_let_go = ranges_let_go + ? WHERE arm = ?", (lost, arm))
