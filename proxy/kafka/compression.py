"""The four codecs of record batches, by way of cramjam, imported when the first compressed batch is met.

Snappy comes in two forms: raw, and in the blocks of the xerial library that Java clients use, which the other clients
write as well: 16 bytes of header, then a size (int32) and raw snappy for each block.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from ..errors import TooMuchError, UndecodableError
from .primitives import Buffer, skip, uvarint

EXPANDED_LIMIT = 1 << 30
"""The most bytes that a raw snappy block may claim to expand to: it is believed before a byte of it is read."""

_INT = Struct(">i")
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_XERIAL_BLOCK = 32 * 1024
_FIRST_ROOM = 64 * 1024
_NO_ROOM = "failed to write whole buffer"

_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_DESCRIPTOR = b"\x60\x40"
"""Version 1, independent blocks, no check sums; blocks of at most 64 KiB."""
_LZ4_BLOCK = 64 * 1024
_LZ4_AS_IT_IS = 1 << 31
_LE_INT = Struct("<I")


def expand(codec: str, data: memoryview, limit: int | None = None) -> Buffer:
    """`data` without its codec (`none`, `gzip`, `snappy`, `lz4`, `zstd`). Raises UndecodableError.

    With a `limit` it raises TooMuchError where it would be more bytes, and never holds more.
    """
    if codec == "none":
        return data
    if codec == "snappy":
        return _snappy(data, EXPANDED_LIMIT if limit is None else limit)
    import cramjam

    streams = {"gzip": cramjam.gzip, "lz4": cramjam.lz4, "zstd": cramjam.zstd}
    if codec not in streams:
        raise UndecodableError(f"records are compressed with a codec that is {codec}")
    try:
        if limit is None:
            return memoryview(streams[codec].decompress(data))
        return _within(limit, streams[codec].decompress_into, data)
    except cramjam.DecompressionError as error:
        raise UndecodableError(f"records are not {codec}: {error}") from None


def _within(limit: int, decompress: Callable[[memoryview, bytearray], int], data: memoryview) -> Buffer:
    """What `data` expands to, in a buffer that grows up to the limit."""
    import cramjam

    room = min(limit, max(_FIRST_ROOM, 8 * len(data)))
    while True:
        buffer = bytearray(room)
        try:
            return memoryview(buffer)[: decompress(data, buffer)]
        except cramjam.DecompressionError as error:
            if _NO_ROOM not in str(error):
                raise
        if room == limit:
            raise TooMuchError(f"records expand to more than the {limit} bytes that are allowed")
        room = min(limit, 8 * room)


def compress(codec: str, data: bytes) -> bytes:
    """`data` with a codec, as every Kafka reads it. Raises KeyError for a codec that is none."""
    import cramjam

    ways: dict[str, Callable[[bytes], Any]] = {
        "none": bytes,
        "gzip": cramjam.gzip.compress,
        "snappy": _to_xerial,
        "lz4": _to_lz4,
        "zstd": cramjam.zstd.compress,
    }
    return bytes(ways[codec](data))


def _to_xerial(data: bytes) -> bytes:
    import cramjam

    parts = [_XERIAL, _INT.pack(1), _INT.pack(1)]
    for at in range(0, len(data), _XERIAL_BLOCK):
        block = bytes(cramjam.snappy.compress_raw(data[at : at + _XERIAL_BLOCK]))
        parts += [_INT.pack(len(block)), block]
    return b"".join(parts)


def _to_lz4(data: bytes) -> bytes:
    """A frame whose blocks do not depend on each other: Apache Kafka takes no other, and cramjam's own are not so."""
    import cramjam
    import xxhash

    check = xxhash.xxh32_intdigest(_LZ4_DESCRIPTOR) >> 8 & 0xFF
    parts = [_LZ4_MAGIC, _LZ4_DESCRIPTOR, bytes([check])]
    for at in range(0, len(data), _LZ4_BLOCK):
        plain = data[at : at + _LZ4_BLOCK]
        block = bytes(cramjam.lz4.compress_block(plain, store_size=False))
        size = len(block) if len(block) < len(plain) else len(plain) | _LZ4_AS_IT_IS
        parts += [_LE_INT.pack(size), block if len(block) < len(plain) else plain]
    return b"".join([*parts, _LE_INT.pack(0)])


def _snappy(data: memoryview, limit: int) -> Buffer:
    if bytes(data[: len(_XERIAL)]) != _XERIAL:
        return _raw_snappy(data, limit)
    expanded = bytearray()
    at, end = skip(0, _XERIAL_HEADER, len(data)), len(data)
    while at < end:
        start = skip(at, 4, end)
        at = skip(start, _INT.unpack_from(data, start - 4)[0], end)
        expanded += _raw_snappy(data[start:at], limit)
        _check_size(len(expanded), limit)
    return expanded


def _raw_snappy(data: memoryview, limit: int) -> Buffer:
    import cramjam

    _check_size(uvarint(data, 0, len(data))[0], limit)
    try:
        return memoryview(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise UndecodableError(f"records are not snappy: {error}") from None


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooMuchError(f"records claim to expand to {size} bytes, where {limit} are allowed")
