"""The header of a record batch: who produced it, from which sequence on, and how many records it holds.

Magic 2 is the record batch since Kafka 0.11 (KIP-98, "Record Batch" in Kafka's documentation of its message format);
magic 0 and 1 are the messages before it ("Old Message Format").
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ..errors import UndecodableError
from .primitives import Buffer

LENGTH_ENDS = 12
"""Where the length field ends: a batch is so many bytes longer than it says."""

RECORDS_AT = 61
"""Where the records begin in a batch of magic 2."""

_BATCH = Struct(">qi4xBIhiqqqhii")
_MESSAGE = Struct(">qiIBB")
_LONG = Struct(">q")

_unpack_batch = _BATCH.unpack_from


def crc_at(data: Buffer, at: int) -> int:
    """Where the check sum of the batch, or the message, at `at` stands."""
    return at + (17 if data[at + 16] == 2 else 12)


class BatchHeader(NamedTuple):
    """The header of a record batch (magic 2), or what a message of magic 0 or 1 has of it.

    `length` counts the bytes after its own field, the whole batch is `length + 12` bytes. Timestamps are milliseconds
    since the epoch, -1 where there is none. With magic 0 and 1 there is no producer id, epoch, base sequence and
    record count: -1 each. `crc` is CRC-32C with magic 2, CRC-32 before.
    """

    base_offset: int
    length: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int


def fields_at(data: Buffer, at: int) -> BatchHeader:
    """The header of the batch of magic 2 at `at`, whatever it says; `RECORDS_AT` bytes have to be there."""
    header: BatchHeader = tuple.__new__(BatchHeader, _unpack_batch(data, at))
    return header


def batch_header(data: Buffer, at: int, end: int) -> BatchHeader:
    """The header of the batch at `at`; the whole batch must end at or before `end`.

    Raises UndecodableError for an unknown magic, for lengths that do not fit and for a negative record count.
    """
    if end - at >= RECORDS_AT and data[at + 16] == 2:
        header = fields_at(data, at)
        if not RECORDS_AT - LENGTH_ENDS <= header.length <= end - at - LENGTH_ENDS or header.records < 0:
            raise UndecodableError(f"the batch at byte {at} claims {header.length} bytes and {header.records} records")
        return header
    return _message_header(data, at, end)


def _message_header(data: Buffer, at: int, end: int) -> BatchHeader:
    """The same for a message of magic 0 or 1."""
    if end - at < _MESSAGE.size or data[at + 16] > 1:
        raise UndecodableError(f"no record batch begins at byte {at}")
    offset, length, crc, magic, attributes = _MESSAGE.unpack_from(data, at)
    least = 22 if magic else 14
    if not least <= length <= end - at - LENGTH_ENDS:
        raise UndecodableError(f"the message at byte {at} claims {length} bytes")
    timestamp = _LONG.unpack_from(data, at + 18)[0] if magic else -1
    return BatchHeader(offset, length, magic, crc, attributes, 0, timestamp, timestamp, -1, -1, -1, -1)
