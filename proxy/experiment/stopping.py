"""Ctrl-C and SIGTERM: the first asks for a good end, the second ends at once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from ..errors import AckdropError, ours_in


class Stop:
    """Set by the first signal. Whoever works on something long looks at it, or is cancelled by it with `until`."""

    def __init__(self) -> None:
        self.event = trio.Event()
        self.signal: signal.Signals | None = None

    @property
    def asked(self) -> bool:
        return self.event.is_set()

    def ask(self, number: signal.Signals | None = None) -> None:
        """End well, as soon as it can be done."""
        self.signal = self.signal or number
        self.event.set()

    @asynccontextmanager
    async def until(self, grace: float = 0.0) -> AsyncIterator[trio.CancelScope]:
        """A scope whose body is cancelled `grace` seconds after the stop is asked for."""
        with ungrouped():
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    nursery.start_soon(self._cancel, scope, grace)
                    yield scope
                nursery.cancel_scope.cancel()

    async def _cancel(self, scope: trio.CancelScope, grace: float) -> None:
        await self.event.wait()
        await trio.sleep(grace)
        scope.cancel()


@asynccontextmanager
async def signals() -> AsyncIterator[Stop]:
    """While inside, the first SIGINT or SIGTERM asks for a stop, and the second one cancels the body."""
    stop = Stop()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_listen, received, stop, nursery.cancel_scope)
            yield stop
            nursery.cancel_scope.cancel()


async def _listen(received: AsyncIterator[int], stop: Stop, scope: trio.CancelScope) -> None:
    async for number in received:
        if stop.asked:
            scope.cancel()
        stop.ask(signal.Signals(number))


@contextmanager
def ungrouped() -> Iterator[None]:
    """Takes an error of ours out of the groups that nurseries have put around it; leaves everything else as it is."""
    ours: AckdropError | None = None
    try:
        yield
    except BaseExceptionGroup as group:
        ours = ours_in(group)
        if ours is None:
            raise
    if ours is not None:
        raise ours
