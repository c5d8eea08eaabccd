"""The file that is being written: its size, and its write-ahead log when somebody reads."""

from __future__ import annotations

import sqlite3
import time

import pytest

from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import Acked, Answered, Forwarded


def traffic(attempt, numbers):
    for n in numbers:
        yield attempt(number=n, correlation_id=n, at=n / 1000, crc=n * 2654435761 % 2**32)
        yield Forwarded(n / 1000, n)
        yield Answered(n / 1000, n, 0, n)
        yield Acked(n / 1000, n, "delivered", 0)


def test_the_file_does_not_grow_by_what_was_folded(tmp_path, attempt):
    sizes = []
    with Ledger.create(tmp_path, limits=Limits(attempts=2000)) as ledger:
        arm = ledger.arm("off", False)
        for begin in range(1, 24_001, 1000):
            arm.put(list(traffic(attempt, range(begin, begin + 1000))))
            ledger.flush()
            with sqlite3.connect(tmp_path / "ledger.db") as reader:
                sizes.append(reader.execute("PRAGMA page_count").fetchone()[0])
            reader.close()
        assert len(ledger.wire("off").ranges) == 1
    assert max(sizes[12:]) <= max(sizes[:6]) * 1.1


@pytest.mark.parametrize("ends", [True, False])
def test_a_reader_does_not_make_the_write_ahead_log_grow_for_ever(tmp_path, attempt, ends):
    """While its snapshot is open and the limit reached, what comes is let go; afterwards all goes on."""
    limit = 1_000_000
    with Ledger.create(tmp_path, limits=Limits(wal=limit)) as ledger:
        arm = ledger.arm("off", False)
        ledger.flush()
        reader = sqlite3.connect(tmp_path / "ledger.db")
        if not ends:
            reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM attempts").fetchall()
        for begin in range(1, 12_001, 1000):
            arm.put(list(traffic(attempt, range(begin, begin + 1000))))
            ledger.flush()
        assert (tmp_path / "ledger.db-wal").stat().st_size < limit * 1.5
        reader.close()
        assert (ledger.wire("off").let_go > 0) is not ends
        deadline = time.monotonic() + 30
        while ledger._writer._database.crowded and time.monotonic() < deadline:
            ledger.flush()
        let_go = ledger.wire("off").let_go
        arm.put([attempt(number=50_000)])
        wire = ledger.wire("off")
        assert (wire.attempts[-1].attempt.number, wire.let_go) == (50_000, let_go)
        assert len(wire.attempts) * 4 + let_go == 12_000 * 4 + 4


def test_when_nothing_comes_the_database_is_looked_after_all_the_same(tmp_path, attempt):
    """What is let go makes no work for the thread, so it looks by itself whether the reader has gone."""
    with Ledger.create(tmp_path, limits=Limits(wal=200_000)) as ledger:
        arm = ledger.arm("off", False)
        ledger.flush()
        with sqlite3.connect(tmp_path / "ledger.db") as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM attempts").fetchall()
            while not ledger._writer._database.crowded:
                arm.put([attempt(number=n) for n in range(1, 2000)])
                arm = ledger.arm(f"arm {len(ledger._arms)}", False)
                ledger.flush()
        reader.close()
        deadline = time.monotonic() + 30
        while ledger._writer._database.crowded and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not ledger._writer._database.crowded
