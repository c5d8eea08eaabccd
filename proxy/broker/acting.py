"""Things done to a broker while a run goes on: it is paused, restarted or killed, and comes back.

What each source of brokers can do is a `Control`; a scenario's own commands are one too. Everything that was begun is
undone, whatever ends the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import trio

from ..errors import BrokerError

UNDONE_WITHIN = 20.0
"""Seconds that undoing may take, which nothing interrupts."""

Step = Callable[[], Awaitable[object]]
Wait = Callable[[float], Awaitable[object]]
"""Waits so many seconds, or fewer where the run is to end."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How something is done: `begin`, `end` after its time, and `back`, which waits until the broker answers again.

    Each raises BrokerError where it cannot be done. `end` is called only where `begin` did not raise that.
    """

    begin: Step
    end: Step
    back: Step


class Control(Protocol):
    """A way to do things to one broker."""

    def steps(self, word: str) -> Steps | None:
        """How `pause`, `restart` or `kill` is done; None where it cannot be."""


async def perform(steps: Steps, seconds: float, wait: Wait) -> None:
    """Do it, wait, undo it, and wait until the broker answers. BrokerError: it could not be done.

    Cancelled, it is undone within some seconds, and nobody waits for the broker.
    """
    begun = True
    try:
        await steps.begin()
        await wait(seconds)
    except BrokerError:
        begun = False
        raise
    finally:
        if begun:
            await _undo(steps)
    await steps.back()


async def _undo(steps: Steps) -> None:
    with trio.move_on_after(UNDONE_WITHIN, shield=True) as limit:
        await steps.end()
    if limit.cancelled_caught:
        raise BrokerError(f"it could not be undone within {UNDONE_WITHIN:g} s")
