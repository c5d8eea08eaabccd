"""Record batches: finding them in a run of bytes, and what their attributes say.

Magic 2 is the record batch since Kafka 0.11 (KIP-98); magic 0 and 1 are single messages, of which one with a codec
wraps a whole set. A log may hold all three, so everything here takes all three.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from .batch_headers import LENGTH_ENDS, RECORDS_AT, BatchHeader, batch_header
from .compression import expand
from .primitives import Buffer, skip

_INT = Struct(">i")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
"""The codec of a batch, by the lowest three bits of its attributes."""


class Batch(NamedTuple):
    """One whole batch: its header, all of its bytes, and where it stood in the buffer that was walked."""

    header: BatchHeader
    data: memoryview
    offset: int


def iter_batches(data: Buffer) -> Iterator[Batch]:
    """The batches in `data`, one after the other. A last one that is cut short is left out, as fetches end with them.

    Raises UndecodableError at a batch that contradicts itself.
    """
    view = memoryview(data)
    at, end = 0, len(view)
    while end - at >= LENGTH_ENDS:
        (length,) = _INT.unpack_from(view, at + 8)
        stop = at + LENGTH_ENDS + max(length, 0)
        if stop > end:
            return
        header = batch_header(view, at, stop)
        yield Batch(header, view[at:stop], at)
        at = stop


def decompress(batch: Batch) -> Buffer:
    """The records of a batch without its codec: records (magic 2), or the message's value (magic 0 and 1).

    Raises UndecodableError for an unknown codec and for bytes that the codec cannot read.
    """
    return expand(codec(batch.header.attributes), _packed(batch))


def _packed(batch: Batch) -> memoryview:
    if batch.header.magic == 2:
        return batch.data[RECORDS_AT:]
    return message_value(batch) or memoryview(b"")


def message_value(batch: Batch) -> memoryview | None:
    """The value of a message of magic 0 or 1, None for null."""
    return message_parts(batch)[1]


def message_parts(batch: Batch) -> tuple[memoryview | None, memoryview | None]:
    """(key, value) of a message of magic 0 or 1, each None for null."""
    end = len(batch.data)
    key, at = _nullable(batch.data, 26 if batch.header.magic else 18, end)
    value, _ = _nullable(batch.data, at, end)
    return key, value


def _nullable(data: memoryview, at: int, end: int) -> tuple[memoryview | None, int]:
    start = skip(at, 4, end)
    (length,) = _INT.unpack_from(data, at)
    if length == -1:
        return None, start
    stop = skip(start, length, end)
    return data[start:stop], stop


def codec(attributes: int) -> str:
    """`none`, `gzip`, `snappy`, `lz4` or `zstd`; `unknown` for the three numbers that name none."""
    number = attributes & 7
    return CODECS[number] if number < len(CODECS) else "unknown"


def log_append_time(attributes: int) -> bool:
    """Whether the broker's clock, and not the producer's, set the timestamps."""
    return bool(attributes & 0x08)


def is_transactional(attributes: int) -> bool:
    """Whether the batch belongs to a transaction."""
    return bool(attributes & 0x10)


def is_control(attributes: int) -> bool:
    """Whether the batch holds markers of the broker (commit, abort) and no records of a producer."""
    return bool(attributes & 0x20)
