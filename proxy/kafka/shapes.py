"""What all produce requests of one client to one partition have in common, and the answers that tell of success.

A client says the same every time, but for the correlation id and the batch itself: the bytes from its client id to the
partition's number, and those behind the batch. Whoever has read one such request in full knows the next ones by these
bytes, and finds the batch's header behind them. Versions 0 to 13 of Produce (KIP-98, KIP-482, KIP-516).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from .headers import RequestHeader
from .primitives import Buffer, compact_extent, encode_uvarint
from .produce import ProduceEntry, ProduceRequest

AFTER_CORRELATION_ID = 12
"""Where the bytes begin that all requests share: behind length, API, version and correlation id."""

_FLEXIBLE, _TOPIC_IDS = 9, 13
_ACKS_AND_TIMEOUT = 2 + 4
_NO_TAGS = b"\0\0\0"
"""Of the partition, the topic and the request."""
_INT = Struct(">i")
_SHORT = Struct(">h")


@dataclass(frozen=True, slots=True)
class Shape:
    """`prefix` stands in a request behind its correlation id, `suffix` behind its batch. Between them stand the size
    of the batch, as the version writes it (`compact`: a varint of one more, else an int32), and the batch.

    An answer of `answer_size` bytes behind its length is a success that says nothing else, where it has `answer_prefix`
    behind its correlation id, then the base offset (int64), `answer_times` bytes of times and log start offset, and
    `answer_suffix`.
    """

    version: int
    compact: bool
    prefix: bytes
    suffix: bytes
    answer_size: int
    answer_prefix: bytes
    answer_times: int
    answer_suffix: bytes


def head_of(frame: Buffer, header: RequestHeader) -> bytes:
    """What stands behind the correlation id of a request that was read whole, up to its topics: the client id, and from
    version 3 on the transactional id, acks and timeout. Version 3 or later."""
    assert header.body is not None
    if header.api_version >= _FLEXIBLE:
        at = max(compact_extent(frame, header.body, len(frame)))
    else:
        at = header.body + 2 + max(0, _SHORT.unpack_from(frame, header.body)[0])
    return bytes(frame[AFTER_CORRELATION_ID : at + _ACKS_AND_TIMEOUT])


def topic_key(entry: ProduceEntry) -> bytes:
    """By what a request calls a topic: its name, or its id, without a length."""
    return (entry.topic or "").encode() if entry.topic_id is None else entry.topic_id


def shape_of(frame: Buffer, header: RequestHeader, request: ProduceRequest, entry: ProduceEntry) -> Shape:
    """The shape of requests for this partition alone, by a request for it, and maybe others, that was read whole. There
    has to be a batch, and with other partitions version 3 or later."""
    version = header.api_version
    compact = version >= _FLEXIBLE
    answer_prefix, answer_suffix = _answer(version, entry)
    times = (8 if version >= 2 else 0) + (8 if version >= 5 else 0)
    if len(request.entries) == 1:
        size_at = entry.start - (_uvarint_size(entry.end - entry.start + 1) if compact else 4)
        prefix, suffix = bytes(frame[AFTER_CORRELATION_ID:size_at]), bytes(frame[entry.end :])
    else:
        prefix = head_of(frame, header) + _one(version, entry) + _INT.pack(entry.partition)
        suffix = _NO_TAGS if compact else b""
    return Shape(
        version=version,
        compact=compact,
        prefix=prefix,
        suffix=suffix,
        answer_size=4 + len(answer_prefix) + 8 + times + len(answer_suffix),
        answer_prefix=answer_prefix,
        answer_times=times,
        answer_suffix=answer_suffix,
    )


def _one(version: int, entry: ProduceEntry) -> bytes:
    """An array of this topic alone, as far as the number of its partitions, which is one."""
    key = topic_key(entry)
    if version < _FLEXIBLE:
        return _INT.pack(1) + _SHORT.pack(len(key)) + key + _INT.pack(1)
    return b"\2" + (encode_uvarint(len(key) + 1) if version < _TOPIC_IDS else b"") + key + b"\2"


def _answer(version: int, entry: ProduceEntry) -> tuple[bytes, bytes]:
    """What stands before the base offset and behind the log start offset in the answer to it, where all went well."""
    prefix = _one(version, entry) + _INT.pack(entry.partition) + _SHORT.pack(0)
    if version < _FLEXIBLE:
        no_errors = _INT.pack(0) + _SHORT.pack(-1) if version >= 8 else b""
        throttle = _INT.pack(0) if version >= 1 else b""
        return prefix, no_errors + throttle
    no_errors_no_message_no_tags, no_tags = b"\1\0\0", b"\0"
    return b"\0" + prefix, no_errors_no_message_no_tags + no_tags + _INT.pack(0) + no_tags


def _uvarint_size(value: int) -> int:
    return max(1, -(-value.bit_length() // 7))
