"""Fetch, versions 4 to 12, for one partition at a time: the record batches of the answer are not copied.

Layouts are those of the message definitions of Apache Kafka: 5 adds the log start offset, 7 an error code and a
session (KIP-227), 11 the preferred replica (KIP-392), 12 is flexible.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import Any

from ..errors import UndecodableError
from ..kafka.headers import response_body_at
from ..kafka.primitives import compact_extent, skip, skip_tags, uvarint

FETCH = 1
MAX_BYTES = 2 * 1024 * 1024
"""How much of a log is asked for at a time; a batch that is larger comes whole all the same (KIP-74)."""

_FLEXIBLE = 12
_SHORT, _INT = Struct(">h"), Struct(">i")
_PARTITION = Struct(">ihq8x")
_LONG = Struct(">q")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a Fetch brought: `records` holds record batches, the last of which may be cut off.

    `high_watermark` and `log_start` (-1 where the broker does not tell it) are offsets, `error` is a protocol code.
    """

    error: int
    high_watermark: int
    log_start: int
    records: memoryview


def request_fields(topic: str, partition: int, offset: int, max_bytes: int) -> dict[str, Any]:
    """The fields of an uncommitted read that does not wait: without a session, as a consumer without a rack."""
    wanted = {
        "partition": partition,
        "current_leader_epoch": -1,
        "fetch_offset": offset,
        "last_fetched_epoch": -1,
        "log_start_offset": -1,
        "partition_max_bytes": max_bytes,
    }
    return {
        "replica_id": -1,
        "max_wait_ms": 0,
        "min_bytes": 0,
        "max_bytes": max_bytes,
        "isolation_level": 0,
        "session_id": 0,
        "session_epoch": -1,
        "topics": [{"topic": topic, "partitions": [wanted]}],
        "forgotten_topics_data": [],
        "rack_id": "",
    }


def parse_answer(frame: memoryview, version: int) -> Fetched:
    """The only partition of a Fetch answer. Raises UndecodableError."""
    try:
        return _parse(frame, version, len(frame))
    except StructError:
        raise UndecodableError(f"a fetch answer of version {version} ends too early") from None


def _parse(frame: memoryview, version: int, end: int) -> Fetched:
    at = response_body_at(frame, FETCH, version) + 4
    if version >= 7:
        (error,) = _SHORT.unpack_from(frame, at)
        if error:
            return Fetched(error, -1, -1, frame[:0])
        at += 6
    at = _one(frame, at, end, version)
    at = _skip_topic(frame, at, end, version)
    at = _one(frame, at, end, version)
    _index, error, high_watermark = _PARTITION.unpack_from(frame, at)
    at += _PARTITION.size
    log_start = -1
    if version >= 5:
        (log_start,) = _LONG.unpack_from(frame, at)
        at += 8
    at = _skip_aborted(frame, at, end, version)
    return Fetched(error, high_watermark, log_start, _records(frame, at + (4 if version >= 11 else 0), end, version))


def _count(frame: memoryview, at: int, end: int, version: int) -> tuple[int, int]:
    """An array's length (-1 for null) and the offset of its first element."""
    if version >= _FLEXIBLE:
        count, at = uvarint(frame, at, end)
        return count - 1, at
    return int(_INT.unpack_from(frame, at)[0]), at + 4


def _one(frame: memoryview, at: int, end: int, version: int) -> int:
    count, at = _count(frame, at, end, version)
    if count != 1:
        raise UndecodableError(f"a fetch of one partition was answered with {count} elements")
    return at


def _skip_topic(frame: memoryview, at: int, end: int, version: int) -> int:
    if version >= _FLEXIBLE:
        return compact_extent(frame, at, end)[1]
    return skip(at + 2, _SHORT.unpack_from(frame, at)[0], end)


def _skip_aborted(frame: memoryview, at: int, end: int, version: int) -> int:
    count, at = _count(frame, at, end, version)
    for _ in range(count):
        at = skip(at, 16, end)
        if version >= _FLEXIBLE:
            at = skip_tags(frame, at, end)
    return at


def _records(frame: memoryview, at: int, end: int, version: int) -> memoryview:
    if version >= _FLEXIBLE:
        start, stop = compact_extent(frame, at, end)
        return frame[start : max(start, stop)]
    size = max(0, int(_INT.unpack_from(frame, at)[0]))
    return frame[at + 4 : skip(at + 4, size, end)]
