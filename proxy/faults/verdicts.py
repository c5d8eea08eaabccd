"""What a fault can decide. The core, the relay and the experiment act on these; they know no fault by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

Then = Literal["hold", "disconnect", "reset", "skip"]
CopyOn = Literal["same", "new"]
Until = Literal["retried", "acked_batches", "time"]
Field = Literal["length", "correlation_id", "crc", "body"]
How = Literal["fin", "reset"]
Command = tuple[str, ...]
"""A program and its arguments, run without a shell; empty where none is given."""


# On a frame, at a request or an answer.


@dataclass(frozen=True, slots=True)
class Withhold:
    """The frame does not arrive, and neither does what comes after it on the connection.

    `then` says how the connection goes on: `hold` is silence (for `seconds`, or until the client closes),
    `disconnect` is a FIN, `reset` a RST towards the client; with `skip` what comes after the frame arrives.
    """

    then: Then
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Postpone:
    """The frame arrives `seconds` later, and what comes after it no earlier than it does."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alter:
    """The entries that were hit are answered with this error code in place of the broker's answer.

    At a request the broker never hears of them.
    """

    code: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """The request goes on, and so do `times` copies of it, `seconds` later, which the client is told nothing of.

    `on` says where: `same`, the connection of the original; `new`, one of ackdrop's own for each copy.
    """

    times: int
    on: CopyOn
    seconds: float


@dataclass(frozen=True, slots=True)
class Detain:
    """The request and what follows on its connection wait: until `retried`, a retry of it has been acked; until
    `acked_batches`, so many newer `batches` of its partition were acked; until `time`, `seconds` have passed."""

    until: Until
    batches: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Swap:
    """The request waits for the next one of its connection, and goes behind it."""


@dataclass(frozen=True, slots=True)
class Shorten:
    """The first `size` bytes of the frame arrive; then the connection ends with a FIN on both sides."""

    size: int


@dataclass(frozen=True, slots=True)
class Garble:
    """Bytes of the frame change; `chance` says which of the body's."""

    field: Field
    size: int
    chance: float


@dataclass(frozen=True, slots=True)
class Patch:
    """Fields of a produce request change; None leaves one alone."""

    timeout_ms: int | None
    acks: int | None


# On a connection.


@dataclass(frozen=True, slots=True)
class End:
    """The connection is ended; with `seconds`, those that are opened within them as well."""

    how: How
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The connection is reset before the broker hears of it; with `seconds`, those that come within them as well."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Isolate:
    """Nothing passes, in either direction, for `seconds`, or until the client closes."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `rate` bytes a second pass in each direction."""

    rate: float


@dataclass(frozen=True, slots=True)
class Lag:
    """What passes takes `seconds` longer, in each direction, give or take `jitter`, which is drawn from `chance`."""

    seconds: float
    jitter: float
    chance: float


@dataclass(frozen=True, slots=True)
class Slices:
    """What passes goes in pieces of at most `size` bytes, `every` seconds apart, in each direction."""

    size: int
    every: float


# On a broker, or on the producer's process.


@dataclass(frozen=True, slots=True)
class Act:
    """Something is done to a process, `word` says what, for `seconds`. `command` and `undo` replace ackdrop's own way
    of doing it. `to` is the node that is to lead."""

    word: str
    seconds: float
    command: Command = ()
    undo: Command = ()
    to: int | None = None


OnFrame = Withhold | Postpone | Alter | Repeat | Detain | Swap | Shorten | Garble | Patch
OnConnection = End | Refuse | Isolate | Limit | Lag | Slices
Verdict = OnFrame | OnConnection | Act


class Fault(Protocol):
    """What the engine needs of a fault. `word` is its name in a scenario's `do`."""

    word: ClassVar[str]

    def verdict(self, chance: float) -> Verdict:
        """The verdict where the rule fires; `chance` is this firing's own draw from [0, 1)."""
