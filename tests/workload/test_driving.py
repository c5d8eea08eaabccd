"""What the drivers share, without a client and without a process."""

from __future__ import annotations

import ast
import json
import mmap
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ackdrop import identity
from ackdrop.workload import driving
from ackdrop.workload.plan import ProducerPlan

FEATURES = (3, 8)


class Said:
    """A channel that keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def say(self, line: dict[str, Any], wait: bool = False) -> None:
        self.lines.append(line)


class Clock:
    """The driver's monotonic clock, moved by hand; sleeping moves it too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(driving.time, "monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def counter() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, 8) as counter:
        yield counter


@pytest.fixture
def make_job(
    make_plan: Callable[..., ProducerPlan], counter: mmap.mmap, clock: Clock
) -> Callable[..., tuple[driving.Job, Said]]:
    def make(**changes: Any) -> tuple[driving.Job, Said]:
        said = Said()
        plan = driving.Plan(**json.loads(make_plan(**changes).line(-1)))
        return driving.Job(plan, said, counter), said  # type: ignore[arg-type]

    return make


def test_drivers_are_written_for_old_interpreters(drivers: list[Path]) -> None:
    assert len(drivers) == 7
    for driver in drivers:
        ast.parse(driver.read_text(), feature_version=FEATURES)


def test_drivers_import_the_standard_library_and_each_other_alone(drivers: list[Path]) -> None:
    neighbours = {driver.stem for driver in drivers}
    for driver in drivers:
        for node in ast.walk(ast.parse(driver.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | neighbours, (driver.name, name)


def test_turns_carry_the_identity_that_ackdrop_reads(
    make_job: Callable[..., tuple[driving.Job, Said]], counter: mmap.mmap, make_plan: Callable[..., ProducerPlan]
) -> None:
    job, _ = make_job(records=2, sends=2, partitions=2)
    turns = list(job.turns(job.sleep))
    plan = make_plan(records=2, sends=2, partitions=2)
    assert [(turn.record, turn.send, turn.partition) for turn in turns] == [plan.place(order) for order in range(4)]
    assert [identity.read(turn.headers) for turn in turns] == [
        identity.Identity("run7", "p1", turn.record, turn.send, turn.order) for turn in turns
    ]
    assert struct.unpack("<Q", counter[:]) == (4,)
    assert json.loads(job.value) == {"key": "value", "count": 1}


def test_the_rate_is_a_schedule_that_catches_up(
    make_job: Callable[..., tuple[driving.Job, Said]], clock: Clock
) -> None:
    job, _ = make_job(records=4, rate=10.0)
    times = []
    for turn in job.turns(clock.sleep):
        times.append(round(clock.now - 1000, 3))
        clock.now += 0.25 if turn.order == 1 else 0.01
    assert times == [0.0, 0.1, 0.35, 0.36]


def test_sending_ends_with_the_deadline(make_job: Callable[..., tuple[driving.Job, Said]], clock: Clock) -> None:
    job, said = make_job(records=100, rate=10.0, deadline=0.55)
    assert [turn.order for turn in job.turns(clock.sleep)] == [0, 1, 2, 3, 4, 5]
    assert job.over
    job.seal()
    assert said.lines == [{"done": {"begun": 6, "waiting": 0, "why": "deadline"}}]


def test_a_deadline_at_which_all_that_was_sent_has_its_answer_is_told_all_the_same(
    make_job: Callable[..., tuple[driving.Job, Said]], clock: Clock
) -> None:
    """The sending may see that its time is over before the thread that waits for it does."""
    job, said = make_job(records=100, rate=10.0, deadline=0.55)
    for turn in job.turns(clock.sleep):
        job.answer(turn, 0, turn.order)
    job.seal()
    assert said.lines[-1] == {"done": {"begun": 6, "waiting": 0, "why": "deadline"}}


@pytest.mark.parametrize("offset", [None, -1, -1001])
def test_success_without_an_offset_is_unknown(
    make_job: Callable[..., tuple[driving.Job, Said]], offset: int | None
) -> None:
    job, said = make_job()
    job.answer(job.begin(), 0, offset)
    assert (said.lines[0]["outcome"], said.lines[0]["offset"]) == ("unknown", None)
    assert job.settled


def test_answers_are_reported_once_each_and_never_after_the_seal(
    make_job: Callable[..., tuple[driving.Job, Said]],
) -> None:
    job, said = make_job(client_config={"sasl_plain_password": "hunter2"})
    first, second, third = job.begin(), job.begin(), job.begin()
    job.answer(first, 0, 7)
    job.fail(second, ValueError("no hunter2"))
    assert not job.settled
    job.seal()
    job.fail(third, "closed forcefully")
    assert said.lines == [
        {"order": 0, "outcome": "acked", "partition": 0, "offset": 7, "error": None, "record": 0, "send": 0},
        {
            "order": 1,
            "outcome": "failed",
            "partition": 0,
            "offset": None,
            "error": "ValueError: no ***",
            "record": 1,
            "send": 0,
        },
        {"done": {"begun": 3, "waiting": 0, "why": "deadline"}},
    ]


def test_settling_ends_when_the_last_answer_comes(make_job: Callable[..., tuple[driving.Job, Said]]) -> None:
    job, _ = make_job()
    turn = job.begin()
    answering = job.aside(lambda: job.answer(turn, 0, 0))
    job.settle()
    assert job.settled
    answering.join()


def test_what_failed_is_sent_again_before_anything_new(
    make_job: Callable[..., tuple[driving.Job, Said]], counter: mmap.mmap
) -> None:
    """One at a time; record 0 fails twice and may be sent again twice, record 1 fails for good."""
    job, said = make_job(records=3, resend_failed=2, pipelined=False)
    verdicts = iter(["failed", "failed", "acked", "failed", "failed", "failed", "acked"])
    placed = []
    while job.more:
        for turn in job.turns(job.sleep):
            placed.append((turn.order, turn.record, turn.send))
            job.fail(turn, "gone") if next(verdicts) == "failed" else job.answer(turn, 0, turn.order)
            job.settle()
    assert placed == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0), (4, 1, 1), (5, 1, 2), (6, 2, 0)]
    assert [line["again"] for line in said.lines if "again" in line] == [
        {"order": 1, "record": 0, "send": 1, "of": 0},
        {"order": 2, "record": 0, "send": 2, "of": 1},
        {"order": 4, "record": 1, "send": 1, "of": 3},
        {"order": 5, "record": 1, "send": 2, "of": 4},
    ]
    assert struct.unpack("<Q", counter[:]) == (7,)
    job.seal()
    assert said.lines[-1] == {"done": {"begun": 7, "waiting": 0, "why": None}}


def test_it_is_announced_before_it_is_counted(
    make_plan: Callable[..., ProducerPlan], counter: mmap.mmap, clock: Clock
) -> None:
    counts: list[int] = []

    class Witness(Said):
        def say(self, line: dict[str, Any], wait: bool = False) -> None:
            if "again" in line:
                assert wait
                counts.extend(struct.unpack("<Q", counter[:]))

    plan = driving.Plan(**json.loads(make_plan(resend_failed=1).line(-1)))
    job = driving.Job(plan, Witness(), counter)  # type: ignore[arg-type]
    job.fail(job.begin(), "gone")
    job.begin()
    assert counts == [1]
    assert struct.unpack("<Q", counter[:]) == (2,)


def test_a_failure_ends_the_wait_for_the_others(make_job: Callable[..., tuple[driving.Job, Said]]) -> None:
    job, _ = make_job(records=2, resend_failed=1)
    turns = list(job.turns(job.sleep))
    assert job.waits
    failing = job.aside(lambda: job.fail(turns[0], "gone"))
    job.settle()
    failing.join()
    assert (job.settled, job.waits, job.more) == (False, False, True)
    (again,) = job.turns(job.sleep)
    assert (again.record, again.send, again.instead_of) == (0, 1, 0)
    job.fail(again, "gone")
    job.answer(turns[1], 0, 1)
    assert (job.settled, job.more) == (True, False)


def test_what_was_to_be_sent_again_at_the_deadline_is_told(
    make_job: Callable[..., tuple[driving.Job, Said]], clock: Clock
) -> None:
    job, said = make_job(records=1, resend_failed=1)
    job.fail(job.begin(), "gone")
    clock.now += 31
    assert (job.more, list(job.turns(clock.sleep))) == (False, [])
    job.seal()
    assert said.lines[-1] == {"done": {"begun": 1, "waiting": 1, "why": "deadline"}}


def test_what_failed_does_not_wait_for_the_rate(
    make_job: Callable[..., tuple[driving.Job, Said]], clock: Clock
) -> None:
    job, _ = make_job(records=2, resend_failed=1, rate=1.0)
    times = []
    for turn in job.turns(clock.sleep):
        times.append((turn.record, turn.send, round(clock.now - 1000, 3)))
        if turn.order == 0:
            job.fail(turn, "gone")
    assert times == [(0, 0, 0.0), (0, 1, 0.0), (1, 0, 1.0)]


def test_a_flush_that_is_under_way_is_not_asked_for_again(make_job: Callable[..., tuple[driving.Job, Said]]) -> None:
    job, _ = make_job()
    asked, ready, go_on = [], threading.Event(), threading.Event()

    def flush() -> None:
        asked.append(threading.current_thread())
        ready.set()
        go_on.wait(10)

    job.hurry(flush)
    assert ready.wait(10)
    job.hurry(flush)
    assert len(asked) == 1
    go_on.set()
    asked[0].join()
    ready.clear()
    job.hurry(flush)
    assert ready.wait(10)
    assert len(asked) == 2
