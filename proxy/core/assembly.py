"""Bytes to frames, in one direction of one connection.

Every frame starts with its length (INT32, big-endian, not counting itself: the protocol guide's "Common Request and
Response Structure"). A frame that matters is handed on whole; of one that does not, the header is enough, and its
bytes stream through as they come, whatever its size.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from ..errors import WireError
from ..kafka.frames import spoken

_SIZE = Struct(">i")

HEAD = 12
"""The bytes that decide whether a frame matters: length, API key, API version, correlation id."""

HEADER = 1 << 16
"""Bytes in which every request's header has room: its client id has at most 32,767."""


class Assembly:
    """Cuts a stream of bytes into frames.

    `head(view)` sees a frame's first bytes (HEAD, or the whole frame where it is shorter) and says whether the frame
    is wanted whole; then `whole(frame)` gets it. Otherwise `through(bytes)` gets its bytes as they come. A size below
    `least` or above `limit` raises WireError; a frame that streams may have up to `most` bytes (default: `limit`),
    since nothing of it is kept.
    """

    def __init__(
        self,
        *,
        head: Callable[[memoryview], bool],
        whole: Callable[[memoryview], None],
        through: Callable[[memoryview], None],
        least: int,
        limit: int,
        of_tls: str = "",
        most: int | None = None,
    ) -> None:
        self._head = head
        self._whole = whole
        self._through = through
        self._of_tls = of_tls
        self.least = least
        """The smallest size that a frame may claim from now on."""
        self._limit = limit
        self._most = limit if most is None else most
        self._pending = bytearray()
        self._needed = 4
        self._streaming = 0
        self._wanted: bool | None = None
        self.frames = self.bytes = 0
        """How many frames have begun, and bytes come in."""

    @property
    def buffered(self) -> int:
        """How many bytes of a frame that is not whole yet are kept."""
        return len(self._pending)

    @property
    def begun(self) -> bytes:
        """The first bytes of a frame that is not whole yet, enough for its header; none where no frame has begun."""
        return bytes(self._pending[:HEADER])

    @property
    def streaming(self) -> bool:
        """Whether the bytes of a frame stream through, and some of them are still to come."""
        return self._streaming > 0

    @property
    def at_rest(self) -> bool:
        """Whether the next byte begins a frame."""
        return not self._pending and not self._streaming

    def part(self, data: memoryview) -> int:
        """How many of the next bytes belong to the frame that is on its way, or else to the one that begins with them;
        all, where that is not known."""
        if self._streaming:
            return min(self._streaming, len(data))
        begun = self._pending[:4] + data[:4]
        left = 4 + _SIZE.unpack_from(begun)[0] - len(self._pending) if len(begun) >= 4 else 0
        return min(left, len(data)) if left > 0 else len(data)

    def feed(self, data: memoryview) -> None:
        """Take the next bytes of the stream."""
        self.bytes += len(data)
        if self._pending:
            self._pending += data
            if len(self._pending) < self._needed:
                return
            joined, self._pending = self._pending, bytearray()
            data = memoryview(joined)
        rest = self._walk(data)
        if rest < len(data):
            self._pending = bytearray(data[rest:])

    def _walk(self, data: memoryview) -> int:
        """Hand on what can be; the offset at which the rest begins, which has to wait for more bytes."""
        at, end = 0, len(data)
        while at < end:
            if self._streaming:
                at = self._stream(data, at)
                continue
            if end - at < 4:
                self._needed = 4
                return at
            size = 4 + self._size(data, at, self._most)
            if self._wanted is None:
                if end - at < min(HEAD, size):
                    self._needed = min(HEAD, size)
                    return at
                self.frames += 1
                self._wanted = self._head(data[at : at + min(HEAD, size)])
            if not self._wanted:
                self._streaming, self._wanted = size, None
                continue
            self._size(data, at, self._limit)
            if end - at < size:
                self._needed = size
                return at
            self._wanted = None
            self._whole(data[at : at + size])
            at += size
        self._needed = 4
        return at

    def _size(self, data: memoryview, at: int, most: int) -> int:
        size: int = _SIZE.unpack_from(data, at)[0]
        if size < self.least or size > self._limit:
            other = spoken(size)  # read as a size, it is far above any that a client or a broker would send
            if other is not None:
                raise WireError(f"no frames but {other}{self._of_tls if other == 'TLS' else ''}")
            if not self.least <= size <= most:
                raise WireError(f"a frame of {size} bytes (allowed: {self.least} to {most})")
        return size

    def _stream(self, data: memoryview, at: int) -> int:
        part = data[at : at + self._streaming]
        self._streaming -= len(part)
        self._through(part)
        return at + len(part)
