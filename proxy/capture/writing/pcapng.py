"""The blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, as bytes.

A section header, an interface description for each interface, then enhanced packets: that is a whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

SUFFIX = ".pcapng"
LINK_RAW = 101
"""LINKTYPE_RAW: a packet begins with its IP header, version 4 or 6."""
MAGIC = b"\n\r\r\n"
"""How a section header begins, whatever the byte order."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_WHOLE_FILE = -1
_COMMENT, _FLAGS = 1, 2
_HARDWARE, _OS, _APPLICATION = 2, 3, 4
_NAME, _DESCRIPTION, _RESOLUTION = 2, 3, 9
_INBOUND, _OUTBOUND = 1, 2
_LONGEST = 0xFFFF
"""Bytes that an option can have."""

_HEAD = Struct("<II")
_TAIL = Struct("<I")
_OPTION = Struct("<HH")
_SECTION_BODY = Struct("<IHHq")
_INTERFACE_BODY = Struct("<HHI")
_PACKET_HEAD = Struct("<IIIIIII")
_FLAGS_OPTION = Struct("<HHI")
_NO_MORE = bytes(4)


def section(hardware: str, system: str, application: str) -> bytes:
    """The section header, with what made the file."""
    body = _SECTION_BODY.pack(_BYTE_ORDER, 1, 0, _WHOLE_FILE)
    texts = ((_HARDWARE, hardware), (_OS, system), (_APPLICATION, application))
    return _block(_SECTION, body + _options((code, text.encode()) for code, text in texts))


def interface(name: str, description: str) -> bytes:
    """An interface of raw IP packets, with times in microseconds; they are numbered from 0 as they come."""
    named = ((_NAME, name.encode()), (_DESCRIPTION, description.encode()), (_RESOLUTION, b"\6"))
    return _block(_INTERFACE, _INTERFACE_BODY.pack(LINK_RAW, 0, 0) + _options(named))


def packet(number: int, microseconds: int, data: bytes, *, inbound: bool, comments: Sequence[str] = ()) -> bytes:
    """A packet of interface `number`, at a time since 1970; `inbound`: it was received, and not sent."""
    before, behind = around(number, microseconds, len(data), inbound=inbound, comments=comments)
    return b"".join((before, data, behind))


def around(
    number: int, microseconds: int, size: int, *, inbound: bool, comments: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """What stands before and behind the bytes of such a packet, which are so many."""
    padding = -size % 4
    options = _FLAGS_OPTION.pack(_FLAGS, 4, _INBOUND if inbound else _OUTBOUND)
    for comment in comments:
        options += _option(_COMMENT, comment.encode())
    total = _PACKET_HEAD.size + size + padding + len(options) + 8
    head = _PACKET_HEAD.pack(_PACKET, total, number, microseconds >> 32, microseconds & 0xFFFFFFFF, size, size)
    return head, b"".join((bytes(padding), options, _NO_MORE, _TAIL.pack(total)))


def _block(kind: int, body: bytes) -> bytes:
    total = _HEAD.size + len(body) + _TAIL.size
    return _HEAD.pack(kind, total) + body + _TAIL.pack(total)


def _options(options: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(_option(code, value) for code, value in options) + _NO_MORE


def _option(code: int, value: bytes) -> bytes:
    value = value[:_LONGEST]
    return _OPTION.pack(code, len(value)) + value + bytes(-len(value) % 4)
