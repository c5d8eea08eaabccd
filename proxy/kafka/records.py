"""The records in a batch, of every magic: offset, timestamp, key, value, headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UndecodableError
from .batches import Batch, codec, decompress, iter_batches, log_append_time, message_parts
from .primitives import Buffer, skip, text


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


def _records(batch: Batch) -> Iterator[Record]:
    header, data = batch.header, decompress(batch)
    at, end = 0, len(data)
    fixed = header.max_timestamp if log_append_time(header.attributes) else None
    for _ in range(header.records):
        length, at = _varint(data, at, end)
        stop = skip(at, length, end)
        record = _record(data, at, stop, header.base_timestamp)
        yield record if fixed is None else record._replace(timestamp=fixed)
        at = stop
    if at != end:
        raise UndecodableError(f"{end - at} bytes follow the {header.records} records of a batch")


def _record(data: Buffer, at: int, end: int, base_timestamp: int) -> Record:
    """The record between two offsets, without its length; both ends must meet."""
    timestamp_delta, at = _varint(data, skip(at, 1, end), end)
    offset_delta, at = _varint(data, at, end)
    key, at = _nullable(data, at, end)
    value, at = _nullable(data, at, end)
    count, at = _varint(data, at, end)
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _nullable(data, at, end)
        content, at = _nullable(data, at, end)
        if name is None:
            raise UndecodableError("a record header has no name")
        headers.append((text(name, 0, len(name)), content))
    if at != end or count < 0:
        raise UndecodableError(f"a record with {count} headers does not end where its length says")
    return Record(offset_delta, base_timestamp + timestamp_delta, key, value, tuple(headers))


def _nullable(data: Buffer, at: int, end: int) -> tuple[bytes | None, int]:
    length, at = _varint(data, at, end)
    if length == -1:
        return None, at
    stop = skip(at, length, end)
    return bytes(data[at:stop]), stop


def _varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """(value, next offset) of the zigzag varint of at most ten bytes at `at`."""
    value = shift = 0
    stop = min(at + 10, end)
    while at < stop:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    raise UndecodableError(f"no varint ends before byte {at} of a batch's records")


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
