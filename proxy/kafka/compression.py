"""The four codecs of record batches, by way of cramjam, imported when the first compressed batch is read.

Snappy comes in two forms: raw, and in the blocks of the xerial library that Java clients use, which the other clients
write as well: 16 bytes of header, then a size (int32) and raw snappy for each block.
"""

from __future__ import annotations

from struct import Struct

from ..errors import UndecodableError
from .primitives import Buffer, skip, uvarint

EXPANDED_LIMIT = 1 << 30
"""The most bytes that a raw snappy block may claim to expand to: it is believed before a byte of it is read."""

_INT = Struct(">i")
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16


def expand(codec: str, data: memoryview) -> Buffer:
    """`data` without its codec (`none`, `gzip`, `snappy`, `lz4`, `zstd`). Raises UndecodableError."""
    if codec == "none":
        return data
    if codec == "snappy":
        return _snappy(data)
    import cramjam

    streams = {"gzip": cramjam.gzip, "lz4": cramjam.lz4, "zstd": cramjam.zstd}
    if codec not in streams:
        raise UndecodableError(f"records are compressed with a codec that is {codec}")
    try:
        return memoryview(streams[codec].decompress(data))
    except cramjam.DecompressionError as error:
        raise UndecodableError(f"records are not {codec}: {error}") from None


def _snappy(data: memoryview) -> Buffer:
    if bytes(data[: len(_XERIAL)]) != _XERIAL:
        return _raw_snappy(data)
    expanded = bytearray()
    at, end = skip(0, _XERIAL_HEADER, len(data)), len(data)
    while at < end:
        start = skip(at, 4, end)
        at = skip(start, _INT.unpack_from(data, start - 4)[0], end)
        expanded += _raw_snappy(data[start:at])
        _check_size(len(expanded))
    return expanded


def _raw_snappy(data: memoryview) -> Buffer:
    import cramjam

    _check_size(uvarint(data, 0, len(data))[0])
    try:
        return memoryview(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise UndecodableError(f"records are not snappy: {error}") from None


def _check_size(size: int) -> None:
    if size > EXPANDED_LIMIT:
        raise UndecodableError(f"records claim to expand to {size} bytes, where {EXPANDED_LIMIT} are allowed")
