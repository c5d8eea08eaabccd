"""What is said while a run goes on and its ledger or its capture cannot be written: once that it is so, once that it is
over."""

from __future__ import annotations

from typing import Protocol

import trio

from ..observations import DiskFailure
from .settings import Say

LOOK = 1.0
"""Seconds between two looks."""
WELL_FOR = 5
"""Looks in a row that find it well before that is said: a disk that is nearly full takes now and then a little."""


class Watched(Protocol):
    """What a `Ledger` tells of it, and a `Capture`."""

    @property
    def failure(self) -> DiskFailure | None: ...


async def tell(watched: Watched, say: Say, what: str = "ledger", where: str = "--out") -> None:
    """Runs until it is cancelled. `where` is the option that names the place."""
    told, well = False, 0
    while True:
        await trio.sleep(LOOK)
        failure = watched.failure
        if failure is not None and not failure.over:
            if not told:
                say(
                    f"the {what} cannot be written: {failure.reason}; traffic goes on, what happens now is not recorded"
                    f" (try: make room on the disk that {where} names)"
                )
            told, well = True, 0
        elif told:
            well += 1
            if well >= WELL_FOR:
                say(f"the {what} can be written again; what happened meanwhile is not in it")
                told = False
