"""Produce requests and answers, changed: partitions taken out of a request, and put into its answer with an error.

What is not touched stays as it came, byte for byte, but for tagged fields of a topic whose partitions are split up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from struct import Struct

from .headers import RequestHeader, response_body_at
from .primitives import Buffer, compact_extent, encode_uvarint, skip_tags, uvarint
from .produce import (
    ProduceAnswer,
    ProduceEntry,
    ProduceRequest,
    answer_size,
    parse_response,
    skip_flexible_messages,
    skip_messages,
)

_FLEXIBLE, _TOPIC_IDS = 9, 13
_SHORT = Struct(">h")
_INT = Struct(">i")
_ANSWER = Struct(">ihq")

Segment = tuple[ProduceEntry, bytes]
"""A partition and its bytes in a request or an answer."""


def patched(frame: Buffer, header: RequestHeader, timeout_ms: int | None, acks: int | None) -> bytes:
    """The request with another timeout (milliseconds), other acks, or both; it keeps its size."""
    changed, at = bytearray(frame), _acks_at(frame, header)
    if acks is not None:
        _SHORT.pack_into(changed, at, acks)
    if timeout_ms is not None:
        _INT.pack_into(changed, at + 2, timeout_ms)
    return bytes(changed)


def without(frame: Buffer, header: RequestHeader, request: ProduceRequest, gone: Collection[ProduceEntry]) -> bytes:
    """The request without these of its partitions."""
    version, end = header.api_version, len(frame)
    kept = [entry for entry in request.entries if entry not in gone]
    if version < _FLEXIBLE:
        segments = [(entry, bytes(frame[entry.start - 8 : entry.end])) for entry in kept]
    else:
        segments = [(entry, _flexible_partition(frame, entry, end)) for entry in kept]
    topics_at = _acks_at(frame, header) + 6
    return _framed(bytes(frame[4:topics_at]) + _topics(version, segments) + (b"\0" if version >= _FLEXIBLE else b""))


def error_answer(version: int, correlation_id: int, entries: Iterable[ProduceEntry], code: int) -> bytes:
    """A whole answer that refuses these partitions with the error `code`."""
    head = _INT.pack(correlation_id) + (b"\0" if version >= _FLEXIBLE else b"")
    body = _topics(version, [(entry, _refused(version, entry, code)) for entry in entries])
    throttle = _INT.pack(0) if version >= 1 else b""
    return _framed(head + body + throttle + (b"\0" if version >= _FLEXIBLE else b""))


def merged(
    frame: Buffer, version: int, entries: Sequence[ProduceEntry], gone: Collection[ProduceEntry], code: int
) -> bytes:
    """The broker's answer to a request that went on without some of its partitions, with an error for each of those.

    `entries` are the client's own, in their order; what throttles, and node endpoints (KIP-951), stay as they are.
    Raises UndecodableError where the answer cannot be read.
    """
    found, topics_at, tail = _answered(frame, version)
    segments: list[Segment] = []
    for entry in entries:
        segment = _refused(version, entry, code) if entry in gone else found.get(_key(entry))
        if segment is not None:
            segments.append((entry, segment))
    return _framed(bytes(frame[4:topics_at]) + _topics(version, segments) + bytes(frame[tail:]))


def _answered(frame: Buffer, version: int) -> tuple[dict[object, bytes], int, int]:
    """The bytes of each partition in an answer, where its array of topics begins, and where what follows that does."""
    end, body = len(frame), response_body_at(frame, 0, version)
    found: dict[object, bytes] = {}
    at = body + 4 if version < _FLEXIBLE else uvarint(frame, body, end)[1]
    skip = _skip(version)
    for answer in parse_response(frame, version):
        start = answer.at - 4
        at = skip(frame, start + answer_size(version), end)
        found[_key(answer)] = bytes(frame[start:at])
    if found and version >= _FLEXIBLE:
        at = skip_tags(frame, at, end)
    return found, body, at


def _skip(version: int) -> Callable[[Buffer, int, int], int]:
    if version >= _FLEXIBLE:
        return skip_flexible_messages
    return skip_messages if version >= 8 else lambda frame, at, end: at


def _key(entry: ProduceEntry | ProduceAnswer) -> object:
    return entry.topic_id or entry.topic, entry.partition


def _acks_at(frame: Buffer, header: RequestHeader) -> int:
    at = header.body or 0
    if header.api_version < 3:
        return at
    if header.api_version < _FLEXIBLE:
        return at + 2 + max(0, int(_SHORT.unpack_from(frame, at)[0]))
    return max(compact_extent(frame, at, len(frame)))


def _flexible_partition(frame: Buffer, entry: ProduceEntry, end: int) -> bytes:
    length = b"\0" if entry.batch is None and entry.end == entry.start else encode_uvarint(entry.end - entry.start + 1)
    return _INT.pack(entry.partition) + length + bytes(frame[entry.start : skip_tags(frame, entry.end, end)])


def _refused(version: int, entry: ProduceEntry, code: int) -> bytes:
    """A partition's answer: the error, and -1 for all that a success would tell."""
    numbers = (answer_size(version) - 14) // 8
    fixed = _ANSWER.pack(entry.partition, code, -1) + b"\xff" * (8 * numbers)
    if version >= _FLEXIBLE:
        return fixed + b"\x01\x00\x00"  # no record errors, no message (KIP-467), no tagged fields
    return fixed + (_INT.pack(0) + _SHORT.pack(-1) if version >= 8 else b"")


def _topics(version: int, segments: Sequence[Segment]) -> bytes:
    """An array of topics, each with its partitions, in the order of the segments."""
    groups = [
        (topic, [segment for _, segment in group])
        for topic, group in groupby(segments, key=lambda each: (each[0].topic, each[0].topic_id))
    ]
    flexible = version >= _FLEXIBLE
    parts = [_count(len(groups), flexible)]
    for (topic, topic_id), partitions in groups:
        parts.append(_name(version, topic, topic_id))
        parts.append(_count(len(partitions), flexible))
        parts.extend(partitions)
        if flexible:
            parts.append(b"\0")
    return b"".join(parts)


def _name(version: int, topic: str | None, topic_id: bytes | None) -> bytes:
    if version >= _TOPIC_IDS:
        return topic_id or bytes(16)
    name = (topic or "").encode("utf-8")
    return (encode_uvarint(len(name) + 1) if version >= _FLEXIBLE else _SHORT.pack(len(name))) + name


def _count(number: int, flexible: bool) -> bytes:
    return encode_uvarint(number + 1) if flexible else _INT.pack(number)


def _framed(message: bytes) -> bytes:
    return _INT.pack(len(message)) + message
