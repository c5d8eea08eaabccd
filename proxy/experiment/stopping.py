"""Ctrl-C and SIGTERM: the first asks for a good end, the second ends at once. Time that is up asks for a good end."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from ..errors import AckdropError, ours_in


class Stop:
    """Set by the first signal, or when the time is up. Whoever works on something long looks at it, or is cancelled by
    it with `until`."""

    def __init__(self) -> None:
        self.event = trio.Event()
        self.signal: signal.Signals | None = None
        self._time_is_up = False

    @property
    def asked(self) -> bool:
        return self.event.is_set()

    @property
    def out_of_time(self) -> bool:
        """The end was asked for by nothing but the time. A signal that comes on top of it interrupts all the same."""
        return self._time_is_up and self.signal is None

    @property
    def interrupted(self) -> bool:
        """The end was asked for by somebody."""
        return self.asked and not self.out_of_time

    def time_is_up(self) -> None:
        """End well, for want of time; nothing where the end was asked for before."""
        self._time_is_up = not self.asked
        self.event.set()

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
async def signals(limit: float | None = None, say: Callable[[], None] | None = None) -> AsyncIterator[Stop]:
    """While inside, the first SIGINT or SIGTERM asks for a stop, and the second one cancels the body. A stop is asked
    for after `limit` seconds, too; `say` is called then."""
    stop = Stop()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_listen, received, stop, nursery.cancel_scope)
            if limit is not None:
                nursery.start_soon(_wait, limit, stop, say)
            yield stop
            nursery.cancel_scope.cancel()


async def _listen(received: AsyncIterator[int], stop: Stop, scope: trio.CancelScope) -> None:
    async for number in received:
        if stop.interrupted:
            scope.cancel()
        stop.ask(signal.Signals(number))


async def _wait(limit: float, stop: Stop, say: Callable[[], None] | None) -> None:
    await trio.sleep(limit)
    if not stop.asked:
        stop.time_is_up()
        if say is not None:
            say()


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
