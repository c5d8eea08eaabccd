"""Texts by what they belong to, in an anonymous temporary file: given back one after the other, however many."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Hashable, Iterator

_MOST_HELD = 4 << 20
"""Bytes in memory, of all together."""


class Spool:
    """Keeps texts in the order in which they come, each with its own. Close it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._open: dict[Hashable, list[bytes]] = {}
        self._blocks: dict[Hashable, array[int]] = {}
        self._held = 0

    def add(self, key: Hashable, text: str) -> None:
        """One more."""
        data = text.encode("utf-8", "surrogatepass")
        self._open.setdefault(key, []).append(data)
        self._held += len(data) + 64
        if self._held > _MOST_HELD:
            self._write()

    def texts(self, key: Hashable) -> Iterator[str]:
        """All of this one's."""
        blocks = self._blocks.get(key, ())
        for at in range(0, len(blocks), 2):
            self._file.seek(blocks[at])
            yield self._file.read(blocks[at + 1]).decode("utf-8", "surrogatepass")
        for data in self._open.get(key, ()):
            yield data.decode("utf-8", "surrogatepass")

    def lines(self, key: Hashable) -> Iterator[str]:
        """All of this one's line by line, without their ends."""
        for text in self.texts(key):
            yield from text.splitlines()

    def close(self) -> None:
        """Forget all."""
        self._file.close()

    def _write(self) -> None:
        at = self._file.seek(0, 2)
        for key, parts in self._open.items():
            data = b"".join(parts)
            self._file.write(data)
            self._blocks.setdefault(key, array("Q")).extend((at, len(data)))
            at += len(data)
        self._open.clear()
        self._held = 0
