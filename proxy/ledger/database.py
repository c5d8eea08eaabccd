"""The database that is being written: opened, its transactions, its limits, and its write-ahead log held small."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic

from ..kafka.codes import ERROR_CODES
from . import folding, planning, ranges, rows, schema, settling, trimming, views
from .folding import Folding
from .limits import Limits
from .rows import Rows
from .trimming import Trimming

_PAGE = 4096
_WAL_USUAL = 64 << 20
"""Bytes that the write-ahead log stays below while nobody stops it from being emptied. From a quarter of it on sqlite3
moves pages into the file by itself, at every commit."""

_RETRY = 1.0
_PATIENCE = 100
"""Milliseconds to wait for readers, every `_RETRY` seconds, once the write-ahead log has outgrown its usual size."""


class Database:
    """`ledger.db`, made new at `path`. After `open` it belongs to one thread. Raises what sqlite3 raises."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limit = limits.wal
        self._usual = min(_WAL_USUAL, limits.wal)
        self._connection = _new(path, self._usual)
        self._wal = path.with_name(path.name + "-wal")
        self._folding = Folding(self._connection, limits)
        self._trimming = Trimming(self._connection, limits)
        self._tried = 0.0
        self.crowded = False
        """The write-ahead log has reached its limit, since somebody reads: nothing more should be written."""
        self.unsettled = False
        """Attempts are in blocks."""

    def write(self, facts: Rows, let_go: Mapping[int, int]) -> None:
        """Write the rows in one transaction, and how many observations each arm has let go."""
        with self._transaction():
            facts.write(self._connection)
            counts = [(count, arm) for arm, count in let_go.items()]
            self._connection.executemany("UPDATE arms SET let_go = ? WHERE arm = ?", counts)
        for arm, numbers in facts.numbers().items():
            self._folding.added(arm, numbers)
        for arm, newest in facts.newest().items():
            self._folding.came(arm, newest)
            self.unsettled = True
        for arm, added in facts.added().items():
            self._trimming.added(arm, added)

    def tend(self) -> None:
        """Hold tables and files to their limits; returns at once where there is nothing to do."""
        for part in (self._folding, self._trimming):
            while part.due():
                with self._transaction():
                    part.work()
        self._tend_wal()

    def settle(self) -> None:
        """Make rows of all that is in blocks. Where there is no room for that they stay: readers know what to do."""
        while self.unsettled and self.settle_some():
            pass

    def settle_some(self) -> bool:
        """Make rows of the oldest of it; whether that could be done."""
        if self.crowded:
            return False
        try:
            with self._transaction():
                self.unsettled = self._folding.settle()
            self._tend_wal()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Move the write-ahead log into the file, so that `ledger.db` alone is the whole ledger."""
        try:
            with contextlib.suppress(sqlite3.OperationalError):  # somebody is reading: they keep the two files
                self._connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def _tend_wal(self) -> None:
        size = self._wal_size()
        if size > self._usual and monotonic() >= self._tried + _RETRY:
            self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._connection.execute("PRAGMA busy_timeout = 5000")
            self._tried = monotonic()
            size = self._wal_size()
        self.crowded = size > self._limit

    def _wal_size(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0


def _new(path: Path, wal: int) -> sqlite3.Connection:
    """An empty ledger. In WAL mode a commit is safe once the kernel has it, and readers do not stop the writer."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA wal_autocheckpoint = {wal // 4 // _PAGE}")
        connection.execute(f"PRAGMA journal_size_limit = {wal}")
        connection.executescript(
            f"{rows.SCRATCH} {folding.SCRATCH} {ranges.SCRATCH} {trimming.SCRATCH} {settling.SCRATCH}"
            f"BEGIN; {schema.TABLES} {views.VIEWS} PRAGMA user_version = {schema.VERSION}; ANALYZE;"
        )
        connection.executemany("INSERT INTO error_names (name, code) VALUES (?, ?)", ERROR_CODES.items())
        connection.execute("DELETE FROM sqlite_stat1")
        connection.executemany(planning.INSERT, planning.ROWS)
        connection.execute("COMMIT")
        connection.execute("ANALYZE sqlite_schema")  # which reads what was just written
    except sqlite3.Error:
        connection.close()
        raise
    return connection
