"""A ledger that cannot be written is told once, and so is the end of it."""

from __future__ import annotations

from dataclasses import dataclass

import trio
import trio.testing

from ackdrop.experiment.disk import LOOK, WELL_FOR, tell
from ackdrop.observations import DiskFailure


@dataclass
class Told:
    """What a ledger tells of itself."""

    failure: DiskFailure | None = None


async def test_it_is_told_once_and_its_end_when_that_lasts(autojump_clock: trio.testing.MockClock) -> None:
    ledger, said = Told(), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell, ledger, said.append)
        await trio.sleep(10 * LOOK)
        assert said == []
        for _ in range(3):  # a disk that takes a little now and then
            ledger.failure = DiskFailure("database or disk is full")
            await trio.sleep(3 * LOOK)
            ledger.failure = DiskFailure("database or disk is full", over=True)
            await trio.sleep((WELL_FOR - 2) * LOOK)
        (line,) = said
        assert line.startswith("the ledger cannot be written: database or disk is full; traffic goes on")
        await trio.sleep(4 * LOOK)
        assert said[1:] == ["the ledger can be written again; what happened meanwhile is not in it"]
        ledger.failure = DiskFailure("the disk is gone")
        await trio.sleep(2 * LOOK)
        assert "the disk is gone" in said[2]
        nursery.cancel_scope.cancel()
