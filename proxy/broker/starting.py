"""Waits until a supervised broker is ready, or knows why it will not be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from ..direct.approach import PLAINLY, Approach
from ..errors import BrokerError
from .ports import LOOPBACK
from .probe import probe
from .supervised import Child

POLL = 0.05
"""Seconds between two looks at a broker that is not yet ready."""
LOOK = 2.0
"""Seconds that one look may wait."""
BACK_WITHIN = 60.0
"""Seconds that a broker has to answer again after something was done to it."""
STARTS = 3
"""So often a start is tried when another program took one of its ports in the meantime."""

Started = TypeVar("Started")


class PortTakenError(BrokerError):
    """The start failed since another program took one of the ports in the meantime."""


async def again_where_taken(start: Callable[[], Awaitable[Started]], starts: int = STARTS) -> Started:
    """Start, and on a PortTakenError again, with other ports; at most `starts` times."""
    attempt = 1
    while True:
        try:
            return await start()
        except PortTakenError:
            if attempt == starts:
                raise
        attempt += 1


def did_not_start(what: str, problem: str, child: Child, *, taken: str, remedy: str) -> BrokerError:
    """The error of a failed start, with the broker's own last lines: a PortTakenError where it said `taken`."""
    tail = "\n".join(f"    {line}" for line in child.last_words().splitlines())
    told = f". Its last lines:\n{tail}" if tail else ", without a word"
    kind = PortTakenError if child.said(taken) else BrokerError
    return kind(f"{what} did not start: {problem}{told}", remedy=remedy)


async def until_ready(child: Child, port: int, *, before: float, within: float, brokers: int = 1) -> str | None:
    """None when the broker answers at the port, else why not: one sentence without its full stop.

    `before` bounds the seconds until the last command is started, `within` those from then on, until it knows of so
    many live `brokers`.
    """
    last = len(child.spec.commands) - 1
    with trio.move_on_after(before):
        return await _started(child, last) or await answers(child, port, within, brokers)
    return f"it was not started within {before:g} s"


async def _started(child: Child, last: int) -> str | None:
    """Wait for the start of the last command; a problem when an earlier one fails."""
    while True:
        event = await child.event()
        if event[:2] == ("started", str(last)):
            return None
        if problem := _problem(event, last):
            return problem


async def answers(child: Child, port: int, within: float, brokers: int = 1) -> str | None:
    """Ask the broker again and again, until it answers (None), ends, or the time is over: why not, as `until_ready`."""
    problem: str | None = f"it did not answer at {LOOPBACK}:{port} within {within:g} s"

    async def watch() -> None:
        nonlocal problem
        while (seen := _problem(await child.event(), -1)) is None:
            pass
        problem = seen
        nursery.cancel_scope.cancel()

    with trio.move_on_after(within):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await _poll(LOOPBACK, port, brokers)
            problem = None
            nursery.cancel_scope.cancel()
    return problem


async def answering(host: str, port: int, within: float = BACK_WITHIN, approach: Approach = PLAINLY) -> None:
    """Wait until a broker answers there; BrokerError where it does not within so many seconds."""
    with trio.move_on_after(within):
        return await _poll(host, port, approach=approach)
    raise BrokerError(f"the broker did not answer at {host}:{port} again within {within:g} s")


async def _poll(host: str, port: int, brokers: int = 1, approach: Approach = PLAINLY) -> None:
    while True:
        try:
            return await probe(host, port, LOOK, brokers, approach)
        except BrokerError:
            await trio.sleep(POLL)


def _problem(event: tuple[str, ...], last: int) -> str | None:
    """What is wrong with this event, None where it is an ordinary step on the way."""
    match event:
        case ("exited", step, "0") if int(step) < last:
            return None
        case ("exited", _, code):
            return f"it ended with exit code {code}" if int(code) >= 0 else f"it was ended by signal {-int(code)}"
        case ("failed", reason):
            return reason
        case ("gone",):
            return "its supervisor was ended from outside"
    return None
