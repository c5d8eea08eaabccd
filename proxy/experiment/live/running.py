"""All that makes a front live, for as long as it runs: its scenario's files are watched, its control API and metrics
are served."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from ..record import Record
from .door import Doors, served
from .handle import LiveHandle

if TYPE_CHECKING:
    from ..foreign.front import Front
    from .watched import Watched


@contextlib.asynccontextmanager
async def kept_live(front: Front, record: Record, doors: Doors | None, sets: Sequence[str]) -> AsyncIterator[None]:
    """While inside, the front can be looked at and changed. `sets` are what `--set` gave to its scenario."""
    watched = _watched(front, record, sets)
    async with trio.open_nursery() as nursery:
        if watched is not None:
            nursery.start_soon(watched.watch, front.faults)
        async with served(doors, LiveHandle(front, watched), front.place.say):
            yield
        nursery.cancel_scope.cancel()


def _watched(front: Front, record: Record, sets: Sequence[str]) -> Watched | None:
    """The scenario's file to be watched; None where it has none, or a pipe, which can be read only once."""
    scenario = front.place.scenario
    if scenario is None or scenario.file is None or not Path(scenario.file).is_file():
        return None
    from .watched import Watched

    return Watched(scenario, sets, record, front.place.say)
