"""Long columns of numbers in little memory: what does not fit waits in an anonymous temporary file.

A column is written once, from front to back, and read in any order. It grows in blocks; a full block goes to the file,
so that a column holds one block in memory however long it is. A small log never has a file at all.
"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import IO

from ..errors import SurroundingsError

BLOCK = 8192
"""Items in a block."""

HELD = 8 << 20
"""Bytes of columns that are at their end and still stay in memory, all together; what comes after goes to the file."""

_CACHED = 128
"""Blocks of the file that are kept in memory once they were read: 8 MB of numbers."""


class Spill:
    """The file behind the columns of one log, made when it is first needed, gone with its last user.

    Used by one thread at a time. Raises SurroundingsError where the disk does not take it.
    """

    def __init__(self) -> None:
        self.held = 0
        self._file: IO[bytes] | None = None
        self._end = 0
        self._cache: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._end

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Puts bytes at the end; gives the place to read them from."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="ackdrop-")  # noqa: SIM115 - closed with its last user
                weakref.finalize(self, self._file.close)
            self._file.seek(self._end)
            self._file.write(data)
        except OSError as error:
            raise SurroundingsError(
                f"the log could not be kept in a temporary file in {tempfile.gettempdir()}: {error.strerror or error}",
                remedy="Make room there, or name another folder in TMPDIR.",
            ) from error
        at, self._end = self._end, self._end + len(data)
        return at

    def read(self, at: int, size: int) -> bytes:
        """The bytes at a place; the last ones that were read are remembered."""
        found = self._cache.get(at)
        if found is not None:
            self._cache.move_to_end(at)
            return found
        assert self._file is not None
        self._file.seek(at)
        found = self._cache[at] = self._file.read(size)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return found


class Blocks:
    """Items of `width` bytes each, one after the other."""

    def __init__(self, spill: Spill, width: int) -> None:
        self.width = width
        self._spill = spill
        self._block = BLOCK * width
        self._tail = bytearray()
        self._places: list[int] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, items: bytes) -> None:
        """Append whole items."""
        self._length += len(items) // self.width
        self._tail += items
        if len(self._tail) >= self._block:
            self._empty()

    def _empty(self) -> None:
        whole = len(self._tail) - len(self._tail) % self._block
        view = memoryview(self._tail)
        for at in range(0, whole, self._block):
            self._places.append(self._spill.write(view[at : at + self._block]))
        view.release()
        del self._tail[:whole]

    def seal(self) -> None:
        """Nothing more comes: the last block stays in memory where there is room for it."""
        if self._spill.held + len(self._tail) <= HELD:
            self._spill.held += len(self._tail)
        elif self._tail:
            self._places.append(self._spill.write(self._tail))
            self._tail = bytearray()

    def block(self, number: int) -> bytes | bytearray:
        """The bytes of the block of this number."""
        if number < len(self._places):
            size = min(self._block, self._length * self.width - number * self._block)
            return self._spill.read(self._places[number], size)
        return self._tail

    def parts(self, start: int, stop: int) -> Iterator[memoryview]:
        """The bytes of the items from `start` to before `stop`, a block at a time."""
        for number in range(start // BLOCK, -(-stop // BLOCK)):
            first = number * BLOCK
            here = memoryview(self.block(number))
            yield here[max(start - first, 0) * self.width : (stop - first) * self.width]


class Column(Blocks):
    """Numbers of one of array's types: `Q` (64 bits without a sign) or `q` (with one)."""

    def __init__(self, spill: Spill, typecode: str) -> None:
        super().__init__(spill, array(typecode).itemsize)
        self.typecode = typecode
        self._item = Struct(f"={typecode}")

    def extend(self, numbers: Sequence[int]) -> None:
        self.add(array(self.typecode, numbers).tobytes())

    def fill(self, number: int, count: int) -> None:
        """Append one number so many times."""
        self.add(array(self.typecode, (number,)).tobytes() * count)

    def __getitem__(self, index: int) -> int:
        number, at = divmod(index, BLOCK)
        found: int = self._item.unpack_from(self.block(number), at * self.width)[0]
        return found

    def stretches(self, start: int, stop: int) -> Iterator[array[int]]:
        """The numbers from `start` to before `stop`, a block at a time."""
        for part in self.parts(start, stop):
            numbers = array(self.typecode)
            numbers.frombytes(part)
            yield numbers

    def between(self, start: int, stop: int) -> Iterable[int]:
        for numbers in self.stretches(start, stop):
            yield from numbers
