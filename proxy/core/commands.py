"""What the core tells the relay to do. A command names its connection: a frame on one may release another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ..faults.verdicts import Act


class Side(Enum):
    """The two peers of a connection."""

    CLIENT = "client"
    BROKER = "broker"

    @property
    def other(self) -> Side:
        return Side.BROKER if self is Side.CLIENT else Side.CLIENT


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes to that side. A memoryview is only good until the call that fed the core's input returns."""

    connection: int
    to: Side
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Finish:
    """Send nothing more to that side: FIN, after what has been sent. Reading from it goes on."""

    connection: int
    to: Side


@dataclass(frozen=True, slots=True)
class Close:
    """End that side's socket at once: `fin` after what has been sent, `reset` with a RST."""

    connection: int
    to: Side
    how: Literal["fin", "reset"]


@dataclass(frozen=True, slots=True)
class AskStarts:
    """Tell the wire (`Wire.starts_known`) at which offsets these partitions of a topic begin for this run.

    A produce request waits for the answer. `topic_id` is set, and `topic` empty, where only the id is known.
    """

    topic: str
    topic_id: bytes | None
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection of ackdrop's own to broker `node` (-1: the bootstrap), for the copy of that number.

    The relay tells `Wire.copy(connection)` when it is connected, what comes in, and when it is over.
    """

    connection: int
    node: int


@dataclass(frozen=True, slots=True)
class Do:
    """Something is to be done to the broker, or to the producer's process, as the fault `rule` asks."""

    rule: str
    at: Literal["broker", "workload"]
    act: Act


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the person who runs us: a sentence, said once by one wire."""

    text: str


Command = Send | Finish | Close | AskStarts | Dial | Do | Tell
