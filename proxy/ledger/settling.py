"""Blocks turned into rows of `attempts`: at the end of a run, and before somebody reads.

A reader that finds blocks all the same (of a run that goes on, or was killed, or of which the disk was full at its end)
makes the rows in memory, and changes nothing.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache
from typing import Any

from ..series import CELLS, TIMES
from .blocks import FLOW_FIELDS, Block, load
from .bulk import execute, insert

SCRATCH = f"CREATE TEMP TABLE flows (flow INTEGER PRIMARY KEY, {', '.join(FLOW_FIELDS)});"
"""The flows of the block that is being turned into rows."""

_ROWS_A_STATEMENT = 96
_CELLS = ("number", "correlation_id", "base_sequence", "records", "crc", "size", "base_offset")
_COLUMNS = (
    *("arm", *FLOW_FIELDS, *_CELLS, "at", "forwarded_at", "answered_at", "acked_at"),
    *("tries", "ambiguous", "injected", "error", "ack", "seen_error"),
)

# A table or view of the schema `temp` goes before one of the file, in statements and in other views of `temp`.
_DEFINITIONS = """
SELECT sql FROM main.sqlite_master WHERE (tbl_name = 'attempts' OR name = 'attempt_faults') AND sql IS NOT NULL
ORDER BY type DESC"""
_TEMPORARY = {
    "CREATE TABLE ": "CREATE TEMP TABLE ",
    "CREATE VIEW ": "CREATE TEMP VIEW ",
    "CREATE INDEX ": "CREATE INDEX temp.",
}
_AGAIN = re.compile("|".join(_TEMPORARY))


def put(connection: sqlite3.Connection, block: Block, schema: str = "main") -> None:
    """Make rows of all that is in the block."""
    block = block.singly()
    connection.execute("DELETE FROM temp.flows")
    flows = [(place, *flow) for place, flow in enumerate(block.flows)]
    insert(connection, "INSERT INTO temp.flows", ("flow", *FLOW_FIELDS), flows, "")
    which = block.which
    for begin in range(0, len(block), _ROWS_A_STATEMENT):
        end = min(begin + _ROWS_A_STATEMENT, len(block))
        values: list[Any] = [block.arm]
        values.extend(block.cells[CELLS * begin : CELLS * end])
        values.extend(block.times[TIMES * begin : TIMES * end])
        values.extend(which[begin:end])
        execute(connection, _statement(schema, end - begin), values)


def settled(connection: sqlite3.Connection, arm: int) -> None:
    """Let `attempts` and its views have all attempts of the arm, on this connection alone, where some are in blocks.
    The caller holds the transaction."""
    ids = [number for (number,) in connection.execute("SELECT id FROM blocks WHERE arm = ? ORDER BY id", (arm,))]
    if not ids:
        return
    for (statement,) in connection.execute(_DEFINITIONS).fetchall():
        connection.execute(_AGAIN.sub(lambda found: _TEMPORARY[found[0]], statement, count=1))
    connection.execute(SCRATCH)
    connection.execute("INSERT INTO temp.attempts SELECT * FROM main.attempts WHERE arm = ?", (arm,))
    for block in load(connection, ids):
        put(connection, block, "temp")


@lru_cache(2 * _ROWS_A_STATEMENT)
def _statement(schema: str, rows: int) -> str:
    """One that makes so many rows. The columns of `v` are those of `cells`, the two times, and the flow."""
    times, which = 2 + CELLS * rows, 2 + (CELLS + TIMES) * rows
    each = (
        f"({_marks(2 + CELLS * row, CELLS)}, {_marks(times + TIMES * row, TIMES)}, ?{which + row})"
        for row in range(rows)
    )
    flow = ", ".join(f"f.{name}" for name in FLOW_FIELDS)
    cells = ", ".join(f"v.column{place}" for place in range(1, CELLS + 1))
    return (
        f"INSERT INTO {schema}.attempts ({', '.join(_COLUMNS)}) "
        f"SELECT ?1, {flow}, {cells}, v.column8, v.column8, v.column9, v.column9, 1, 0, 0, 0, 'delivered', 0 "
        f"FROM (VALUES {', '.join(each)}) AS v CROSS JOIN temp.flows AS f WHERE f.flow = v.column10"
    )


def _marks(first: int, count: int) -> str:
    return ", ".join(f"?{number}" for number in range(first, first + count))
