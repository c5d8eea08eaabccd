"""Produce requests that are larger than what was read of them: on the short way they go on as they come.

Of such a request the beginning is looked at, and the end; what is between is let by in pieces, which need not even be
read (`opaque`). They are kept, in whatever form, as long as the request is open: something may happen to it.

This module is compiled by Cython as `scan` is (`large.pxd` has the types).
"""

from __future__ import annotations

from struct import Struct
from typing import Protocol

from ..kafka.batch_headers import RECORDS_AT
from ..kafka.shapes import AFTER_CORRELATION_ID
from .scan import Lane, Open, Shared

_HEAD = Struct(">ihhi").unpack_from
_PRODUCE = 0
_HEADER = 5 + RECORDS_AT
"""Of a batch, behind its size."""


class Piece(Protocol):
    """Bytes of a request, wherever they are."""

    def __len__(self) -> int: ...

    def __bytes__(self) -> bytes: ...


class Large:
    """The large request of one connection that is on its way, if any: `size` bytes, of which `got` have come.

    `requests` says of bytes how many go on at once, as they are; the rest is for the long way.
    """

    def __init__(self, opened: Open, shared: Shared) -> None:
        self._open = opened
        self._shared = shared
        self.lane: Lane | None = None
        self.size = self.got = 0
        self.pieces: list[Piece] = []

    def requests(self, data: bytes, now: float) -> int:
        """Take in requests: the rest of one that is on its way, whole ones, and the beginning of one."""
        if not self._open.takes_requests:
            return 0
        if self.lane is None:
            done = self._open.requests(data, now)
            return done if done == len(data) else done + self.begin(data[done:], now)
        rest = self.size - self.got
        if len(data) < rest:
            self.let_by(data)
            return len(data)
        self.let_by(data if len(data) == rest else data[:rest])
        if not self.end(now):
            self.got -= rest  # whoever goes on the long way will say so
            self._open.request_bytes -= rest
            self.pieces.pop()
            return 0
        if len(data) == rest:
            return rest
        return rest + self.requests(data[rest:], now)

    def begin(self, data: bytes, now: float) -> int:
        """A frame begins here: how much of it goes on. It is on its way then."""
        lane = self.lane_of(data, now)
        if lane is None or lane.whole:
            return 0
        (size, _, _, _) = _HEAD(data)
        self.lane, self.size, self.got, self.pieces = lane, 4 + size, 0, []
        self.let_by(data)
        return len(data)

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
        if not (self._ends_well(lane) and self._open.request(head, self.size, now, lane, self.pieces)):
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
        whole = b"".join(map(bytes, self.pieces))
        self.lane, self.got, self.pieces = None, 0, []
        return whole
