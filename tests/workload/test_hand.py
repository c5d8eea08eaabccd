"""A producer's process that is paused, or killed and followed by another: real processes, and a client of our own."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
import trio

from ackdrop import clients
from ackdrop.errors import ProducerError
from ackdrop.workload.hand import Hand
from ackdrop.workload.outcome import ProducerReport, Progress
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.run import run_producer

WITHIN = 30.0

DRIVER = """
import os, sys
sys.path.insert(0, {here!r})
import driving

def drive(job):
    job.introduce("1.0", {{"life": job.plan.first}}, [])
    job.ready()
    for turn in job.turns(job.sleep):
        if job.plan.first or turn.record not in (1, 3):
            job.answer(turn, turn.partition, turn.order)
    print("pid", os.getpid(), file=sys.stderr)
    job.settle()
    job.finish()

driving.run(drive)
"""
"""A client that is never told of records 1 and 3 in its first life."""


class Seen:
    """The progress that was told; `until` waits for one."""

    def __init__(self) -> None:
        self._acked = -1
        self._change = trio.lowlevel.ParkingLot()

    def __call__(self, progress: Progress) -> None:
        self._acked = progress.acked
        self._change.unpark_all()

    async def until(self, acked: int) -> None:
        with trio.fail_after(WITHIN):
            while self._acked != acked:
                await self._change.park()


@pytest.fixture
def plan(make_plan: Callable[..., ProducerPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProducerPlan:
    path = tmp_path / "driver.py"
    path.write_text(dedent(DRIVER.format(here=str(clients.DRIVERS))))
    client = clients.Client("confluent-kafka", "confluent-kafka", "confluent_kafka", path)
    monkeypatch.setitem(clients.CLIENTS, "confluent-kafka", client)
    return make_plan(records=5)


class Work:
    """A producer at work, in the background."""

    def __init__(self, plan: ProducerPlan, folder: Path, stop: trio.Event) -> None:
        self.hand, self.seen, self.report, self.stop = Hand(), Seen(), None, stop
        self._run = functools.partial(
            run_producer, plan, python=None, folder=folder, label="off", on_progress=self.seen, stop=stop
        )
        self.report: ProducerReport | None = None

    async def __call__(self) -> None:
        self.report = await self._run(hand=self.hand)

    @property
    def process(self) -> psutil.Process:
        process = self.hand._process
        assert process is not None
        return psutil.Process(process.pid)


@pytest.fixture
def work(plan: ProducerPlan, tmp_path: Path) -> Work:
    return Work(plan, tmp_path, trio.Event())


async def becomes(process: psutil.Process, *states: str) -> str:
    """The state of the process once it is one of these. Only the kernel knows when a signal has done its work."""
    with trio.fail_after(WITHIN):
        while process.status() not in states:  # noqa: ASYNC110
            await trio.sleep(0.01)
    return process.status()


async def nothing(seconds: float) -> None:
    await trio.lowlevel.checkpoint()


async def test_a_new_process_goes_on_with_a_killed_one_s_work(work: Work) -> None:
    with trio.fail_after(WITHIN):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await work.seen.until(3)
            first = work.process
            waited: list[float] = []

            async def wait(seconds: float) -> None:
                waited.append(seconds)
                with contextlib.suppress(psutil.NoSuchProcess):
                    await becomes(first, psutil.STATUS_ZOMBIE)

            await work.hand.kill(0.5, wait)
            assert work.process.pid != first.pid
    report = work.report
    assert report is not None
    assert waited == [0.5]
    assert (report.finished, report.error, report.exit_code) == (True, None, 0)
    assert report.config == {"life": 5}
    assert [(send.order, send.record, send.send, send.outcome) for send in report.sends] == [
        (0, 0, 0, "acked"),
        (1, 1, 0, "unknown"),
        (2, 2, 0, "acked"),
        (3, 3, 0, "unknown"),
        (4, 4, 0, "acked"),
        (5, 1, 1, "acked"),
        (6, 3, 1, "acked"),
    ]


async def test_a_paused_process_stands_still_and_goes_on(work: Work) -> None:
    with trio.fail_after(WITHIN):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await work.seen.until(3)
            process, states = work.process, []

            async def wait(seconds: float) -> None:
                states.append((seconds, await becomes(process, psutil.STATUS_STOPPED)))

            await work.hand.pause(2.0, wait)
            await becomes(process, psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING)
            work.stop.set()
    assert states == [(2.0, psutil.STATUS_STOPPED)]
    assert work.report is not None
    assert work.report.error == "it was stopped after 5 of 5 sends, 2 without an answer"


async def test_a_pause_that_is_cancelled_is_undone(work: Work) -> None:
    with trio.fail_after(WITHIN):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await work.seen.until(3)
            process = work.process
            with trio.CancelScope() as scope:

                async def cancel(seconds: float) -> None:
                    scope.cancel()
                    await trio.lowlevel.checkpoint()

                await work.hand.pause(2.0, cancel)
            await becomes(process, psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING)
            work.stop.set()


async def test_stopped_while_no_process_runs_no_new_one_is_started(work: Work) -> None:
    with trio.fail_after(WITHIN):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await work.seen.until(3)

            async def wait(seconds: float) -> None:
                work.stop.set()

            with pytest.raises(ProducerError, match="no new producer was ready"):
                await work.hand.kill(2.0, wait)
    assert work.report is not None
    assert not work.report.finished
    assert work.report.error == "the run was stopped before it was started again, after 5 of 5 sends"
    assert len(work.report.sends) == 5


async def test_there_is_nothing_to_be_done_before_and_after(work: Work) -> None:
    for do in (work.hand.pause, work.hand.kill):
        with pytest.raises(ProducerError, match="was not at work"):
            await do(0.0, nothing)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await work.seen.until(3)
        os.kill(work.process.pid, signal.SIGTERM)
    with pytest.raises(ProducerError, match="was not at work"):
        await work.hand.kill(0.0, nothing)
