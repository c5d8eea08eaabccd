"""Bytes of a frame that are kept until so many are there that it can be told which way it goes."""

from __future__ import annotations


class Kept:
    """What is kept of one side's frame; nothing at first. `size` in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._wanted = 0
        self._parts: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def keep(self, data: bytes, wanted: int) -> None:
        """Keep these until there are `wanted` bytes."""
        self._parts, self.size, self._wanted = [data], len(data), wanted

    def more(self, data: memoryview) -> memoryview:
        """More bytes came: all of them, if they are enough, and nothing is kept any more; else none."""
        self._parts.append(bytes(data))
        self.size += len(data)
        return memoryview(self.take() if self.size >= self._wanted else b"")

    def take(self) -> bytes:
        """What is kept, which is nothing from now on."""
        taken = b"".join(self._parts)
        self._parts, self.size = [], 0
        return taken
