"""What the drivers share, without a client and without a process."""

from __future__ import annotations

import ast
import json
import mmap
import struct
import sys
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

    def say(self, line: dict[str, Any]) -> None:
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
    assert len(drivers) == 6
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
    assert said.lines == [{"done": {"begun": 6, "why": "deadline"}}]


@pytest.mark.parametrize("offset", [None, -1, -1001])
def test_success_without_an_offset_is_unknown(
    make_job: Callable[..., tuple[driving.Job, Said]], offset: int | None
) -> None:
    job, said = make_job()
    job.answer(job.begin(0), 0, offset)
    assert (said.lines[0]["outcome"], said.lines[0]["offset"]) == ("unknown", None)
    assert job.settled


def test_answers_are_reported_once_each_and_never_after_the_seal(
    make_job: Callable[..., tuple[driving.Job, Said]],
) -> None:
    job, said = make_job(client_config={"sasl_plain_password": "hunter2"})
    first, second, third = job.begin(0), job.begin(1), job.begin(2)
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
        {"done": {"begun": 3, "why": "deadline"}},
    ]


def test_settling_ends_when_the_last_answer_comes(make_job: Callable[..., tuple[driving.Job, Said]]) -> None:
    job, _ = make_job()
    turn = job.begin(0)
    answering = job.aside(lambda: job.answer(turn, 0, 0))
    job.settle()
    assert job.settled
    answering.join()
