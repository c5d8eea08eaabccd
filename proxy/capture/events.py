"""What the tap writes down for the thread: as little as the event loop can do. Times are those of trio's clock.

`key` names one side of one connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..observations import Observation

Name = tuple[str | int, ...]


class Opened(NamedTuple):
    """A connection came about. `broker_side`: its far end is a broker. `own`: it is ackdrop's own."""

    key: int
    at: float
    connection: int
    broker_side: bool
    node: int
    near: Name
    far: Name
    own: bool
    tls: bool


class Data(NamedTuple):
    """Bytes went by; `inbound`: from the far end."""

    key: int
    at: float
    inbound: bool
    content: bytes


class Gap(NamedTuple):
    """So many bytes went by that were let go."""

    key: int
    inbound: bool
    size: int


class End(NamedTuple):
    """That side said its end."""

    key: int
    at: float
    inbound: bool
    reset: bool


class Closed(NamedTuple):
    """Nothing more comes."""

    key: int


Event = Opened | Data | Gap | End | Closed


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened in a while, and what was observed in the same while. `run` names the run in which the arm is, where
    a file has several; `places` says where each fault sits."""

    arm: str
    run: str | None
    events: Sequence[Event]
    observations: Sequence[Observation]
    places: Mapping[str, str]
