"""Opening what is compressed in a message, and packing it again; how much is opened has a limit.

All batches of one body share a budget, so that no frame becomes more than so many bytes and records, however it is
made. What is beyond it stays compressed.
"""

from __future__ import annotations

from typing import Any

from ..errors import TooMuchError, UndecodableError
from ..kafka.batches import CODECS
from ..kafka.compression import compress, expand
from ..kafka.primitives import Buffer
from .structs import KafkaBody, KafkaStruct

EXPANDED_LIMIT = 1 << 26
"""The most bytes that the compressed batches of a body are opened to."""

RECORDS_LIMIT = 100_000
"""The most records that are taken out of them: a record as a packet takes a few kilobytes."""


class Budget:
    """What is left of both."""

    def __init__(self) -> None:
        self.bytes = EXPANDED_LIMIT
        self.records = RECORDS_LIMIT

    def expand(self, codec: str, data: memoryview) -> Buffer:
        """`data` without its codec. A batch that wants too much is the last one that is tried."""
        if not self.bytes:
            raise UndecodableError("the body holds more than is opened")
        try:
            found = expand(codec, data, self.bytes)
        except TooMuchError:
            self.bytes = 0
            raise
        self.bytes -= len(found)
        return found

    def take_records(self, count: int) -> None:
        if count > self.records:
            raise UndecodableError(f"{count} records are more than the {self.records} that are opened")
        self.records -= count


def budget_of(part: Any) -> Budget:
    """The budget of the body that a batch is part of; one of its own where it is part of none."""
    owner = part.parent
    while owner is not None and not isinstance(owner, KafkaStruct):
        owner = owner.parent
    body = None if owner is None else owner.top()
    if not isinstance(body, KafkaBody):
        return Budget()
    budget: Budget = body.budget or Budget()
    body.budget = budget
    return budget


def opened(batch: Any, data: memoryview) -> memoryview:
    """What a batch, or a message, with a `compression` holds. Raises UndecodableError."""
    number = batch.compression
    if not number:
        return data
    return memoryview(budget_of(batch).expand(CODECS[number] if number < len(CODECS) else "unknown", data))


def packed(batch: Any, data: bytes) -> bytes:
    """The same the other way; a codec that is none leaves it as it is."""
    return compress(CODECS[batch.compression], data) if 0 < batch.compression < len(CODECS) else data
