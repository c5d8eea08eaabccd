"""Items that are counted all and kept up to a limit: a figure is exact, its findings are as many as can be read."""

from __future__ import annotations

from typing import Generic, TypeVar

LIMIT = 1_000
"""How many findings of one kind a result lists."""

T = TypeVar("T")


class Listed(Generic[T]):
    """The first items that were added, at most `limit`. `found` is how many there were, `count` what they amount to."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.items: list[T] = []
        self.found = self.count = 0

    def add(self, item: T, count: int = 1) -> None:
        self.found += 1
        self.count += count
        if len(self.items) < self.limit:
            self.items.append(item)
