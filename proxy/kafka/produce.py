"""Produce requests and answers, versions 0 to 13: the hot path.

Nothing is copied but names: a batch is known by its header and by the extent of its bytes in the frame. Versions:
3 adds the transactional id, 9 is flexible (KIP-482), 10 adds node endpoints to the answer (KIP-951), 13 names topics by
their ids (KIP-516). Whatever contradicts itself raises UndecodableError, bytes after the end included.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from struct import error as StructError
from typing import NamedTuple, NoReturn

from ..errors import UndecodableError
from .batch_headers import BatchHeader, batch_header
from .headers import RequestHeader, response_body_at
from .primitives import Buffer, compact_extent, skip_tags, text, uvarint

__all__ = [
    "MAX_VERSION",
    "BatchHeader",
    "ProduceAnswer",
    "ProduceEntry",
    "ProduceRequest",
    "parse_request",
    "parse_response",
    "with_errors",
]

MAX_VERSION = 13
_FLEXIBLE, _TOPIC_IDS = 9, 13

_SHORT = Struct(">h")
_INT = Struct(">i")
_ACKS = Struct(">hi")
_PARTITION = Struct(">ii")
_ANSWER = Struct(">ihq")

_unpack_partition = _PARTITION.unpack_from
_unpack_short = _SHORT.unpack_from
_unpack_int = _INT.unpack_from


class ProduceEntry(NamedTuple):
    """One partition of a produce request: its first batch's header, and the extent of its records in the frame.

    `topic` or, from version 13 on, `topic_id` (16 bytes) is set, the other None. `batch` is None for null or empty
    records.
    """

    topic: str | None
    topic_id: bytes | None
    partition: int
    batch: BatchHeader | None
    start: int
    end: int


class ProduceRequest(NamedTuple):
    """A produce request. `acks`: 0 wants no answer, 1 the leader's, -1 that of all in-sync replicas."""

    transactional_id: str | None
    acks: int
    timeout_ms: int
    entries: tuple[ProduceEntry, ...]


class ProduceAnswer(NamedTuple):
    """The answer for one partition. `at` is the offset in the frame of the error code (int16).

    After it stand the base offset (int64), from version 2 on the log append time (int64) and from version 5 on the
    log start offset (int64).
    """

    topic: str | None
    topic_id: bytes | None
    partition: int
    error: int
    base_offset: int
    at: int


def parse_request(frame: Buffer, header: RequestHeader) -> ProduceRequest:
    """A whole produce request frame with its header. Versions 0 to 13; raises UndecodableError."""
    version = header.api_version
    if not 0 <= version <= MAX_VERSION or header.body is None:
        _refuse(f"Produce v{version} is not known: 0 to {MAX_VERSION} are")
    try:
        if version < _FLEXIBLE:
            return _request(frame, header.body, version)
        return _flexible_request(frame, header.body, version)
    except (StructError, IndexError):
        raise UndecodableError(f"a Produce v{version} request of {len(frame)} bytes ends too early") from None


def _request(frame: Buffer, at: int, version: int) -> ProduceRequest:
    end = len(frame)
    transactional_id = None
    if version >= 3:
        (length,) = _unpack_short(frame, at)
        start, at = _extent(at + 2, length, end)
        transactional_id = None if length < 0 else text(frame, start, at)
    acks, timeout = _ACKS.unpack_from(frame, at)
    topics, at = _count(frame, at + 6)
    entries: list[ProduceEntry] = []
    for _ in range(topics):
        (length,) = _unpack_short(frame, at)
        start, at = _extent(at + 2, length, end)
        topic = str(frame[start:at], "utf-8", "replace")
        partitions, at = _count(frame, at)
        for _ in range(partitions):
            partition, length = _unpack_partition(frame, at)
            start, at = _extent(at + 8, length, end)
            batch = batch_header(frame, start, at) if at > start else None
            entries.append(ProduceEntry(topic, None, partition, batch, start, at))
    _finished(at, end)
    return ProduceRequest(transactional_id, acks, timeout, tuple(entries))


def _flexible_request(frame: Buffer, at: int, version: int) -> ProduceRequest:
    end = len(frame)
    start, stop = compact_extent(frame, at, end)
    transactional_id = None if stop < start else text(frame, start, stop)
    at = max(start, stop)
    acks, timeout = _ACKS.unpack_from(frame, at)
    topics, at = uvarint(frame, at + 6, end)
    entries: list[ProduceEntry] = []
    for _ in range(topics - 1):
        topic, topic_id, at = _flexible_topic(frame, at, end, version)
        partitions, at = uvarint(frame, at, end)
        for _ in range(partitions - 1):
            (partition,) = _unpack_int(frame, at)
            start, stop = compact_extent(frame, at + 4, end)
            batch = batch_header(frame, start, stop) if stop > start else None
            stop = max(start, stop)
            at = skip_tags(frame, stop, end)
            entries.append(ProduceEntry(topic, topic_id, partition, batch, start, stop))
        at = skip_tags(frame, at, end)
    _finished(skip_tags(frame, at, end), end)
    return ProduceRequest(transactional_id, acks, timeout, tuple(entries))


def _flexible_topic(frame: Buffer, at: int, end: int, version: int) -> tuple[str | None, bytes | None, int]:
    """(name, id, next offset): a compact string before version 13, a UUID from then on."""
    if version < _TOPIC_IDS:
        start, stop = compact_extent(frame, at, end)
        return text(frame, start, stop), None, max(start, stop)
    if end - at < 16:
        _refuse(f"no topic id fits at byte {at}")
    return None, bytes(frame[at : at + 16]), at + 16


def parse_response(frame: Buffer, api_version: int) -> list[ProduceAnswer]:
    """The answers in a whole produce response frame, in its order. Versions 0 to 13; raises UndecodableError."""
    if not 0 <= api_version <= MAX_VERSION:
        _refuse(f"Produce v{api_version} is not known: 0 to {MAX_VERSION} are")
    body = response_body_at(frame, 0, api_version)
    try:
        if api_version < _FLEXIBLE:
            return _response(frame, body, api_version)
        return _flexible_response(frame, body, api_version)
    except (StructError, IndexError):
        raise UndecodableError(f"a Produce v{api_version} answer of {len(frame)} bytes ends too early") from None


def _response(frame: Buffer, at: int, version: int) -> list[ProduceAnswer]:
    end = len(frame)
    answers: list[ProduceAnswer] = []
    size = answer_size(version)
    topics, at = _count(frame, at)
    for _ in range(topics):
        (length,) = _unpack_short(frame, at)
        start, at = _extent(at + 2, length, end)
        topic = text(frame, start, at)
        partitions, at = _count(frame, at)
        for _ in range(partitions):
            partition, error, base_offset = _ANSWER.unpack_from(frame, at)
            answers.append(ProduceAnswer(topic, None, partition, error, base_offset, at + 4))
            at += size
            if version >= 8:
                at = skip_messages(frame, at, end)
    _finished(at + (4 if version >= 1 else 0), end)
    return answers


def skip_messages(frame: Buffer, at: int, end: int) -> int:
    """The offset after the record errors and the error message (KIP-467), in their form before version 9."""
    errors, at = _count(frame, at)
    for _ in range(errors):
        (length,) = _unpack_short(frame, at + 4)
        _, at = _extent(at + 6, length, end)
    (length,) = _unpack_short(frame, at)
    return _extent(at + 2, length, end)[1]


def _flexible_response(frame: Buffer, at: int, version: int) -> list[ProduceAnswer]:
    end = len(frame)
    answers: list[ProduceAnswer] = []
    size = answer_size(version)
    topics, at = uvarint(frame, at, end)
    for _ in range(topics - 1):
        topic, topic_id, at = _flexible_topic(frame, at, end, version)
        partitions, at = uvarint(frame, at, end)
        for _ in range(partitions - 1):
            partition, error, base_offset = _ANSWER.unpack_from(frame, at)
            answers.append(ProduceAnswer(topic, topic_id, partition, error, base_offset, at + 4))
            at = skip_flexible_messages(frame, at + size, end)
        at = skip_tags(frame, at, end)
    _finished(skip_tags(frame, at + 4, end), end)
    return answers


def skip_flexible_messages(frame: Buffer, at: int, end: int) -> int:
    """The same in the form since version 9, and after the partition's tagged fields."""
    errors, at = uvarint(frame, at, end)
    for _ in range(errors - 1):
        start, stop = compact_extent(frame, at + 4, end)
        at = skip_tags(frame, max(start, stop), end)
    start, stop = compact_extent(frame, at, end)
    return skip_tags(frame, max(start, stop), end)


def answer_size(version: int) -> int:
    """Bytes from an answer's partition to the end of its last fixed field."""
    return 14 + (8 if version >= 2 else 0) + (8 if version >= 5 else 0)


def with_errors(frame: Buffer, api_version: int, answers: Iterable[ProduceAnswer], code: int) -> bytes:
    """The same frame, in which these answers carry the error `code` and -1 for everything that a success would tell.

    Base offset, log append time and log start offset become -1, as a broker answers an error. `answers` are those
    that `parse_response` gave for this very frame; the frame keeps its size.
    """
    changed = bytearray(frame)
    numbers = (answer_size(api_version) - 6) // 8
    minus_ones = b"\xff" * (8 * numbers)
    for answer in answers:
        _SHORT.pack_into(changed, answer.at, code)
        changed[answer.at + 2 : answer.at + 2 + len(minus_ones)] = minus_ones
    return bytes(changed)


def _count(frame: Buffer, at: int) -> tuple[int, int]:
    """(number of elements, next offset) of an array with an int32 before it."""
    (count,) = _unpack_int(frame, at)
    if count < 0:
        _refuse(f"an array at byte {at} claims {count} elements")
    return count, at + 4


def _extent(start: int, length: int, end: int) -> tuple[int, int]:
    """(start, end) of something of this length; a length of -1 is null, and empty."""
    stop = start + length
    if length < 0:
        if length < -1:
            _refuse(f"something before byte {start} claims {length} bytes")
        stop = start
    if stop > end:
        _refuse(f"{length} bytes are claimed at byte {start}, where {end - start} are left")
    return start, stop


def _finished(at: int, end: int) -> None:
    if at != end:
        _refuse(f"the message ends at byte {at}, its frame at byte {end}")


def _refuse(why: str) -> NoReturn:
    raise UndecodableError(why)
