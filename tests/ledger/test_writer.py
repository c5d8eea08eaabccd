"""The writing thread: bounded, never waiting, never silent about a write that failed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

import pytest

from ackdrop.errors import SurroundingsError
from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import Flow, Passed
from ackdrop.series import packed

PREAMBLE = """
import dataclasses, resource, sys
from pathlib import Path
from ackdrop.errors import SurroundingsError
from ackdrop.ledger import Ledger
from ackdrop.ledger.events import read_events
from ackdrop.observations import Attempt, Decided, Flow, LogRecord, Passed, Reached
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


def test_attempts_that_are_told_in_one_wait_by_their_size_and_each_counts_that_is_let_go(tmp_path):
    flow = Flow(1, "app", "", 7, -1, None, "orders", 0, -1, -1)
    rows = [(number, number, number, -1, 1, 5, 100, number + 0.5, number) for number in range(1, 101)]
    ledger = Ledger.create(tmp_path, limits=Limits(waiting=20))
    arm = ledger.arm("off", False)
    go_on = blocked(ledger)
    arm.put([Passed.of(flow, rows[:40]), Passed.of(flow, rows[40:80])])
    arm.put([Passed.of(flow, rows[80:])])
    assert ledger.lag == (17, 40)
    go_on.set()
    ledger.close()
    assert [story.attempt.number for story in Ledger.open(tmp_path).wire("off").attempts] == [
        *range(1, 41),
        *range(81, 101),
    ]
    assert Ledger.open(tmp_path).wire("off").let_go == 40


def test_of_attempts_that_follow_from_each_other_many_wait_as_one(tmp_path):
    flow = Flow(1, "app", "", 7, -1, None, "orders", 0, -1, -1)
    rows = [(number, 1.0, number, -1, 1, 5, 100, 2.0, number) for number in range(1, 1_001)]
    ledger = Ledger.create(tmp_path, limits=Limits(waiting=20))
    arm = ledger.arm("off", False)
    go_on = blocked(ledger)
    arm.put([Passed.of(flow, packed(rows))])
    assert ledger.lag == (1 + (72 + 4 * 999) // 288, 0)
    go_on.set()
    ledger.close()
    assert [story.attempt.number for story in Ledger.open(tmp_path).wire("off").attempts] == [*range(1, 1_001)]


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


def run(script: str, *arguments: object) -> list[str]:
    """The lines that it prints."""
    process = child(script, *arguments)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.splitlines()


# The kernel's limit on a file's size stands in for a full disk. The hard limit stays, so that there can be room again.
FULL = """
def full(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def many(first, last):
    return [dataclasses.replace(attempt, number=number) for number in range(first, last)]

def numbers(wire):
    found = [story.attempt.number for story in wire.attempts]
    return len(found), found[:1], found[-1:], wire.let_go

folder = Path(sys.argv[1])
"""


def test_a_full_disk_leaves_what_was_there_and_counts_what_is_missing(tmp_path):
    script = """
        ledger = Ledger.create(folder)
        arm = ledger.arm("off", False)
        arm.put(many(0, 100))
        ledger.flush()
        full(200_000)
        arm.put(many(100, 5000))
        ledger.flush()
        print(ledger.failure.over, "disk" in ledger.failure.reason, *numbers(ledger.wire("off")))
        arm.put(many(5000, 5010))
        arm.log([])
        print(*numbers(ledger.wire("off")))
        ledger.close()
        print(*numbers(Ledger.open(folder).wire("off")))
    """
    told = run(FULL + textwrap.dedent(script), tmp_path)
    assert told == ["False True 100 [0] [99] 4900", "100 [0] [99] 4910", "100 [0] [99] 0"]


def test_what_waited_for_room_is_written_when_there_is_some(tmp_path):
    """All of it once, in both files, and the count of what was let go with it."""
    script = """
        ledger = Ledger.create(folder)
        arm = ledger.arm("off", False)
        full(200_000)
        look = Decided(1.0, "lose", 1, 1, "app", "orders", 0, 1, False, "pass", False, 1)
        arm.put([*many(0, 5000), *[look] * 3000])
        ledger.flush()
        arm.put(many(5000, 5007))
        full(resource.RLIM_INFINITY)
        ledger.flush()
        print(ledger.failure.over, *numbers(ledger.wire("off")))
        arm.put([*many(5007, 5010), look])
        ledger.close()
        print(*numbers(Ledger.open(folder).wire("off")))
        print(*[sum(event["event"] == kind for event in read_events(folder)) for kind in ("arm", "decided")])
    """
    told = run(FULL + textwrap.dedent(script), tmp_path)
    assert told == ["True 5000 [0] [4999] 7", "5003 [0] [5009] 7", "1 3001"]


def test_where_there_is_no_room_for_rows_attempts_stay_in_blocks_and_can_be_read(tmp_path):
    script = """
        ledger = Ledger.create(folder)
        arm = ledger.arm("off", False)
        flow = Flow(1, "app", "", 7, -1, None, "orders", 0, -1, -1)
        arm.put([Passed.of(flow, [(number, 1.0, number, -1, 1, 5, 100, 2.0, number) for number in range(1, 20_001)])])
        ledger.flush()
        full(1_700_000)
        print(ledger.failure, *numbers(ledger.wire("off")))
        ledger.close()
        print(*numbers(Ledger.open(folder).wire("off")))
    """
    told = run(FULL + textwrap.dedent(script), tmp_path)
    assert told == ["None 20000 [1] [20000] 0", "20000 [1] [20000] 0"]
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM blocks").fetchone() == (1,)


def test_a_full_disk_under_the_events_alone_writes_nothing_twice(tmp_path):
    script = """
        ledger = Ledger.create(folder)
        arm = ledger.arm("off", False)
        seen = Reached(2.5, "produce.response", "produce", 7, "response", "a" * 500, 1, -1, False, 9, -1, None, (), 0.5)
        look = Decided(1.0, "lose", 1, 1, "app", "orders", 0, 1, False, "pass", False, 1)
        ledger.flush()
        full(2_000_000)
        arm.put([*[seen] * 3000, attempt, look])
        ledger.flush()
        print(ledger.failure.reason, *numbers(ledger.wire("off")), (folder / "events.jsonl").stat().st_size < 1000)
        full(resource.RLIM_INFINITY)
        ledger.close()
        print(*numbers(Ledger.open(folder).wire("off")))
        print(*[sum(event["event"] == kind for event in read_events(folder)) for kind in ("arm", "frame", "decided")])
    """
    told = run(FULL + textwrap.dedent(script), tmp_path)
    assert told == ["File too large 1 [1] [1] 0 True", "1 [1] [1] 0", "1 3000 1"]


def test_an_arm_that_begins_on_a_full_disk(tmp_path):
    """Nothing of it is in the file, and what it lacks is known all the same; with room it is there."""
    script = """
        ledger = Ledger.create(folder)
        full(1)
        arm = ledger.arm("off", False)
        arm.put(many(0, 7))
        print(*numbers(ledger.wire("off")))
        full(resource.RLIM_INFINITY)
        ledger.close()
        print(*numbers(Ledger.open(folder).wire("off")), *Ledger.open(folder).arms())
    """
    told = run(FULL + textwrap.dedent(script), tmp_path)
    assert told == ["0 [] [] 7", "7 [0] [6] 0 off"]


def test_nothing_piles_up_while_the_disk_is_full(tmp_path):
    script = """
        ledger = Ledger.create(folder)
        arm = ledger.arm("off", False)
        ledger.flush()
        full(1)
        arm.put(many(0, 10))
        ledger.flush()
        for _ in range(300):
            arm.put(many(0, 1000))
        arm.log(LogRecord("orders", 0, n, "x", 0, 0, "p", True, 7, 0, 3, 5, 9, 17) for n in range(100_000))
        writer = ledger._writer
        ledger.flush()
        print(writer._queue.qsize(), writer._taken.total(), writer.missing(1), len(writer._rows._inserts["log"]))
    """
    waiting, kept, missing, log = map(int, run(FULL + textwrap.dedent(script), tmp_path)[0].split())
    assert (waiting, kept, missing, log) == (0, 10, 300_010, 0)


def test_a_value_that_cannot_be_stored_is_told(tmp_path, attempt):
    ledger = Ledger.create(tmp_path)
    ledger.arm("off", False).put([attempt(number=2**70)])
    assert ledger.wire("off").let_go == 1
    assert "too large" in ledger.failure.reason
    ledger.close()


def test_a_file_that_is_no_ledger_any_more_is_told(tmp_path, attempt):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([attempt()])
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(SurroundingsError, match="cannot be read"):
        ledger.wire("off")


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
