"""The writing thread: bounded, never waiting, never silent about a write that failed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from ackdrop.errors import SurroundingsError
from ackdrop.ledger import Ledger, Limits

PREAMBLE = """
import dataclasses, resource, sys
from pathlib import Path
from ackdrop.errors import SurroundingsError
from ackdrop.ledger import Ledger
from ackdrop.observations import Attempt
attempt = Attempt(1, 1.0, 1, 1, "app", "", 7, -1, None, "orders", 0, -1, -1, -1, 1, 5, 100, None, 1, False)
"""


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Another interpreter that runs the script with the names above."""
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def blocked(ledger: Ledger) -> threading.Event:
    """Keep the writing thread busy until the event is set."""
    go_on = threading.Event()
    ledger._writer.do(lambda rows: go_on.wait(30) and None)
    return go_on


def test_over_the_limit_is_let_go_and_counted(tmp_path, attempt):
    ledger = Ledger.create(tmp_path, limits=Limits(waiting=10))
    off, on = ledger.arm("off", False), ledger.arm("on", True)
    go_on = blocked(ledger)
    off.put([attempt(number=n) for n in range(1, 9)])
    off.put([attempt(number=n) for n in range(9, 15)])
    on.put([attempt()])
    go_on.set()
    ledger.flush()
    off.put([attempt(number=15)])
    ledger.close()
    reopened = Ledger.open(tmp_path)
    assert [story.attempt.number for story in reopened.wire("off").attempts] == [*range(1, 11), 15]
    assert (reopened.wire("off").let_go, reopened.wire("on").let_go) == (4, 1)


def test_put_does_not_wait_for_the_writer(tmp_path, attempt):
    with Ledger.create(tmp_path) as ledger:
        go_on = blocked(ledger)
        ledger.arm("off", False).put([attempt()])  # would hang here
        go_on.set()
        assert len(ledger.wire("off").attempts) == 1


def test_commits_by_itself(tmp_path, attempt):
    """Nobody asks for it: what was put is in the file within a second."""
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([attempt()])
        rows, deadline = 0, time.monotonic() + 5
        with sqlite3.connect(tmp_path / "ledger.db") as reader:
            while not rows and time.monotonic() < deadline:
                (rows,) = reader.execute("SELECT count(*) FROM attempts").fetchone()
        reader.close()
    assert rows == 1


def test_a_full_disk_is_told_and_what_follows_is_let_go(tmp_path):
    """The kernel's limit on a file's size stands in for a full disk."""
    script = """
        ledger = Ledger.create(Path(sys.argv[1]))
        arm = ledger.arm("off", False)
        ledger.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        arm.put([dataclasses.replace(attempt, number=number) for number in range(5000)])
        for what in (ledger.flush, lambda: ledger.wire("off"), ledger.close):
            try:
                what()
            except SurroundingsError as error:
                print(type(error.__cause__).__name__, error.remedy)
        arm.put([attempt])
        print(ledger._writer._let_go[1])
    """
    process = child(script, tmp_path)
    out, _ = process.communicate(timeout=60)
    *told, let_go = out.splitlines()
    assert len(told) == 3
    assert all(line.startswith("OperationalError") and "disk" in line for line in told)
    assert let_go == "5001"
    assert process.returncode == 0


def test_a_value_that_cannot_be_stored_is_told(tmp_path, attempt):
    ledger = Ledger.create(tmp_path)
    ledger.arm("off", False).put([attempt(number=2**70)])
    with pytest.raises(SurroundingsError, match="could not be written"):
        ledger.flush()
    with pytest.raises(SurroundingsError):
        ledger.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_early_is_told(tmp_path, attempt):
    ledger = Ledger.create(tmp_path)
    arm = ledger.arm("off", False)
    arm.put(["not an observation"])
    with pytest.raises(SurroundingsError, match="ended early"):
        ledger.flush()
    arm.put([attempt()])
    assert ledger._writer._let_go[1] == 1
    with pytest.raises(SurroundingsError, match="ended early"):
        ledger.close()


def test_a_long_log_waits_for_the_writer(tmp_path, log_record):
    """What is read from the log is never let go, and does not pile up either."""
    with Ledger.create(tmp_path, limits=Limits(waiting=10)) as ledger:
        arm = ledger.arm("on", True)
        arm.log(log_record(offset=offset) for offset in range(25_000))
        waiting = ledger._writer._queue.qsize()
        assert sum(1 for _ in ledger.log_of("on")) == 25_000
        assert ledger.wire("on").let_go == 0
    assert waiting <= 4


def test_the_lag_is_what_is_not_written_yet(tmp_path, attempt):
    with Ledger.create(tmp_path, limits=Limits(waiting=5)) as ledger:
        arm = ledger.arm("off", False)
        arm.put([attempt(number=n) for n in range(1, 9)])
        waiting, let_go = ledger.lag
        assert waiting <= 5
        assert let_go == 3
        ledger.flush()
        assert ledger.lag == (0, 3)
    assert Ledger.open(tmp_path).lag == (0, 0)
