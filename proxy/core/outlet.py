"""Bytes out to one side of a connection, in order: at once, later, or never.

As long as nothing waits, bytes pass straight on. Once an item waits, all that comes after it waits behind it: order on
the connection is kept, as TCP keeps it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

FAR = float("inf")

Told = Callable[[float, bool], None]
"""Called once with the time: True when the bytes went out, False when they never will, or to nobody."""


@dataclass(slots=True)
class Item:
    """Bytes that wait until `due`."""

    data: bytes
    due: float
    then: Told | None


class Outlet:
    """The queue of one side; `send` takes what may go."""

    def __init__(self, send: Callable[[bytes | memoryview], None]) -> None:
        self._send = send
        self._items: deque[Item] = deque()
        self.waiting = 0
        """Bytes that wait in the queue."""

    @property
    def empty(self) -> bool:
        return not self._items

    @property
    def due(self) -> float:
        """When the first item may go; FAR when there is none."""
        return self._items[0].due if self._items else FAR

    def put(self, data: bytes | memoryview, now: float, *, due: float = 0.0, then: Told | None = None) -> None:
        """Send now if nothing waits and it is due, else queue a copy."""
        if not self._items and due <= now:
            self._send(data)
            if then is not None:
                then(now, True)
            return
        self._items.append(Item(bytes(data), due, then))
        self.waiting += len(data)

    def release(self, now: float) -> None:
        """Send what is due, in order."""
        while self._items and self._items[0].due <= now:
            item = self._items.popleft()
            self.waiting -= len(item.data)
            self._send(item.data)
            if item.then is not None:
                item.then(now, True)

    def disown(self, now: float) -> None:
        """Nobody may be left to read: what waits counts as lost from now on, though it still goes out in its time."""
        for item in self._items:
            if item.then is not None:
                item.then(now, False)
                item.then = None

    def discard(self, now: float) -> None:
        """Forget what waits: its side is gone."""
        items, self._items = self._items, deque()
        self.waiting = 0
        for item in items:
            if item.then is not None:
                item.then(now, False)
