from __future__ import annotations

import pytest
import trio

from ackdrop.verify.barrier import Barrier, wait_quiet


class Growing:
    """A broker whose topics' ends grow until some time: one record for each so many seconds."""

    def __init__(self, until: float, each: float = 0.3) -> None:
        self.until, self.each = until, each

    async def end_offsets(self, topic: str) -> dict[int, int]:
        await trio.lowlevel.checkpoint()
        return {0: int(min(trio.current_time(), self.until) / self.each), 1: 0}


async def test_a_quiet_broker_with_nothing_open_is_left_after_one_settling(autojump_clock):
    barrier = await wait_quiet(Growing(until=0), ["t"], unsettled=lambda: 0, timeout=10)
    assert barrier == Barrier({"t": {0: 0, 1: 0}}, quiet=True, open_attempts=0)
    assert trio.current_time() == pytest.approx(0.5)


async def test_a_broker_that_still_appends_is_waited_for(autojump_clock):
    barrier = await wait_quiet(Growing(until=3), ["t"], unsettled=lambda: 0, timeout=10)
    assert barrier == Barrier({"t": {0: 10, 1: 0}}, quiet=True, open_attempts=0)
    assert 3 <= trio.current_time() <= 4.1


async def test_attempts_that_are_open_are_waited_for(autojump_clock):
    barrier = await wait_quiet(
        Growing(until=0), ["t"], unsettled=lambda: 2 if trio.current_time() < 4 else 0, timeout=10
    )
    assert (barrier.quiet, barrier.open_attempts) == (True, 0)
    assert 4 <= trio.current_time() <= 5


async def test_attempts_that_stay_open_are_told_after_the_timeout(autojump_clock):
    barrier = await wait_quiet(Growing(until=0), ["t"], unsettled=lambda: 2, timeout=10)
    assert (barrier.quiet, barrier.open_attempts) == (True, 2)
    assert trio.current_time() <= 11


async def test_a_broker_that_never_rests_is_told_after_the_timeout(autojump_clock):
    barrier = await wait_quiet(Growing(until=1e9), ["t"], unsettled=lambda: 0, timeout=10)
    assert not barrier.quiet
    assert trio.current_time() <= 11


async def test_every_topic_is_read_once(autojump_clock):
    barrier = await wait_quiet(Growing(until=0), ["u", "t", "u"], unsettled=lambda: 0, timeout=10)
    assert list(barrier.high_watermarks) == ["t", "u"]
