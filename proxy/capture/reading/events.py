"""What is told of a capture: frozen facts, in the order of the capture.

Times (`at`) are seconds since its first packet. A `connection` is a number; in a capture of ackdrop's own it is the one
that its reports use, unique together with `arm`. `hop` says on which side of ackdrop something was seen there: between
`client` and ackdrop, or between ackdrop and `broker`; empty in other captures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["request", "answer"]
Hop = Literal["", "client", "broker"]


@dataclass(frozen=True, slots=True)
class Where:
    """One connection, or one side of it: its number, arm and hop. `turn` counts connections that have the same number,
    as those of several runs in one file have."""

    connection: int
    arm: str
    hop: Hop
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that speaks Kafka. `client` and `broker` are HOST:PORT. `begins` says that its first packet is in
    the capture; else what went before is not known."""

    at: float
    where: Where
    client: str
    broker: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A partition's share of a produce request. `records` is -1 where they cannot be counted, as are the numbers where
    the batch has none. `retry_of` is the number of the attempt that this one repeats, `first` the connection and the
    correlation id of that, where they are remembered."""

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    size: int
    codec: str
    attempt: int | None = None
    retry_of: int | None = None
    first: tuple[int, int] | None = None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A partition's share of a produce answer."""

    topic: str
    partition: int
    error: int
    base_offset: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of ackdrop's that decided about a frame or a connection: its name in the scenario, and its word."""

    name: str
    does: str


Fact = tuple[str, str | int]


@dataclass(frozen=True, slots=True)
class Said:
    """What stands in a frame, as far as it is read. `topics` are (topic, partition) that it names, -1 for a topic as a
    whole; `errors` the error codes in it; `problem` why it could not be read, empty where it could, or need not be."""

    facts: tuple[Fact, ...] = ()
    topics: tuple[tuple[str, int], ...] = ()
    errors: tuple[int, ...] = ()
    acks: int | None = None
    sent: tuple[Sent, ...] = ()
    told: tuple[Told, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request or an answer. `version` is -1 and `api` empty for an answer whose request is not in the capture.

    `size` counts its length in; `missing` of its bytes are not in the capture. `latency` is in seconds since its
    request. `passed_on`: the same was seen on the other side of ackdrop before. `of` is the connection whose
    request this one is, where something between two connections passed it on. `raw` is there where all of it is, and
    was asked for.
    """

    at: float
    where: Where
    way: Way
    api: str
    api_key: int
    version: int
    correlation_id: int
    client_id: str
    size: int
    missing: int
    said: Said
    latency: float | None = None
    faults: tuple[Fault, ...] = ()
    passed_on: bool = False
    of: int | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes of a direction that belong to no frame that is known: `missing` of them are not in the capture, `skipped`
    make no sense without these. `resumed` says whether frames go on behind them."""

    at: float
    where: Where
    way: Way
    missing: int
    skipped: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class Noted:
    """A fault at a connection, or something else that ackdrop has written beside a packet."""

    at: float
    where: Where
    fault: Fault | None
    text: str


How = Literal["fin", "reset", "port", "passed", "capture", "idle"]
"""How a connection ended: FIN, RST, or its ports were used again; the capture ended before it did; it was let go for
too much else that went on. Of an answer also: later requests were answered, so this one never is (`passed`)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a connection. `by` is who ended it, empty where nobody did. `unanswered` are the (API, correlation id)
    of requests without an answer in the capture, `unacknowledged` those whose answer the client's TCP was never seen to
    acknowledge."""

    at: float
    where: Where
    by: Literal["client", "broker", ""]
    how: How
    unanswered: tuple[tuple[str, int], ...]
    unacknowledged: tuple[tuple[str, int], ...]


Event = Opened | Frame | Hole | Noted | Ended
