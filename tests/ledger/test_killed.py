"""SIGKILL at any moment: the file opens, is whole, and lacks at most what the last second brought."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from ackdrop.ledger import Ledger
from ackdrop.ledger.events import passed_in, read_events

RUN = """
import dataclasses, sys, time
from pathlib import Path
from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import Acked, Answered, Asked, Attempt, Decided, Flow, Forwarded, LetPass, Passed

few, in_one = int(sys.argv[2]), sys.argv[3] == "in one"
limits = Limits(attempts=few, decisions=few, events=few * 1000) if few else Limits()
first = Attempt(1, 1.0, 1, 1, "app", "", 7, -1, None, "orders", 0, -1, -1, -1, 1, 5, 100, None, 1, False)
look = Decided(1.0, "lose", 1, 1, "app", "orders", 0, 1, False, "pass", False, 1)
arm = Ledger.create(Path(sys.argv[1]), limits=limits).arm("off", False, ["lose"])
flow = Flow(1, "app", "", 7, -1, None, "orders", 0, -1, -1)
number = 0
while True:
    for number in range(number + 1, number + 11):
        at = time.monotonic()
        attempt = dataclasses.replace(first, number=number, at=at, correlation_id=number)
        decided = dataclasses.replace(look, at=at, correlation_id=number, n=number, attempt=number)
        if in_one:
            said = decided if number % 2 else LetPass("lose", 1)
            arm.put([said, Passed.of(flow, [(number, at, number, -1, 1, 5, 100, at, number)], Asked(0, False, 0.0))])
            continue
        arm.put([attempt, Forwarded(at, number), Answered(at, number, 0, number), decided])
        arm.put([Acked(at, number, "delivered", 0)])
    print(number, at, flush=True)
    time.sleep(0.005)
"""
STALL = 0.15
"""Seconds for which the machine may not have let the process run, where a round is to count."""


def handed_over(folder: Path, few: int, how: str, after: float) -> list[tuple[int, float]]:
    """What a process had put into its ledger, number and moment, in the last line the moment at which it was killed."""
    command = [sys.executable, "-c", RUN, str(folder), str(few), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        lines = [run.stdout.readline()]
        end = time.monotonic() + after
        while time.monotonic() < end:
            lines.append(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        lines += run.stdout.read().splitlines(keepends=True)
    told = [line.split() for line in lines if line.endswith("\n")]
    return [*((int(number), float(at)) for number, at in told), (0, killed)]


def ran_freely(lines: list[tuple[int, float]]) -> bool:
    """Whether the process was never kept waiting for long in the time that counts."""
    times = [at for _, at in lines if at > lines[-1][1] - 2]
    return all(later - before < STALL for before, later in pairwise(times))


@pytest.mark.parametrize("how", ["one by one", "in one"])
@pytest.mark.parametrize("few", [0, 300], ids=["all is kept", "while it folds"])
def test_at_most_the_last_second_is_missing(tmp_path, few, how):
    counted = 0
    for attempt in range(12):
        folder = tmp_path / str(attempt)
        lines = handed_over(folder, few, how, random.uniform(0.6, 2.0))
        reached = whole(folder, few)
        if ran_freely(lines):
            counted += 1
            *before, (_, killed) = lines
            assert reached >= max((number for number, at in before if at < killed - 1), default=0)
        if counted == 3:
            return
    assert counted, "the machine was too busy to tell"


def whole(folder: Path, few: int) -> int:
    """The last attempt that both files hold; they hold all from the first one to that in one way or another."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    wire = Ledger.open(folder).wire("off")
    last = wire.attempts[-1].attempt.number
    assert len(wire.attempts) + sum(r.attempts for r in wire.ranges) == wire.produce_requests == last
    assert all(story.ack == "delivered" for story in wire.attempts[:-1])
    assert not wire.ranges if not few else wire.ranges or last < 5 * few
    assert [tally.matched for tally in wire.faults] == [last]
    events = list(read_events(folder))
    passed = [each for event in events if event["event"] == "passed" for each in passed_in(event)]
    seen = [attempt[0] for each in passed for attempt in each.attempts]
    seen = seen or [event["n"] for event in events if event["event"] == "decided"]
    assert seen == [*range(seen[0], seen[-1] + 1)]
    assert seen[-1] <= last
    return seen[-1]
