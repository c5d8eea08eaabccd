"""What all produce requests of one client to one partition have in common, and the answers that tell of success.

A client says the same every time, but for the correlation id and the batch itself: the bytes from its client id to the
partition's number, and those behind the batch. Whoever has read one such request in full knows the next ones by these
bytes, and finds the batch's header behind them. Versions 0 to 13 of Produce (KIP-98, KIP-482, KIP-516).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from .headers import RequestHeader
from .primitives import Buffer, encode_uvarint
from .produce import ProduceEntry, ProduceRequest

AFTER_CORRELATION_ID = 12
"""Where the bytes begin that all requests share: behind length, API, version and correlation id."""

_FLEXIBLE, _TOPIC_IDS = 9, 13
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


def shape_of(frame: Buffer, header: RequestHeader, request: ProduceRequest) -> Shape | None:
    """The shape of a request that was read whole; None where it has more than one partition, or none with records."""
    if len(request.entries) != 1 or request.entries[0].batch is None:
        return None
    (entry,) = request.entries
    version = header.api_version
    compact = version >= _FLEXIBLE
    size_at = entry.start - (_uvarint_size(entry.end - entry.start + 1) if compact else 4)
    prefix, suffix = _answer(version, entry)
    times = (8 if version >= 2 else 0) + (8 if version >= 5 else 0)
    return Shape(
        version=version,
        compact=compact,
        prefix=bytes(frame[AFTER_CORRELATION_ID:size_at]),
        suffix=bytes(frame[entry.end :]),
        answer_size=4 + len(prefix) + 8 + times + len(suffix),
        answer_prefix=prefix,
        answer_times=times,
        answer_suffix=suffix,
    )


def _answer(version: int, entry: ProduceEntry) -> tuple[bytes, bytes]:
    """What stands before the base offset and behind the log start offset in the answer to it, where all went well."""
    success = _INT.pack(entry.partition) + _SHORT.pack(0)
    name = (entry.topic or "").encode()
    if version < _FLEXIBLE:
        prefix = _INT.pack(1) + _SHORT.pack(len(name)) + name + _INT.pack(1) + success
        no_errors = _INT.pack(0) + _SHORT.pack(-1) if version >= 8 else b""
        throttle = _INT.pack(0) if version >= 1 else b""
        return prefix, no_errors + throttle
    topic = encode_uvarint(len(name) + 1) + name if version < _TOPIC_IDS else entry.topic_id or b""
    no_errors_no_message_no_tags, no_tags = b"\1\0\0", b"\0"
    return b"\0\2" + topic + b"\2" + success, no_errors_no_message_no_tags + no_tags + _INT.pack(0) + no_tags


def _uvarint_size(value: int) -> int:
    return max(1, -(-value.bit_length() // 7))
