"""The small change of the protocol: unsigned varints, and the lengths and tagged fields that are made of them.

Everything reads at an offset and returns the next one. `end` is the offset at which the frame ends: nothing is ever
read past it. Every function raises UndecodableError where the bytes cannot be what the protocol says (KIP-482).
"""

from __future__ import annotations

from ..errors import UndecodableError

Buffer = bytes | bytearray | memoryview


def uvarint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """(value, next offset) of the unsigned varint of at most five bytes at `at`."""
    value = shift = 0
    stop = min(at + 5, end)
    while at < stop:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise UndecodableError(f"no varint ends before byte {at}")


def encode_uvarint(value: int) -> bytes:
    """The unsigned varint of a value ≥ 0."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def skip(at: int, size: int, end: int) -> int:
    """The offset `size` bytes after `at`, which must not lie past the end."""
    if size < 0 or size > end - at:
        raise UndecodableError(f"{size} bytes are claimed at byte {at}, where {end - at} are left")
    return at + size


def compact_extent(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """(first byte, byte after the last) of the compact string or bytes at `at`; (start, start - 1) for null."""
    size, at = uvarint(data, at, end)
    if size - 1 > end - at:
        raise UndecodableError(f"{size - 1} bytes are claimed at byte {at}, where {end - at} are left")
    return at, at + size - 1


def text(data: Buffer, start: int, stop: int) -> str:
    """The string between two offsets. Bytes that are not UTF-8 become U+FFFD, as Apache Kafka reads them."""
    return str(data[start:stop], "utf-8", "replace")


def skip_tags(data: Buffer, at: int, end: int) -> int:
    """The offset after the tagged fields at `at`, whatever they hold."""
    if at < end and not data[at]:
        return at + 1
    count, at = uvarint(data, at, end)
    for _ in range(count):
        _tag, at = uvarint(data, at, end)
        size, at = uvarint(data, at, end)
        at = skip(at, size, end)
    return at
