"""Counters by key that take no more than their room: the keys that were counted longest ago are forgotten.

Rules count by client id, topic and partition. In a week thousands of clients come and go, each with a name of its own;
one that comes back after so many others counts from 1 again.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOST_KEYS = 100_000

Cell = array  # of int
"""One counter, its only item: whoever has it counts in it, and reads it, without a look-up."""


def cell() -> Cell[int]:
    """A counter that stands at 0."""
    return array("q", (0,))


class Counts(Generic[Key]):
    """How often each key was counted, of the last `most` keys."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counts: OrderedDict[Key, Cell[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, key: Key) -> int:
        found = self._counts.get(key)
        return 0 if found is None else found[0]

    def add(self, key: Key) -> int:
        """Count this key once more; how often it was counted."""
        counted = self.cell(key)
        counted[0] += 1
        return counted[0]

    def cell(self, key: Key) -> Cell[int]:
        """The counter of this key, for whoever is going to count. It stays good for them, though the key be forgotten
        by others."""
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = cell()
            if len(self._counts) > self._most:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end(key)
        return found
