"""What is happening in a proxy, as one frozen value: what the live view draws, and the control API and metrics tell.

All counts are since the proxy began. Times are seconds on the run's monotonic clock, as in observations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..observations import Ack

Origin = Literal["scenario", "control"]
"""Who brought a fault: the scenario's file, or somebody while the proxy ran."""

Outcome = Literal["open", "appended", "appended-again", "deduplicated", "refused"]
"""What the broker made of a retry, as far as its answers say: none yet; taken, where no earlier try was seen to be
appended; taken although an earlier try has another offset; answered with the earlier try's offset, or known for a
duplicate; refused with an error."""


@dataclass(frozen=True, slots=True)
class FaultState:
    """A fault that is there. `at` is its place, `do` the word of what it does, `said` a sentence of both.

    `matched` and `fired` count frames (connections, moments) since it was added or last reset; `total_matched` and
    `total_fired` all that were seen under its name.
    """

    name: str
    at: str
    do: str
    said: str
    armed: bool
    origin: Origin
    matched: int
    fired: int
    total_matched: int
    total_fired: int


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A client's connection that is open. `client_id` and `software` are empty until it has produced; `attempts`
    counts its produce attempts. `node` is the broker it stands for, -1 for the bootstrap listener."""

    number: int
    node: int
    peer: str
    opened_at: float
    client_id: str
    software: str
    attempts: int


@dataclass(frozen=True, slots=True)
class ListenerState:
    """A listener: the broker that it stands for (-1: the bootstrap listener), where clients find it, where it leads."""

    node: int
    address: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came in from each side, before any fault: whole and begun frames, and bytes."""

    client_frames: int = 0
    client_bytes: int = 0
    broker_frames: int = 0
    broker_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """What comes in a second, over the last `seconds`: requests and answers are frames, `produce` produce requests."""

    seconds: float = 0.0
    requests: float = 0.0
    answers: float = 0.0
    produce: float = 0.0
    client_bytes: float = 0.0
    broker_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Histogram:
    """Seconds that were measured: `counts[i]` were at most `bounds[i]`, and more than the bound before it; the last
    count is of what was above all bounds."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class RetrySeen:
    """A retry: an attempt by which a client repeats another one. `protected`: it carries a producer id.

    `first_ack` and `faults` are what became of the try before it, and the faults that fired on that; `offset` and
    `earlier_offset` are what the broker gave to this one, and to the earlier try that was appended; None: not known.
    """

    at: float
    attempt: int
    retry_of: int
    tries: int
    connection: int
    client_id: str
    topic: str
    partition: int
    records: int
    protected: bool
    ambiguous: bool
    first_ack: Ack | None
    faults: tuple[str, ...]
    error: int | None
    offset: int | None
    earlier_offset: int | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RetryCounts:
    """All retries so far. `appended_again` counts retries that the broker took a second time, and
    `records_appended_again` the records in them; `ambiguous` those that may be meant, which the others leave out."""

    retries: int = 0
    protected: int = 0
    unprotected: int = 0
    ambiguous: int = 0
    open: int = 0
    appended: int = 0
    appended_again: int = 0
    records_appended_again: int = 0
    deduplicated: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Acks:
    """Produce answers (frames) that did not reach their client as they came."""

    dropped: int = 0
    withheld: int = 0
    delayed: int = 0


Kind = Literal["connected", "closed", "retry", "fault", "acted", "change", "undecoded", "error"]


@dataclass(frozen=True, slots=True)
class Happened:
    """Something worth a line. `text` comes from outside in parts: clean it before it goes to a terminal."""

    at: float
    kind: Kind
    text: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """`waiting` observations are not written yet, `let_go` never will be."""

    waiting: int = 0
    let_go: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of it. `now` is the clock, `began` when it began to count, `zero` when the first produce request came.

    `connections` are those that are open, the oldest first and at most so many; `connections_open` is how many there
    are, `connections_total` how many there were. `added` are the seconds by which the proxy made produce requests and
    their answers later. `recent` are the last things that happened, the newest last.
    """

    now: float
    began: float
    zero: float | None
    connections_open: int
    connections_total: int
    connections: tuple[OpenConnection, ...]
    listeners: tuple[ListenerState, ...]
    traffic: Traffic
    rates: Rates
    produce_requests: int
    attempts: int
    records: int
    injected: int
    retries: RetryCounts
    acks: Acks
    errors: int
    undecoded: int
    added_to_requests: Histogram
    added_to_answers: Histogram
    faults: tuple[FaultState, ...]
    ledger: LedgerState
    recent: tuple[Happened, ...]

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self.now - self.began
