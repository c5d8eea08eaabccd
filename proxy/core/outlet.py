"""Bytes out to one side of a connection, in order: at once, later, or never.

As long as nothing waits, bytes pass straight on. Once an item waits, all that comes after it waits behind it: order on
the connection is kept, as TCP keeps it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .pipe import Pipe

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
        self.send = send
        """Sends at once, past all that waits."""
        self._items: deque[Item] = deque()
        self._waiting = 0
        self.under: Pipe | None = None
        """What the bytes go through from here on; None where they are sent."""

    @property
    def waiting(self) -> int:
        """Bytes that wait, here and in what lies under it."""
        return self._waiting if self.under is None else self._waiting + self.under.waiting

    @property
    def clear(self) -> bool:
        """Whether nothing waits, neither here nor in what lies under it."""
        return not self._items and (self.under is None or self.under.clear)

    @property
    def plain(self) -> bool:
        """Whether what is put here is sent at once, and as it is."""
        return not self._items and self.under is None

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
            self._out(data, now, then)
            return
        self._items.append(Item(bytes(data), due, then))
        self._waiting += len(data)

    def hold(self, data: bytes | memoryview, then: Told) -> Item:
        """Queue a copy that goes once its `due` is set; what comes after it waits behind it."""
        item = Item(bytes(data), FAR, then)
        self._items.append(item)
        self._waiting += len(data)
        return item

    def release(self, now: float) -> None:
        """Send what is due, in order."""
        while self._items and self._items[0].due <= now:
            item = self._items.popleft()
            self._waiting -= len(item.data)
            self._out(item.data, now, item.then)

    def _out(self, data: bytes | memoryview, now: float, then: Told | None) -> None:
        if self.under is not None:
            self.under.put(data, now, then)
            return
        self.send(data)
        if then is not None:
            then(now, True)

    def disown(self, now: float) -> None:
        """Nobody may be left to read: what waits counts as lost from now on, though it still goes out in its time."""
        for item in list(self._items):
            _never(item, now)
        if self.under is not None:
            self.under.disown(now)

    def discard(self, now: float) -> None:
        """Forget what waits here: its side is gone."""
        items, self._items = self._items, deque()
        self._waiting = 0
        for item in items:
            _never(item, now)


def _never(item: Item, now: float) -> None:
    then, item.then = item.then, None
    if then is not None:
        then(now, False)
