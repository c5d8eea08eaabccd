"""The records in a batch, of every magic: offset, timestamp, key, value, headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UndecodableError
from .batches import Batch, codec, decompress, iter_batches, log_append_time, message_parts
from .primitives import Buffer, encode_uvarint, skip, text


class Record(NamedTuple):
    """One record. Its offset is `batch.header.base_offset + offset_delta`; `timestamp` is absolute, in ms.

    With magic 0 the timestamp is -1; with magic 0 and 1 there are no headers, and in a compressed set the deltas are
    zero or less, since such a set carries the offset of its last message.
    """

    offset_delta: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def iter_records(batch: Batch) -> Iterator[Record]:
    """The records of a batch, in order. Raises UndecodableError where they contradict themselves or the header."""
    if batch.header.magic == 2:
        return _records(batch)
    if codec(batch.header.attributes) == "none":
        return iter((_message(batch, 0, batch.header.base_timestamp),))
    return _wrapped(batch)


def iter_tails(batch: Batch) -> Iterator[tuple[int, int, Buffer]]:
    """(offset delta, timestamp, the bytes of key, value and headers) of each record, in order.

    The bytes are as they stand in a batch of magic 2; a message of magic 0 or 1 gives those that the same key and value
    have there. Raises UndecodableError as `iter_records` does.
    """
    if batch.header.magic == 2:
        for delta, timestamp, data, at, stop in _bounds(batch):
            _parts(data, at, stop)
            yield delta, timestamp, data[at:stop]
    else:
        for record in iter_records(batch):
            yield record.offset_delta, record.timestamp, _sized(record.key) + _sized(record.value) + b"\0"


def _records(batch: Batch) -> Iterator[Record]:
    for delta, timestamp, data, at, stop in _bounds(batch):
        yield Record(delta, timestamp, *_parts(data, at, stop))


def _bounds(batch: Batch) -> Iterator[tuple[int, int, Buffer, int, int]]:
    """(offset delta, timestamp, buffer, where the key's length begins, where the record ends) of each record."""
    header, data = batch.header, decompress(batch)
    at, end = 0, len(data)
    fixed = header.max_timestamp if log_append_time(header.attributes) else None
    for _ in range(header.records):
        length, at = _signed(data, at, end)
        stop = skip(at, length, end)
        timestamp_delta, at = _signed(data, skip(at, 1, stop), stop)
        offset_delta, at = _signed(data, at, stop)
        yield offset_delta, header.base_timestamp + timestamp_delta if fixed is None else fixed, data, at, stop
        at = stop
    if at != end:
        raise UndecodableError(f"{end - at} bytes follow the {header.records} records of a batch")


_Parts = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]


def _parts(data: Buffer, at: int, end: int) -> _Parts:
    """Key, value and headers between two offsets; both ends must meet."""
    key, at = _nullable(data, at, end)
    value, at = _nullable(data, at, end)
    count, at = _signed(data, at, end)
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _nullable(data, at, end)
        content, at = _nullable(data, at, end)
        if name is None:
            raise UndecodableError("a record header has no name")
        headers.append((text(name, 0, len(name)), content))
    if at != end or count < 0:
        raise UndecodableError(f"a record with {count} headers does not end where its length says")
    return key, value, tuple(headers)


def _nullable(data: Buffer, at: int, end: int) -> tuple[bytes | None, int]:
    length, at = _signed(data, at, end)
    if length == -1:
        return None, at
    stop = skip(at, length, end)
    return bytes(data[at:stop]), stop


def _signed(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """(value, next offset) of the zigzag varint at `at`."""
    value, at = varint(data, at, end)
    return (value >> 1) ^ -(value & 1), at


def varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """(value, next offset) of the varint of at most ten bytes at `at`, without a sign: zigzag is not undone."""
    value = shift = 0
    stop = min(at + 10, end)
    while at < stop:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise UndecodableError(f"no varint ends before byte {at} of a batch's records")


def _sized(part: bytes | None) -> bytes:
    """The bytes with their length before them, as a record of magic 2 has its key and value."""
    return b"\1" if part is None else encode_uvarint(len(part) << 1) + part


def _wrapped(batch: Batch) -> Iterator[Record]:
    """The messages in a compressed message of magic 0 or 1.

    The wrapper carries the offset of its last message. Inside, offsets are absolute with magic 0 and count from 0 with
    magic 1 (KIP-31); either way the last one stands for the wrapper's.
    """
    outer = batch.header
    inner = list(iter_batches(decompress(batch)))
    for message in inner:
        if message.header.magic != outer.magic or codec(message.header.attributes) != "none":
            raise UndecodableError("a compressed message holds one of another magic, or one that is compressed again")
        timestamp = outer if log_append_time(outer.attributes) and outer.magic else message.header
        delta = message.header.base_offset - inner[-1].header.base_offset
        yield _message(message, delta, timestamp.base_timestamp)


def _message(batch: Batch, offset_delta: int, timestamp: int) -> Record:
    key, value = message_parts(batch)
    as_bytes = [None if part is None else bytes(part) for part in (key, value)]
    return Record(offset_delta, timestamp, as_bytes[0], as_bytes[1], ())
