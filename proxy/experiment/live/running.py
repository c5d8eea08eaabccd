"""All that makes a front live, for as long as it runs: its scenario's files are watched, its control API is served."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import trio

from ..record import Record
from .door import Door, served
from .handle import LiveHandle
from .watched import Watched

if TYPE_CHECKING:
    from ..foreign.front import Front


@contextlib.asynccontextmanager
async def kept_live(front: Front, record: Record, door: Door | None, sets: Sequence[str]) -> AsyncIterator[None]:
    """While inside, the front can be looked at and changed. `sets` are what `--set` gave to its scenario."""
    scenario, say = front.place.scenario, front.place.say
    watched = None if scenario is None or scenario.file is None else Watched(scenario, sets, record, say)
    async with trio.open_nursery() as nursery:
        if watched is not None:
            nursery.start_soon(watched.watch, front.faults)
        async with served(door, LiveHandle(front, watched), say):
            yield
        nursery.cancel_scope.cancel()
