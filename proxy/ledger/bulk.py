"""Many rows a statement.

sqlite3 gives up the interpreter lock at every statement, and getting it back from a busy event loop can take 5 ms
each time. Measured against a thread that never lets go of it by itself: `executemany` 4,000 rows a second, hundreds
of rows a statement 50,000.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

_ROWS_A_STATEMENT = (512, 128, 32, 8, 2, 1)


def insert(
    connection: sqlite3.Connection, into: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], conflict: str
) -> None:
    """Insert the rows in order. `into` is `INSERT INTO table`, `conflict` an upsert clause for rows that come again."""
    most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(columns)
    done = 0
    for size in _ROWS_A_STATEMENT:
        while size <= most and len(rows) - done >= size:
            statement = _statement(into, tuple(columns), size, conflict)
            execute(connection, statement, list(chain.from_iterable(rows[done : done + size])))
            done += size


def execute(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> None:
    """Execute one statement; text that UTF-8 cannot hold (a lone surrogate out of a client's bytes) is escaped."""
    try:
        connection.execute(statement, values)
    except UnicodeEncodeError:
        connection.execute(statement, [_storable(value) for value in values])


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


@lru_cache
def _statement(into: str, columns: tuple[str, ...], rows: int, conflict: str) -> str:
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    return f"{into} ({', '.join(columns)}) VALUES {values} {conflict}"
