"""The limit on attempts: old ones of whom there is nothing to tell become ranges of offsets, the rest stay longer.

An attempt is *uneventful* when the broker answered it with success and an offset, the client got that in time, it is no
retry, no copy of ours and was never repeated, no fault touched its frame, its producer id goes with what the arm
claims, and so it is with every attempt of its frame. Verification needs of it only that these offsets were acked.

Every attempt is looked at once, when `Limits.attempts` younger ones have come since: no client waits that long with a
retry. All of it is a few statements over some thousands of rows, for sqlite3 gives up the interpreter lock at every
statement (see `bulk.py`). A frame's attempts have numbers in a row; frames are folded and let go whole, so that counts
of frames stay exact.

Attempts in blocks are each alone in their frame. They are folded out of the block, without ever being rows, when all of
a block is old; what has something to tell of it becomes rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import blocks, quiet, settling
from .blocks import Block
from .limits import Limits
from .ranges import Ranges, islands

STEP = 5_000
"""Attempts that are folded at once; so many more than the limit may be there."""

_BLOCKS_ALONE = 10 * STEP
"""The same where all of them are in blocks."""

SCRATCH = """
CREATE TEMP TABLE quiet (
    number INTEGER PRIMARY KEY, topic TEXT, partition INTEGER, first INTEGER, last INTEGER, at REAL, leads INTEGER
);
"""
"""What a fold works with, in memory and of this connection alone."""

EXAMINE = """
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
"""Puts the uneventful ones of an arm, between two numbers, into `quiet`. The second has to be the last of a frame."""


GATHER = f"INSERT INTO temp.fresh {islands('temp.quiet', '1', 'at', 'at')}"
"""Makes fresh ranges of them."""

_OLD_BLOCKS = "SELECT id FROM blocks WHERE arm = ? AND last <= ? ORDER BY id"

_SETTLED_AT_ONCE = 5
"""Blocks that become rows in one transaction."""

_FRAME_END = """
SELECT max(b.number) FROM attempts AS a JOIN attempts AS b
    ON b.arm = a.arm AND b.connection = a.connection AND b.correlation_id = a.correlation_id AND b.at = a.at
WHERE a.arm = ? AND a.number =
    (SELECT max(number) FROM (SELECT number FROM attempts WHERE arm = ? ORDER BY number LIMIT ?))"""

WITH_ITS_FRAME = """
SELECT coalesce(max(b.number), 0) FROM attempts AS a JOIN attempts AS b
    ON b.arm = a.arm AND b.connection = a.connection AND b.correlation_id = a.correlation_id AND b.at = a.at
WHERE a.arm = :arm AND a.number =
    (SELECT max(number) FROM attempts WHERE arm = :arm AND number > :from AND number <= :to)"""
"""The number of the last attempt of the frame to which the last one between two numbers belongs."""

_FRAMES_BY_ACK = """
WITH gone AS (SELECT DISTINCT ack, connection, correlation_id, at FROM attempts WHERE arm = :arm AND number <= :to)
SELECT coalesce(sum(ack IS 'dropped'), 0), coalesce(sum(ack IS 'withheld'), 0), coalesce(sum(ack IS 'delayed'), 0),
       (SELECT count(*) FROM (SELECT DISTINCT connection, correlation_id, at FROM gone))
FROM gone"""


@dataclass(slots=True)
class _Arm:
    """`looked` is the number up to which attempts were looked at, `newest` the highest so far; `kept` is how many rows
    there are of those that were looked at."""

    looked: int = 0
    newest: int = 0
    kept: int = 0

    def came(self, newest: int) -> None:
        self.newest = max(self.newest, newest)


class Folding:
    """Folds the attempts of a ledger that is being written. The caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._step = min(STEP, limits.attempts // 10 + 1)
        self._arms: dict[int, _Arm] = {}
        self._ranges = Ranges(connection, limits.ranges)

    def added(self, number: int, numbers: Sequence[int]) -> None:
        """Rows of these numbers came into `attempts`. One may have become a row late: it is looked at no more."""
        arm = self._arms.setdefault(number, _Arm())
        arm.came(max(numbers))
        if min(numbers) <= arm.looked:
            arm.kept += sum(each <= arm.looked for each in numbers)

    def came(self, number: int, newest: int) -> None:
        """Blocks came with numbers up to this one."""
        self._arms.setdefault(number, _Arm()).came(newest)

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
        return arm.newest - arm.looked >= self._limits.attempts + self._step

    def _fold(self, number: int, arm: _Arm) -> None:
        """Look at the oldest attempts that were not looked at yet."""
        execute = self._connection.execute
        to = self._up_to(number, arm)
        to = max(to, self._number(WITH_ITS_FRAME, {"arm": number, "from": arm.looked, "to": to}))
        where = {"arm": number, "from": arm.looked, "to": to}
        execute("DELETE FROM temp.quiet")
        self._ranges.begin()
        looked_at = self._number(
            "SELECT count(*) FROM attempts WHERE arm = :arm AND number > :from AND number <= :to", where
        )
        execute(EXAMINE, where)
        folded, frames = execute("SELECT count(*), coalesce(sum(leads), 0) FROM temp.quiet").fetchone()
        arm.looked, arm.kept = to, arm.kept + looked_at - folded
        if folded:
            execute(GATHER)
            execute("DELETE FROM attempts WHERE arm = :arm AND number IN (SELECT number FROM temp.quiet)", where)
        out_of_blocks = self._fold_blocks(number, arm)
        if folded or out_of_blocks:
            self._ranges.store(number)
            self._count(number, folded + out_of_blocks, frames + out_of_blocks)

    def _up_to(self, number: int, arm: _Arm) -> int:
        """Up to which attempt the next ones are looked at: more of them at once where none of those is a row."""
        old = arm.newest - self._limits.attempts
        rows = {"arm": number, "from": arm.looked, "to": min(old, arm.looked + _BLOCKS_ALONE)}
        any_rows = "SELECT EXISTS (SELECT 1 FROM attempts WHERE arm = :arm AND number > :from AND number <= :to)"
        return min(old, arm.looked + 4 * STEP) if self._number(any_rows, rows) else rows["to"]

    def _count(self, number: int, folded: int, frames: int) -> None:
        """So many attempts are ranges now, of so many frames."""
        self._connection.execute(
            "UPDATE removed SET attempts_folded = attempts_folded + ?, frames = frames + ? WHERE arm = ?",
            (folded, frames, number),
        )

    def _fold_blocks(self, number: int, arm: _Arm) -> int:
        """Fold the blocks in which all is old; how many attempts are ranges now."""
        ids = [each for (each,) in self._connection.execute(_OLD_BLOCKS, (number, arm.looked))]
        folded = self._to_ranges(arm, blocks.load(self._connection, ids))
        self._remove(ids)
        return folded

    def _to_ranges(self, arm: _Arm, of_it: Iterable[Block]) -> int:
        """Put what has nothing to tell among the fresh ranges, and make rows of the rest. How many went there."""
        spans = quiet.spans(self._quiet(arm, block) for block in of_it)
        self._ranges.add(spans)
        return sum(attempts for _, _, _, _, attempts, _, _ in spans)

    def _quiet(self, arm: _Arm, block: Block) -> Block:
        """What has nothing to tell; the rest becomes rows."""
        found = quiet.eventful(self._connection, block)
        if not found:
            return block
        block = block.singly()
        settling.put(self._connection, block.only(sorted(found)))
        arm.kept += len(found)
        return block.only([place for place in range(len(block)) if place not in found])

    def _remove(self, ids: Sequence[int]) -> None:
        self._connection.executemany("DELETE FROM blocks WHERE id = ?", ((each,) for each in ids))

    def settle(self) -> bool:
        """Make rows of some blocks, the oldest first; whether there may be more. What is old enough to be folded is."""
        oldest = "SELECT id FROM blocks ORDER BY id LIMIT ?"
        ids = [each for (each,) in self._connection.execute(oldest, (_SETTLED_AT_ONCE,))]
        for block in blocks.load(self._connection, ids):
            arm = self._arms[block.arm]
            numbers = block.numbers
            if min(numbers) <= arm.looked:
                block = block.singly()
                numbers = block.numbers
                self._settle_old(arm, block.only([i for i, n in enumerate(numbers) if n <= arm.looked]))
                block = block.only([i for i, n in enumerate(numbers) if n > arm.looked])
            settling.put(self._connection, block)
        self._remove(ids)
        return len(ids) == _SETTLED_AT_ONCE

    def _settle_old(self, arm: _Arm, block: Block) -> None:
        """Fold what others of its age were folded with."""
        self._ranges.begin()
        folded = self._to_ranges(arm, [block])
        self._ranges.store(block.arm)
        self._count(block.arm, folded, folded)

    def _let_go(self, number: int, arm: _Arm) -> None:
        """Too many have something to tell: the oldest of them go, and are counted."""
        count = arm.kept - self._limits.eventful + self._limits.eventful // 10
        to = self._frame_end(number, count)
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

    def _frame_end(self, arm: int, count: int) -> int:
        """The number that ends the frame of the `count`-th attempt of those that are there."""
        (number,) = self._connection.execute(_FRAME_END, (arm, arm, count)).fetchone()
        return int(number)

    def _number(self, query: str, where: dict[str, int]) -> int:
        (number,) = self._connection.execute(query, where).fetchone()
        return int(number)
