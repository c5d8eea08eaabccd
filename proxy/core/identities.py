"""What the records of a produced batch are known by, wherever they turn up again.

Clients put records into other batches when they send them again, and take a new epoch or producer id with it; what is
in the record stays. A record is known by the header that our own workload writes; else by what the user names; else by
create time, key, value and headers. Only a digest of that is kept, 16 bytes a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from xxhash import xxh3_128, xxh3_128_digest

from .. import identity
from ..errors import WireError
from ..identity import HEADER, Naming
from ..kafka.batches import Batch, codec, iter_batches
from ..kafka.produce import BatchHeader
from ..kafka.records import Record, iter_records

_LENGTH = Struct(">i")
_TIME = Struct(">q")


class Known(NamedTuple):
    """What one record is known by. `ours`: our own header says which `send()` it is of, so that two records that are
    equal in it are one. `created` is its create time in milliseconds, -1 where it has none (magic 0)."""

    digest: bytes
    ours: bool
    created: int


def known_records(raw: bytes, naming: Naming | None = None) -> list[Known]:
    """What each record of a batch or message set is known by; empty where it cannot be read (a broken codec)."""
    try:
        return [_known(record, naming) for batch in iter_batches(memoryview(raw)) for record in iter_records(batch)]
    except WireError:
        return []


def _known(record: Record, naming: Naming | None) -> Known:
    if record.headers and identity.read(record.headers) is not None:
        return Known(xxh3_128_digest(b"ours" + _own(record)), True, record.timestamp)
    name = None if naming is None else naming.of(record)
    if name is not None:
        return Known(xxh3_128_digest(b"name" + name), False, record.timestamp)
    parts = [b"full", _TIME.pack(record.timestamp)]
    for part in (record.key, record.value):
        parts += _sized(part)
    for header, value in record.headers:
        parts += (*_sized(header.encode()), *_sized(value))
    return Known(xxh3_128_digest(b"".join(parts)), False, record.timestamp)


def payload(raw: bytes) -> bytes | None:
    """What a batch says, whenever its records were made: a client may date them anew as it sends them again (kafkajs).
    None where it cannot be read."""
    state = xxh3_128()
    try:
        for batch in iter_batches(memoryview(raw)):
            for record in iter_records(batch):
                for part in _parts(record):
                    state.update(part)
    except WireError:
        return None
    return state.digest()


def _parts(record: Record) -> Iterator[bytes]:
    """Key, value and headers."""
    for part in (record.key, record.value, b"%d" % len(record.headers)):
        yield from _sized(part)
    for header, value in record.headers:
        yield from (*_sized(header.encode()), *_sized(value))


def _own(record: Record) -> bytes:
    return next(value for name, value in record.headers if name == HEADER and value is not None)


def _sized(part: bytes | None) -> tuple[bytes, bytes]:
    return (_LENGTH.pack(-1), b"") if part is None else (_LENGTH.pack(len(part)), part)


def is_one_batch(batch: BatchHeader, raw: bytes) -> bool:
    """Whether one batch of magic 2 is all there is, as it has to be from Produce v3 on; `batch` is the first header."""
    return batch.magic == 2 and batch.length + 12 == len(raw)


def count_records(batch: BatchHeader, raw: bytes) -> int:
    """How many records a produce request has for one partition; -1 where they cannot be counted.

    Message sets (magic 0 and 1) say nowhere how many they hold: they are walked, and a compressed message is opened.
    """
    if is_one_batch(batch, raw):
        return batch.records
    try:
        return sum(map(_count, iter_batches(memoryview(raw))))
    except WireError:
        return -1


def _count(batch: Batch) -> int:
    if batch.header.magic == 2:
        return batch.header.records
    return 1 if codec(batch.header.attributes) == "none" else sum(1 for _ in iter_records(batch))
