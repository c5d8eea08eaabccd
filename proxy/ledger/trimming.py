"""The limits on all else that grows with a run: decisions, connections, partitions, frames that could not be read.

Decisions that let pass are folded into the tallies of their rule, a whole frame's at once, when `Limits.decisions`
younger ones have come since. Connections that have ended and have left no attempt are counted and go. What has a limit
and nothing to be folded into is let go and counted.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping

from . import blocks
from .bulk import insert
from .limits import Limits

STEP = 5_000

SCRATCH = """
CREATE TEMP TABLE busy (connection INTEGER PRIMARY KEY);
CREATE TEMP TABLE passed (id INTEGER PRIMARY KEY, arm INTEGER, fault TEXT, leads INTEGER, fired INTEGER);
"""

_LOOK = """
INSERT INTO temp.passed SELECT id, arm, fault, leads, named AND leads FROM (
    SELECT id, arm, fault, max(fired) OVER frame AS fired, max(fired AND hit) OVER frame AS named,
           row_number() OVER frame = 1 AS leads
    FROM decisions WHERE id > :from AND id <= :to
    WINDOW frame AS (PARTITION BY arm, fault, connection, correlation_id, at)
) WHERE :all OR NOT fired"""

_TALLY = """
INSERT INTO faults (arm, name, first, matched, fired)
SELECT arm, fault, min(id), sum(leads), sum(fired) FROM temp.passed WHERE true GROUP BY arm, fault
ON CONFLICT (arm, name) DO UPDATE SET first = min(coalesce(first, excluded.first), excluded.first),
    matched = matched + excluded.matched, fired = fired + excluded.fired"""

# A frame's decisions come one after the other; no frame has as many entries as the span that is searched.
_FRAME_END = """
SELECT max(b.id) FROM decisions AS a JOIN decisions AS b
    ON b.id BETWEEN a.id AND a.id + 100000
    AND b.arm = a.arm AND b.connection = a.connection AND b.correlation_id = a.correlation_id AND b.at = a.at
WHERE a.id = (SELECT max(id) FROM (SELECT id FROM decisions WHERE id > ? ORDER BY id LIMIT ?))"""

_SWEEP = """
DELETE FROM connections WHERE arm = :arm AND closed_at IS NOT NULL
    AND connection <= (SELECT max(connection) FROM connections WHERE arm = :arm) - :keep
    AND NOT EXISTS (
        SELECT 1 FROM attempts AS a WHERE a.arm = connections.arm AND a.connection = connections.connection
    ) AND connection NOT IN (SELECT connection FROM temp.busy)"""

_LATEST = {
    "partitions": "(topic, partition) IN (SELECT topic, partition FROM partitions WHERE arm = :arm "
    "ORDER BY at DESC, topic, partition LIMIT :over)",
    "undecoded": "id IN (SELECT id FROM undecoded WHERE arm = :arm ORDER BY id DESC LIMIT :over)",
}


class Trimming:
    """Holds the smaller tables of a ledger that is being written to their limits. The caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._step = min(STEP, limits.decisions // 10 + 1)
        self._looked = self._young = self._kept = 0
        self._connections: Counter[int] = Counter()
        self._sweep_at: dict[int, int] = {}
        self._rows: dict[str, Counter[int]] = {table: Counter() for table in _LATEST}
        self._most = {"partitions": limits.partitions, "undecoded": limits.undecoded}

    def added(self, arm: int, rows: Mapping[str, int]) -> None:
        """So many rows came into these tables."""
        self._young += rows.get("decisions", 0)
        self._connections[arm] += rows.get("connections", 0)
        for table, counts in self._rows.items():
            counts[arm] += rows.get(table, 0)

    def due(self) -> bool:
        """Whether there is enough to do."""
        return (
            self._over()
            or any(
                count > self._sweep_at.get(arm, self._limits.connections) for arm, count in self._connections.items()
            )
            or any(self._excess(table, arm) for table, counts in self._rows.items() for arm in counts)
        )

    def work(self) -> None:
        """Bring every table back to its limit, or a good step nearer to it."""
        if self._over():
            self._look()
        for arm, count in self._connections.items():
            if count > self._sweep_at.get(arm, self._limits.connections):
                self._sweep(arm)
        for table, counts in self._rows.items():
            for arm in list(counts):
                if self._excess(table, arm):
                    self._cut(table, arm)

    def _over(self) -> bool:
        return self._young >= self._limits.decisions + self._step

    def _excess(self, table: str, arm: int) -> bool:
        """Whether rows are to go; a tenth more than the limit may be there, so that it is seldom."""
        return self._rows[table][arm] > self._most[table] * 11 // 10

    def _look(self) -> None:
        """Look at the oldest decisions that were not looked at yet; those that let pass go into the tallies."""
        to = self._frame_end(self._looked, min(self._young - self._limits.decisions, 4 * STEP))
        where = {"from": self._looked, "to": to, "all": 0}
        looked_at = self._execute("SELECT count(*) FROM decisions WHERE id > :from AND id <= :to", where).fetchone()[0]
        gone = self._remove(where, "decisions_folded")
        self._looked, self._young, self._kept = to, self._young - looked_at, self._kept + looked_at - gone
        over = self._kept - self._limits.fired
        if over > 0:
            to = self._frame_end(0, over + self._limits.fired // 10)
            self._kept -= self._remove({"from": 0, "to": to, "all": 1}, "decisions_let_go")

    def _remove(self, where: dict[str, int], counter: str) -> int:
        self._execute("DELETE FROM temp.passed")
        gone = self._execute(_LOOK, where).rowcount
        self._execute(_TALLY)
        self._execute(
            f"UPDATE removed SET {counter} = {counter} + gone FROM "
            "(SELECT arm AS of, count(*) AS gone FROM temp.passed GROUP BY arm) WHERE arm = of"
        )
        self._execute("DELETE FROM decisions WHERE id IN (SELECT id FROM temp.passed)")
        return gone

    def _frame_end(self, after: int, count: int) -> int:
        (found,) = self._execute(_FRAME_END, (after, count)).fetchone()
        return int(found)

    def _sweep(self, arm: int) -> None:
        self._execute("DELETE FROM temp.busy")
        busy = [(connection,) for connection in blocks.connections(self._connection, arm)]
        insert(self._connection, "INSERT INTO temp.busy", ("connection",), busy, "")
        gone = self._execute(_SWEEP, {"arm": arm, "keep": self._limits.connections // 2}).rowcount
        self._connections[arm] -= gone
        self._sweep_at[arm] = max(self._limits.connections, 2 * self._connections[arm])
        self._execute("UPDATE removed SET connections = connections + ? WHERE arm = ?", (gone, arm))

    def _cut(self, table: str, arm: int) -> None:
        """The latest rows of the table go: the first of a kind tell most. A row may have been counted twice."""
        (there,) = self._execute(f"SELECT count(*) FROM {table} WHERE arm = ?", (arm,)).fetchone()
        self._rows[table][arm] = there
        where = {"arm": arm, "over": max(0, there - self._most[table])}
        gone = self._execute(f"DELETE FROM {table} WHERE arm = :arm AND {_LATEST[table]}", where).rowcount
        self._rows[table][arm] -= gone
        self._execute(f"UPDATE removed SET {table}_let_go = {table}_let_go + ? WHERE arm = ?", (gone, arm))

    def _execute(self, statement: str, values: object = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)  # type: ignore[arg-type]
