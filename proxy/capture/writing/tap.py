"""The relay's tap: copies what passes, once, and hands it over in batches. Never waits.

What waits to be written is bounded. Beyond the bound bytes are let go and counted; the next packet of their connection
tells of the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...core.commands import Side
from ...observations import Observation
from .events import CLOSED, DATA, END, GAP, OPENED, Batch, Name, Told

ENOUGH = 256 << 10
"""Bytes after which the relay is asked to hand over at once."""
OVERHEAD = 200
"""Bytes that an event takes beside its content."""


class Tap:
    """The tap of one arm. `give` takes a batch and its size in bytes; `room` tells how many bytes may come."""

    def __init__(self, arm: str, run: str | None, give: Callable[[Batch, int], None], room: Callable[[], int]) -> None:
        self._arm, self._run = arm, run
        self._give = give
        self._room = room
        self._events: list[Told] = []
        self._size = 0
        self._keys = 0
        self._left = room()

    @property
    def pressed(self) -> bool:
        return self._size >= ENOUGH

    def opened(
        self, at: float, connection: int, side: Side, node: int, near: Name, far: Name, *, own: bool, tls: bool
    ) -> Ear:
        self._keys += 1
        self.put((OPENED, self._keys, at, connection, side is Side.BROKER, node, near, far, own, tls))
        return Ear(self, self._keys)

    def observed(self, observations: Sequence[Observation], places: Mapping[str, str]) -> None:
        events, size = self._events, self._size
        self._events, self._size = [], 0
        if events or observations:
            self._give(Batch(self._arm, self._run, events, observations, places), size)
        self._left = self._room()

    def put(self, event: Told) -> None:
        """An event without content."""
        self._events.append(event)
        self._size += OVERHEAD

    def admits(self, size: int) -> bool:
        """Whether so many bytes more may wait."""
        return self._size + size <= self._left

    def data(self, key: int, at: float, inbound: bool, content: bytes) -> None:
        self._events.append((DATA, key, at, inbound, content))
        self._size += OVERHEAD + len(content)


class Ear:
    """Hears one side of one connection."""

    __slots__ = ("_gaps", "_key", "_tap")

    def __init__(self, tap: Tap, key: int) -> None:
        self._tap = tap
        self._key = key
        self._gaps = [0, 0]

    def received(self, content: memoryview, at: float) -> None:
        self._data(True, content, at)

    def sent(self, content: bytes | memoryview, at: float) -> None:
        self._data(False, content, at)

    def ended(self, inbound: bool, how: str, at: float) -> None:
        self._gap(inbound)
        self._tap.put((END, self._key, at, inbound, how == "reset"))

    def closed(self) -> None:
        self._tap.put((CLOSED, self._key))

    def _data(self, inbound: bool, content: bytes | memoryview, at: float) -> None:
        if not self._tap.admits(len(content)):
            self._gaps[inbound] += len(content)
            return
        self._gap(inbound)
        self._tap.data(self._key, at, inbound, bytes(content))

    def _gap(self, inbound: bool) -> None:
        if self._gaps[inbound]:
            self._tap.put((GAP, self._key, inbound, self._gaps[inbound]))
            self._gaps[inbound] = 0
