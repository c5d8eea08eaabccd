"""Watches the sockets of all sessions at once, and calls whoever one is ready for.

trio wakes a task for every event, and asks the kernel anew each time: some 20 µs, as much as all else that is done for
a small frame. Here one task waits, for a poll object of its own, and serves what that tells in a burst: until nothing
has come for a moment, or others have waited for long enough. Within a burst no other task runs.

This module is compiled by Cython as `end` is (`poller.pxd` has the types).
"""

from __future__ import annotations

import select
import selectors
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from .epoll import Epoll
else:
    try:
        from .epoll import Epoll  # compiled, on Linux
    except ImportError:
        Epoll = None

IN, OUT = 1, 4
"""Ready to be read (which an end or an error is, too), ready to be written. epoll's numbers; it adds others."""

LONGEST = 0.002
"""Seconds of a burst after which other tasks have their turn."""
PATIENCE = 0.001
"""Seconds for which the next event is awaited within a burst. An answer mostly comes so soon."""
_MOST = 64

Handler = Callable[[int], None]
"""Called with what a socket is ready for, and maybe with what it is not watched for."""


class _Poll(Protocol):
    def fileno(self) -> int: ...

    def register(self, fd: int, events: int) -> None: ...

    def modify(self, fd: int, events: int) -> None: ...

    def unregister(self, fd: int) -> None: ...

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]: ...

    def close(self) -> None: ...


class Kqueue:
    """The same on systems without epoll, by whatever `selectors` has there."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def fileno(self) -> int:
        number: int = self._selector.fileno()  # epoll and kqueue have it
        return number

    def register(self, fd: int, events: int) -> None:
        self._selector.register(fd, _of_selectors(events))

    def modify(self, fd: int, events: int) -> None:
        self._selector.modify(fd, _of_selectors(events))

    def unregister(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        return [
            (key.fd, (IN if events & selectors.EVENT_READ else 0) | (OUT if events & selectors.EVENT_WRITE else 0))
            for key, events in self._selector.select(timeout)
        ]

    def close(self) -> None:
        self._selector.close()


def _of_selectors(events: int) -> int:
    return (selectors.EVENT_READ if events & IN else 0) | (selectors.EVENT_WRITE if events & OUT else 0)


def best() -> _Poll:
    """What this system has."""
    if Epoll is not None:
        return Epoll()
    return select.epoll() if hasattr(select, "epoll") else Kqueue()


class Poller:
    """Runs with `serve` in a nursery, from `open` to `close`. A socket is watched from `watch` to `forget`, which comes
    before it is closed.

    `timers` is a heap of all else that has to be done, each with its time first, in seconds on trio's clock: no burst
    lasts beyond the first of them.
    """

    def __init__(self, timers: list[tuple[float, int]], poll: _Poll | None = None) -> None:
        self._timers = timers
        self._given = poll
        self._handlers: dict[int, Handler] = {}
        self._ticks = False
        self._offset = 0.0

    def open(self) -> None:
        """Begin, before anything is watched."""
        self._poll = best() if self._given is None else self._given
        clock = trio.lowlevel.current_clock()
        self._clock = clock.current_time
        self._ticks = type(clock).__name__ == "SystemClock"  # `perf_counter`, and an offset by chance
        self._offset = clock.offset if self._ticks else 0.0  # type: ignore[attr-defined]

    def now(self) -> float:
        """The time on trio's clock, at less than half its price."""
        return perf_counter() + self._offset if self._ticks else self._clock()

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        """Call `handler` from now on whenever this socket is ready for any of these."""
        self._handlers[fd] = handler
        self._poll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Watch it for these instead."""
        self._poll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Watch it no more; nothing that has come already is told of it."""
        del self._handlers[fd]
        self._poll.unregister(fd)

    async def serve(self) -> None:
        """Serve until cancelled."""
        while True:
            await trio.lowlevel.wait_readable(self._poll.fileno())
            self.burst()

    def close(self) -> None:
        """Nobody is watched any more."""
        self._poll.close()

    def burst(self) -> None:
        """Serve what has come, and what comes next."""
        poll, handlers, timers = self._poll.poll, self._handlers, self._timers
        until = self.now() + LONGEST
        events = poll(0, _MOST)
        while events:
            for fd, ready in events:
                handler = handlers.get(fd)
                if handler is not None:
                    handler(ready)
            now = self.now()
            if now >= until or (timers and timers[0][0] <= now + PATIENCE):
                return
            events = poll(PATIENCE, _MOST)
