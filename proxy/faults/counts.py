"""Counters by key that take no more than their room: the keys that were counted longest ago are forgotten.

Rules count by client id, topic and partition. In a week thousands of clients come and go, each with a name of its own;
one that comes back after so many others counts from 1 again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOST_KEYS = 100_000


class Counts(Generic[Key]):
    """How often each key was counted, of the last `most` keys."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counts: OrderedDict[Key, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, key: Key) -> int:
        return self._counts.get(key, 0)

    def add(self, key: Key) -> int:
        """Count this key once more; how often it was counted."""
        count = self._counts[key] = self._counts.get(key, 0) + 1
        self._counts.move_to_end(key)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return count
