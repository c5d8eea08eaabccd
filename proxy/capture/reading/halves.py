"""One direction of a TCP connection: segments as they were captured, in; its bytes in order, and its holes, out.

Segments come late, twice, in pieces, overlapping, cut off by the snap length, or not at all, and their numbers wrap
around (RFC 9293, 3.4). A byte is told once. What never comes is a hole: it is one once the receiver has acknowledged
bytes behind it (they were there, and the capture has missed them), once more waits behind it than is worth keeping, or
at the end. Offsets count from the first byte that was seen.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import NamedTuple

_HALF = 1 << 31
_WRAP = 1 << 32

MOST_WAITING = 4 << 20
"""Bytes behind a hole that are kept."""
_MOST_PIECES = 2048
_PATIENCE = 3.0
"""Seconds for which a hole is waited for where nobody is seen to acknowledge: longer than a lost segment takes."""
_BELIEVED = 64 << 20
"""Bytes at the end that an acknowledgement alone can say; a broken one may say anything."""
_SLACK = 0.05
"""Seconds by which a capture may have packets in another order than the wire had them."""


class Piece(NamedTuple):
    """The next bytes of the direction; or, with `missing`, how many of them the capture lacks."""

    data: bytes
    missing: int


class Half:
    """One direction. `begun` once its first number is known. `exact`: packets stand in their true order, so what the
    other side has acknowledged, and is not there, never comes."""

    def __init__(self, *, exact: bool = False) -> None:
        self._slack = 0.0 if exact else _SLACK
        self._origin: int | None = None
        self._next = 0
        self._waiting: list[tuple[int, int, bytes]] = []
        self._held = 0
        self._hole_since: float | None = None
        self.acknowledged = 0
        """Up to where the other side has acknowledged, as an offset."""
        self.heard = False
        """Whether the other side was seen to acknowledge anything."""
        self.first: int | None = None
        self.repeated = self.missing = 0
        """Bytes that came again, and bytes that the capture lacks."""

    @property
    def begun(self) -> bool:
        return self._origin is not None

    @property
    def offset(self) -> int:
        """How many bytes were told, holes included."""
        return self._next

    def begin(self, sequence: int) -> None:
        """Its first byte has this number."""
        self._origin = sequence % _WRAP
        self.first = self._origin

    def acks(self, number: int) -> None:
        """The other side has acknowledged all before this number."""
        if self._origin is not None:
            self.heard = True
            offset = self._offset(number)
            if offset > self.acknowledged:
                self.acknowledged = offset

    def takes(self, sequence: int, data: bytes, length: int, now: float) -> Iterator[Piece]:
        """A segment came: what can be told now."""
        if self._origin is None:
            self.begin(sequence)
        at = self._offset(sequence)
        end = at + length
        if end <= self._next or not length:
            self.repeated += length
            return
        if at <= self._next:
            yield from self._tell(at, end, data)
            yield from self._follow()
        elif not self._wait(at, end, data, now):
            self.repeated += length
        while self._waiting and self._given_up(now):
            yield from self._pass_hole()
            yield from self._follow()

    def rest(self) -> Iterator[Piece]:
        """Nothing comes that fills the holes: what waits behind them."""
        while self._waiting:
            yield from self._pass_hole()
            yield from self._follow()

    def last(self, *, said_end: bool) -> Iterator[Piece]:
        """Nothing comes any more: what waits, and what the other side has acknowledged without its being there. An end
        (FIN) is acknowledged like a byte."""
        yield from self.rest()
        missing = self.acknowledged - self._next - (1 if said_end else 0)
        if 0 < missing <= _BELIEVED:
            self._next += missing
            self.missing += missing
            yield Piece(b"", missing)

    @property
    def waiting(self) -> int:
        """Bytes that wait behind a hole."""
        return self._held

    def _offset(self, number: int) -> int:
        assert self._origin is not None
        expected = (self._origin + self._next) % _WRAP
        ahead = (number - expected) % _WRAP
        return self._next + (ahead - _WRAP if ahead >= _HALF else ahead)

    def _tell(self, at: int, end: int, data: bytes) -> Iterator[Piece]:
        known = self._next - at
        fresh = data[known:] if known else data
        missing = end - self._next - len(fresh)
        self.repeated += known
        self._next = end
        if fresh:
            yield Piece(fresh, 0)
        if missing:
            self.missing += missing
            yield Piece(b"", missing)

    def _wait(self, at: int, end: int, data: bytes, now: float) -> bool:
        """Keep a segment that is ahead; False where it is kept already."""
        if any(known_at <= at and end <= known_end for known_at, known_end, _ in self._waiting[-64:]):
            return False
        insort(self._waiting, (at, end, data))
        self._held += len(data)
        if self._hole_since is None:
            self._hole_since = now
        return True

    def _given_up(self, now: float) -> bool:
        """Whether the first hole will never be filled."""
        if self._held > MOST_WAITING or len(self._waiting) > _MOST_PIECES:
            return True
        waited = now - (self._hole_since if self._hole_since is not None else now)
        if not self.heard:
            return waited > _PATIENCE
        return self.acknowledged > self._next and waited >= self._slack

    def _pass_hole(self) -> Iterator[Piece]:
        missing = self._waiting[0][0] - self._next
        if missing > 0:
            self._next += missing
            self.missing += missing
            yield Piece(b"", missing)

    def _follow(self) -> Iterator[Piece]:
        """What is next in order among what waits."""
        while self._waiting and self._waiting[0][0] <= self._next:
            at, end, data = self._waiting.pop(0)
            self._held -= len(data)
            if end > self._next:
                yield from self._tell(at, end, data)
            else:
                self.repeated += end - at
        self._hole_since = None if not self._waiting else self._hole_since
