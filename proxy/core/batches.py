"""A request for several partitions, and what the requests of one client begin with.

Compiled as `scan` is (`batches.pxd` has the types).
"""

from __future__ import annotations

from array import array
from typing import Any

from ..observations import ReachedEntry
from ..series import CELLS
from .lane import Lane, Shared

_N = CELLS
_FLEXIBLE = 9

Topics = dict[bytes, dict[int, Lane]]


class Batches:
    """A request for several partitions: the lanes of its batches, and seven integers of each in `cells`, in the same
    order (see `series`). `size` are their bytes, `frame` what they are in, or its parts, while it is open. `told_at` is
    negative until its answer has come. `apart` says that rules were armed, and were told of it already."""

    def __init__(self, correlation_id: int, at: float, head: Head, lanes: list[Lane], frame: Any) -> None:
        self.correlation_id = correlation_id
        self.at, self.told_at = at, -1.0
        self.head = head
        self.lanes = lanes
        self.count = len(lanes)
        self.size = 0
        self.cells = array("q", bytes(8 * _N * len(lanes)))
        self.frame = frame
        self.apart = False

    def told(self) -> list[tuple[list[int], float, float, Lane]]:
        """What `Unanswered.told` says of it; none where it has not passed."""
        if self.told_at < 0:
            return []
        return [
            ([self.cells[_N * n + i] for i in range(_N)], self.at, self.told_at, lane)
            for n, lane in enumerate(self.lanes)
        ]

    def taken(self, shared: Shared) -> list[tuple[int, Lane, bytes]]:
        """It is open no more, and goes the long way: of each batch the number of its attempt, its lane and itself."""
        whole = self.frame if isinstance(self.frame, bytes) else b"".join(map(bytes, self.frame))
        found: list[tuple[int, Lane, bytes]] = []
        for n, lane in enumerate(self.lanes):
            number, crc, size, begin = (self.cells[_N * n + i] for i in (0, 4, 5, 6))
            if lane.producer_id < 0:
                del shared.checksums[crc]
            found.append((number, lane, whole[begin : begin + size]))
        return found

    def entries(self) -> tuple[ReachedEntry, ...]:
        """What rules are told of its batches."""
        found: list[ReachedEntry] = []
        for n, lane in enumerate(self.lanes):
            number, records, size = (self.cells[_N * n + i] for i in (0, 3, 5))
            found.append((*lane.where, lane.producer_id, 1, number, records, size))
        return tuple(found)


class Head:
    """What the requests of one client begin with, behind their correlation ids, in this `version`; and the lanes of its
    partitions, by what requests call their topics."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.flexible = version >= _FLEXIBLE
        self.topics: Topics = {}
        self.numbers = (8 if version >= 2 else 0) + (8 if version >= 5 else 0)
