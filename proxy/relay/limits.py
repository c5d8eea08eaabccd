"""Limits of what clients may take: how many connect, and for how long one may say nothing, or half of something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from . import descriptors

if TYPE_CHECKING:
    from .session import Session

STALLED = 60.0
SLOWEST = 1024
"""Bytes in `STALLED` seconds: a frame that comes more slowly is taken for one that never ends."""
SAID_EVERY = 10.0
"""Seconds between two lines about clients that are too many."""
WANTING_AGAIN = 60.0
"""Seconds without want of file descriptors after which it is said again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections`: how many clients at once; further ones are closed as they come. `idle`: seconds for which nothing
    may come from either side. `stalled`: seconds that half a frame may stand still. None: no limit."""

    connections: int | None = None
    idle: float | None = None
    stalled: float | None = STALLED

    @property
    def pause(self) -> float | None:
        """Seconds between two looks at the sessions."""
        shortest = min((each for each in (self.idle, self.stalled) if each is not None), default=None)
        return None if shortest is None else max(0.01, min(5.0, shortest / 4))


class Doorkeeper:
    """Counts clients, turns away those that are too many, and lets those wait for whom there are no file descriptors.

    `places` tells for how many there are; that may change at any time.
    """

    def __init__(
        self, most: int | None, tell: Callable[[str], None], places: Callable[[], int] = descriptors.places
    ) -> None:
        self._most = most
        self._tell = tell
        self._places = places
        self._inside = self._turned_away = 0
        self._said = self._wanting = float("-inf")
        self._left = trio.lowlevel.ParkingLot()

    async def place(self) -> None:
        """Wait until there are descriptors for one more."""
        while self._inside >= self._places():
            now = trio.current_time()
            if now - self._wanting >= WANTING_AGAIN:
                self._tell(
                    f"{self._inside} connections are open, and there are no file descriptors for more; further clients "
                    f"wait (try: a higher `ulimit -n`, which is {descriptors.limit()})"
                )
            self._wanting = now
            await self._left.park()

    def enters(self, now: float) -> bool:
        """Whether there is room for one more; it is inside then, until `leaves`."""
        if self._most is None or self._inside < self._most:
            self._inside += 1
            return True
        self._turned_away += 1
        if now - self._said >= SAID_EVERY:
            self._said = now
            self._tell(
                f"{self._most} connections are open, as many as --max-connections allows; "
                f"{self._turned_away} {'was' if self._turned_away == 1 else 'were'} closed as they came"
            )
        return False

    def leaves(self) -> None:
        """One of those inside has gone."""
        self._inside -= 1
        self._left.unpark_all()


@dataclass(frozen=True, slots=True)
class _Half:
    """Half a frame: since when it has been there, and how much had come by then, of it and of all."""

    since: float
    buffered: int
    taken: int


class Watch:
    """Finds the sessions that have been silent for too long. Looks now and then; nothing is done for a frame."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._halves: dict[int, _Half] = {}

    def over(self, sessions: Iterable[Session], now: float) -> list[tuple[Session, str]]:
        """Those whose time is over, and why."""
        found: list[tuple[Session, str]] = []
        idle, stalled = self._limits.idle, self._limits.stalled
        halves: dict[int, _Half] = {}
        for session in sessions:
            if idle is not None and now - session.heard >= idle:
                found.append((session, f"nothing came from either side for {idle:g} s"))
            elif stalled is not None and (half := self._half(session, now)) is not None:
                halves[session.connection.number] = half
                if now - half.since >= stalled:
                    found.append((session, f"half a frame, and no more of it for {stalled:g} s"))
        self._halves = halves
        return found

    def _half(self, session: Session, now: float) -> _Half | None:
        """None where there is none, or it waits for us and not for its sender."""
        buffered = session.connection.buffered
        if not buffered or session.pauses:
            return None
        before = self._halves.get(session.connection.number)
        if before is None:
            return _Half(now, buffered, session.taken)
        came, kept = session.taken - before.taken, buffered - before.buffered
        went_through = came != kept
        return _Half(now, buffered, session.taken) if went_through or came >= SLOWEST else before
