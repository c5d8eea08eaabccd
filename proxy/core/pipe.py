"""One direction of a connection that faults lie on: bytes go out in their order, when the layers let them.

The latency of a chunk counts from when it came in. What goes out at once is bounded by the size of a slice, and by a
twentieth of what a throttled line carries in a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..faults.chance import draw
from .layers import FAR, Layers

Told = Callable[[float, bool], None]
"""Called once with the time: True when the last byte went out, False when it never will, or to nobody."""

PORTIONS = 40
"""A throttled line takes bytes in so many portions a second; a late one may be made up for."""


@dataclass(slots=True)
class _Chunk:
    """Bytes that go no earlier than `due`; none where it only marks the end of what was sent."""

    data: memoryview
    due: float
    then: Told | None


class Pipe:
    """The queue of one direction. `way` tells the two apart where chance is drawn."""

    def __init__(self, layers: Layers, way: Literal["up", "down"], send: Callable[[bytes | memoryview], None]) -> None:
        self._layers = layers
        self._way = way
        self._send = send
        self._chunks: deque[_Chunk] = deque()
        self._count = 0
        self._paced = self._pause = -FAR
        self.waiting = 0
        """Bytes that wait."""
        self.swallowed = False
        """Whether bytes came in that could never go."""

    @property
    def clear(self) -> bool:
        """Whether nothing waits, and nothing would have to."""
        return not self._chunks and self._layers.isolate is None

    @property
    def due(self) -> float:
        """When the first chunk may go, the end of isolation aside; FAR where there is none."""
        if not self._chunks or self._layers.isolate is not None:
            return FAR
        return self._next()

    def _next(self) -> float:
        at = self._chunks[0].due
        if self._layers.limit is not None:
            at = max(at, self._paced)
        return at if self._layers.slices is None else max(at, self._pause)

    def put(self, data: bytes | memoryview, now: float, then: Told | None = None) -> None:
        """Take bytes in. What can never go is not kept, only that it never went."""
        kept = b"" if self._layers.cut_off else bytes(data)
        self.swallowed = self.swallowed or len(kept) < len(data)
        self._count += 1
        self.waiting += len(kept)
        self._chunks.append(_Chunk(memoryview(kept), now + self._lag(), then))
        self.release(now)

    def mark_end(self, now: float) -> None:
        """What ends the stream takes its time, too: until then, something waits."""
        self.put(b"", now)

    def release(self, now: float) -> None:
        """Send what may go."""
        while self._chunks and self._layers.isolate is None and self._next() <= now:
            chunk = self._chunks[0]
            portion = chunk.data[: self._most()]
            if portion:
                self._sent(len(portion), now)
                self._send(portion)
            chunk.data = chunk.data[len(portion) :]
            if not chunk.data:
                self._chunks.popleft()
                if chunk.then is not None:
                    chunk.then(now, True)

    def disown(self, now: float) -> None:
        """Nobody may be left to read: what waits counts as lost from now on, though it still goes out in its time."""
        for chunk in list(self._chunks):
            then, chunk.then = chunk.then, None
            if then is not None:
                then(now, False)

    def discard(self, now: float) -> None:
        """Forget what waits."""
        self.disown(now)
        self._chunks.clear()
        self.waiting = 0

    def _lag(self) -> float:
        lag = self._layers.lag
        if lag is None:
            return -FAR
        if not lag.jitter:
            return lag.seconds
        chance = draw(int(lag.chance * (1 << 53)), self._way, self._count)
        return max(0.0, lag.seconds + lag.jitter * (2 * chance - 1))

    def _most(self) -> int | None:
        """The most bytes that may go at once."""
        limit, slices = self._layers.limit, self._layers.slices
        sizes = [max(1, int(limit.rate / PORTIONS))] if limit is not None else []
        sizes += [slices.size] if slices is not None else []
        return min(sizes, default=None)

    def _sent(self, size: int, now: float) -> None:
        limit, slices = self._layers.limit, self._layers.slices
        self.waiting -= size
        if limit is not None:
            self._paced = max(self._paced, now - 1 / PORTIONS) + size / limit.rate
        if slices is not None:
            self._pause = now + slices.every
