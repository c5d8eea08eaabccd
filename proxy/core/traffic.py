"""What came in from either side of all connections: counted where bytes become frames, added up when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection


@dataclass(frozen=True, slots=True)
class Received:
    """Frames that have begun, and bytes, from clients and from brokers; before any fault."""

    client_frames: int = 0
    client_bytes: int = 0
    broker_frames: int = 0
    broker_bytes: int = 0

    def __add__(self, other: Received) -> Received:
        return Received(
            self.client_frames + other.client_frames,
            self.client_bytes + other.client_bytes,
            self.broker_frames + other.broker_frames,
            self.broker_bytes + other.broker_bytes,
        )


class Traffic:
    """The sum over all connections, those that are over included."""

    def __init__(self) -> None:
        self._gone = Received()

    def over(self, connection: Connection) -> None:
        """Nothing more comes in on this one."""
        self._gone += connection.received_so_far

    def total(self, connections: Iterable[Connection]) -> Received:
        """What came in; `connections` are those that are not over."""
        return sum((connection.received_so_far for connection in connections), self._gone)
