"""How much a ledger holds. What goes beyond is folded or let go, and counted: `README.md` says what and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a ledger; those of tables count rows of one arm.

    `attempts` is how many of the youngest attempts are kept whatever they are; older ones are folded into ranges where
    there is nothing to tell of them, and at most `eventful` others are kept. `decisions` and `fired` are the same for
    what the rules decided, over all arms. `connections` that have ended and left no attempt are kept up to this many.
    `log` and `batches` count what is kept of the log that was read. Beyond `waiting` observations that the disk has not
    taken yet, further ones are let go. `events` is the size of `events.jsonl` in bytes at which the next one begins.
    `wal` is the size in bytes of `ledger.db-wal` beyond which observations are let go, because somebody who reads the
    database keeps it from being emptied.
    """

    attempts: int = 500_000
    eventful: int = 200_000
    ranges: int = 200_000
    decisions: int = 200_000
    fired: int = 200_000
    connections: int = 50_000
    partitions: int = 100_000
    undecoded: int = 10_000
    log: int = 200_000
    batches: int = 200_000
    waiting: int = 200_000
    events: int = 256 << 20
    wal: int = 2 << 30
