"""Producers, and their batches on the way."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

from .model import Batch


def now() -> int:
    """Milliseconds since the epoch, as batches are dated."""
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class Producer:
    """Who a batch is from. `at` is the time of all its records, so that a batch that is made again is the same bytes.

    It has to be a time of today: Kafka counts the age of what it remembers from a batch's own time.
    """

    id: int
    epoch: int
    at: int = field(default_factory=now)

    def batch(self, first: int, records: int = 3, payload: str = "a", *, transactional: bool = False) -> Batch:
        """A batch of its sequences `first`, `first + 1`, ..."""
        return Batch(self.id, self.epoch, first, records, payload, self.at, transactional)

    def of_epoch(self, epoch: int) -> Producer:
        return dataclasses.replace(self, epoch=epoch)

    def dated(self, at: int) -> Producer:
        """The same one, with records of another time."""
        return dataclasses.replace(self, at=at)


@dataclass(frozen=True, slots=True)
class Sending:
    """A batch on its way. `partition` counts those of the case from 0, `connection` from 1; `newest` is the newest
    version of Produce that is wanted here."""

    batch: Batch
    partition: int = 0
    connection: int = 1
    acks: int = -1
    newest: int | None = None
    transactional_id: str | None = None
