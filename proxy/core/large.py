"""Produce requests that are larger than what was read of them: on the short way they go on as they come.

Of such a request the beginning is looked at, and the end; what is between is let by in pieces, which need not even be
read (`opaque`). They are kept, in whatever form, as long as the request is open: something may happen to it.

Rules that are armed are asked about it once its batch's header is there, which says all that they want to know. So it
counts by when its header came, among requests of other connections; and it counts also where it never comes to its
end: were it taken back, two requests could be the third. What is known later, that it is a retry or that other
rules are armed, changes nothing of what they said. One on which they may fire, or that may be a retry by then, is read
until it is whole, and then goes the long way.

One for several partitions goes on as far as its batches are known to be such as go the short way. From the first one on
that is not it is held back until it is whole, and then goes the long way.

This module is compiled by Cython as `scan` is (`large.pxd` has the types).
"""

from __future__ import annotations

from struct import Struct
from typing import Protocol

from ..kafka.batch_headers import RECORDS_AT
from ..kafka.shapes import AFTER_CORRELATION_ID
from .lane import Lane, Shared
from .scan import Scanner
from .several import Several

_HEAD = Struct(">ihhi").unpack_from
_PRODUCE = 0
_HEADER = 5 + RECORDS_AT
"""Of a batch, behind its size."""


class Piece(Protocol):
    """Bytes of a request, wherever they are."""

    def __len__(self) -> int: ...

    def __bytes__(self) -> bytes: ...


class Large:
    """The large request of one connection that is on its way, if any: `size` bytes, of which `got` have gone on. It has
    a `lane`, or is for `several` partitions: then further bytes of it may be `held`. `unfit` says that it has to go the
    long way.

    `requests` says of bytes how many go on at once, as they are; the rest is for the long way.
    """

    def __init__(self, opened: Scanner, shared: Shared) -> None:
        self._open = opened
        self._shared = shared
        self.lane: Lane | None = None
        self.size = self.got = 0
        self.pieces: list[Piece] = []
        self.several: Several | None = None
        self.held: list[bytes] = []
        self.unfit = False

    @property
    def passing(self) -> bool:
        """Whether there is one."""
        return self.lane is not None or self.several is not None

    def requests(self, data: bytes, now: float) -> int:
        """Take in requests: the rest of one that is on its way, whole ones, and the beginning of one."""
        if not self._open.takes_requests or self._shared.shut:
            return 0
        if self.several is not None:
            return self._several_on(data, now)
        if self.lane is None:
            done = self._open.requests(data, now)
            return done if done == len(data) else done + self.begin(data[done:], now)
        rest = self.size - self.got
        if len(data) < rest:
            self.let_by(data)
            return len(data)
        self.let_by(data if len(data) == rest else data[:rest])
        if not self.end(now):
            self._take_back(rest)
            return 0
        if len(data) == rest:
            return rest
        return rest + self.requests(data[rest:], now)

    def begin(self, data: bytes, now: float) -> int:
        """A frame begins here: how much of it goes on. It is on its way then."""
        lane = self.lane_of(data, now)
        if lane is None:
            return self._begin_several(data, now)
        size = 4 + int.from_bytes(data[:4], "big")
        if lane.whole or (lane.armed is not None and not self._let_pass(lane, data, size, now)):
            return 0
        self.lane, self.size, self.got, self.pieces = lane, size, 0, []
        self.let_by(data)
        return len(data)

    def _let_pass(self, lane: Lane, head: bytes, size: int, now: float) -> bool:
        """Whether the rules let by the request that begins here, and have counted it."""
        return len(head) >= lane.batch_at + _HEADER and self._open.request(head, size, now, lane, None)

    def _begin_several(self, data: bytes, now: float) -> int:
        several: Several | None = self._open.beside  # type: ignore[assignment]
        count = -1 if several is None else several.begin(data, now)
        if count <= 0:
            return 0
        self.several, self.size, self.got, self.pieces = several, 4 + int.from_bytes(data[:4], "big"), 0, []
        self.let_by(data if count == len(data) else data[:count])
        return count

    def _several_on(self, data: bytes, now: float) -> int:
        """More bytes of it, and maybe others behind them: how many go on at once."""
        if self.unfit or self.held:
            return 0
        rest = self.size - self.got
        part = data if len(data) <= rest else data[:rest]
        count = self._walked(part, now)
        if count < rest or count == len(data):
            return count
        return count + self.requests(data[rest:], now)

    def _walked(self, part: bytes, now: float) -> int:
        """How many bytes of this part of it go on: with the last one it is taken in."""
        several = self.several
        assert several is not None
        count = several.walk(part, self.got, len(part), now)
        if count <= 0:
            self.unfit = count < 0
            return 0
        self.let_by(part if count == len(part) else part[:count])
        if self.got == self.size:
            if several.end(self._open, self.pieces, now):
                self.several, self.pieces = None, []
            else:
                self.unfit = True
                self._take_back(count)
                return 0
        return count

    @property
    def missing(self) -> int:
        """How many bytes of it are still to come."""
        return self.size - self.got - sum(map(len, self.held))

    def hold(self, data: bytes, now: float) -> bytes:
        """More bytes of one for several partitions came, which could not go on at once: those that may do so now."""
        held = b"".join([*self.held, data]) if not self.unfit else b""
        count = self._walked(held, now) if held else 0
        if count:
            self.held = [held[count:]] if count < len(held) else []
            self._open.request_bytes -= count - len(data)
            return held[:count]
        self._open.request_bytes += len(data)
        self.held.append(data)
        return b""

    def _take_back(self, count: int) -> None:
        """The last piece does not go on: whoever goes the long way will say so."""
        self.got -= count
        self._open.request_bytes -= count
        self.pieces.pop()

    def lane_of(self, data: bytes, now: float) -> Lane | None:
        """The lane of the frame that begins here; None where that is not known, or the frame is whole."""
        if len(data) < AFTER_CORRELATION_ID:
            return None
        size, key, version, _ = _HEAD(data)
        if key != _PRODUCE or not RECORDS_AT < size <= self._shared.limit or 4 + size <= len(data):
            return None
        for length in self._open.lengths:
            lane = self._open.lanes.get(data[AFTER_CORRELATION_ID : AFTER_CORRELATION_ID + length])
            if lane is not None and lane.version == version:
                stale = now >= lane.until or lane.foreseen != self._shared.changes[0]
                return None if stale and not self._shared.foresee(lane, now) else lane
        return None

    def short(self, data: bytes, now: float) -> bool:
        """Whether the lane of the frame that begins here is known, and its batch's header is not there yet."""
        lane = self.lane_of(data, now)
        return lane is not None and len(data) < lane.batch_at + _HEADER

    def let_by(self, piece: Piece) -> None:
        """More has come of the request that is on its way."""
        self.pieces.append(piece)
        self.came(len(piece))

    def came(self, size: int) -> None:
        """So many bytes have, which are among the pieces already."""
        self.got += size
        self._open.request_bytes += size

    def opaque(self) -> int:
        """How many bytes come now that nobody has to look at."""
        lane = self.lane
        if lane is None or not self._open.takes_requests or self.got < lane.batch_at + _HEADER:
            return 0
        return max(0, self.size - self.got - lane.behind)

    @property
    def complete(self) -> bool:
        """Whether all of it has come, and nobody was told."""
        return self.lane is not None and self.got == self.size

    def end(self, now: float) -> bool:
        """All of it has come: take it in; False where it has to be told the long way."""
        lane = self.lane
        assert lane is not None
        head = bytes(self.pieces[0])
        least = lane.batch_at + _HEADER
        for piece in self.pieces[1:]:
            if len(head) >= least:
                break
            head += bytes(piece)[: least - len(head)]
        if self.unfit or not (self._ends_well(lane) and self._open.request(head, self.size, now, lane, self.pieces)):
            return False
        self.lane, self.pieces = None, []
        return True

    def _ends_well(self, lane: Lane) -> bool:
        if not lane.behind:
            return True
        tail = bytes(self.pieces[len(self.pieces) - 1])
        return tail.endswith(lane.suffix) or (bytes(self.pieces[len(self.pieces) - 2]) + tail).endswith(lane.suffix)

    def take(self) -> bytes:
        """All of it, as bytes; it is on its way no more."""
        whole = b"".join(map(bytes, [*self.pieces, *self.held]))
        self.lane, self.got, self.pieces = None, 0, []
        self.several, self.held, self.unfit = None, [], False
        return whole
