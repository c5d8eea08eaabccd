"""The items behind the figures, each kind counted whole and kept up to a limit. Records are named by position."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..observations import AttemptStory, Send
from .listed import Listed


@dataclass(frozen=True, slots=True)
class Loss:
    """`count` acked records that are not in the log, from `offset` on. `topic` None: not known, the arm's own.

    `send` is the send whose success the client reported, None for a program that is not ours. `instead` is an attempt
    that was acked with these offsets and whose payload is not what stands there.
    """

    count: int
    topic: str | None
    partition: int | None
    offset: int | None
    send: Send | None = None
    instead: AttemptStory | None = None


@dataclass(frozen=True, slots=True)
class Phantom:
    """A record that nobody sent. `known` is the send in whose place it stands, None where that is unknown too."""

    position: int
    known: Send | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A send and where its copies stand."""

    send: Send
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """`out_of_order` pairs a record with the later-sent one that it stands behind."""

    lost: Listed[Loss] = field(default_factory=Listed)
    unacked_present: Listed[Standing] = field(default_factory=Listed)
    out_of_order: Listed[tuple[int, int]] = field(default_factory=Listed)
    phantom: Listed[Phantom] = field(default_factory=Listed)
    offset_mismatch: Listed[Standing] = field(default_factory=Listed)

    @classmethod
    def up_to(cls, limit: int) -> Items:
        return cls(Listed(limit), Listed(limit), Listed(limit), Listed(limit), Listed(limit))
