"""What the tap writes down for those who write the file: as little as the event loop can do.

Times are those of trio's clock; `key` names one side of one connection.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...observations import Observation
from .remarks import Remark, remarks

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
KINDS: tuple[type[Event], ...] = (Opened, Data, Gap, End, Closed)
OPENED, DATA, GAP, END, CLOSED = range(len(KINDS))

Told = tuple[object, ...]
"""An event as the event loop writes it down: the number of its kind, and its fields. Plain tuples are made in no time,
and `marshal` takes them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened in a while, and what was observed in the same while. `run` names the run in which the arm is, where
    a file has several; `places` says where each fault sits."""

    arm: str
    run: str | None
    events: Sequence[Told]
    observations: Sequence[Observation]
    places: Mapping[str, str]

    @property
    def content(self) -> int:
        """Bytes that passed."""
        return sum(len(event[-1]) for event in self.events if event[0] == DATA and isinstance(event[-1], bytes))

    def packed(self) -> bytes:
        """The same as bytes, for a process of the same Python."""
        told = remarks(self.arm, self.observations, self.places)
        return marshal.dumps((self.arm, self.run, self.events, [tuple(remark) for remark in told]))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch as it is written: with remarks in place of observations."""

    arm: str
    run: str | None
    events: list[Event]
    remarks: list[Remark]

    @classmethod
    def unpacked(cls, content: bytes) -> Parcel:
        """The one that was packed."""
        arm, run, events, told = marshal.loads(content)
        return cls(arm, run, [KINDS[kind](*values) for kind, *values in events], [Remark(*each) for each in told])
