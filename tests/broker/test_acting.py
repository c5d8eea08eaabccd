"""What was begun is undone, whatever happens in between."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from ackdrop.broker import acting
from ackdrop.broker.acting import Steps, perform
from ackdrop.errors import BrokerError


class Way:
    """Steps that write down that they were taken; one of them may fail, or take its time."""

    def __init__(self, fails: str = "", hangs: str = "") -> None:
        self.taken: list[str] = []
        self._fails, self._hangs = fails, hangs
        self.steps = Steps(*(lambda name=name: self._take(name) for name in ("begin", "end", "back")))

    async def wait(self, seconds: float) -> None:
        await self._take(f"wait {seconds:g}")

    async def _take(self, name: str) -> None:
        self.taken.append(name)
        await trio.lowlevel.checkpoint()
        if name == self._fails:
            raise BrokerError(f"no {name}")
        if name == self._hangs:
            await trio.sleep_forever()


async def test_it_is_done_and_undone() -> None:
    way = Way()
    await perform(way.steps, 2.0, way.wait)
    assert way.taken == ["begin", "wait 2", "end", "back"]


async def test_what_could_not_be_begun_is_not_undone() -> None:
    way = Way(fails="begin")
    with pytest.raises(BrokerError, match="no begin"):
        await perform(way.steps, 2.0, way.wait)
    assert way.taken == ["begin"]


@pytest.mark.parametrize("at", ["begin", "wait 2"])
async def test_cancelled_it_is_undone_and_nobody_waits_for_the_broker(at: str, autojump_clock: MockClock) -> None:
    way = Way(hangs=at)
    with trio.move_on_after(1):
        await perform(way.steps, 2.0, way.wait)
    assert way.taken[-2:] == [at, "end"]


async def test_undoing_has_its_limit(autojump_clock: MockClock) -> None:
    way = Way(hangs="end")
    with pytest.raises(BrokerError, match="it could not be undone within 20 s"):
        await perform(way.steps, 2.0, way.wait)
    assert trio.current_time() == acting.UNDONE_WITHIN


@pytest.mark.parametrize("at", ["end", "back"])
async def test_a_broker_that_does_not_come_back_is_told(at: str) -> None:
    way = Way(fails=at)
    with pytest.raises(BrokerError, match=f"no {at}"):
        await perform(way.steps, 0.0, way.wait)
