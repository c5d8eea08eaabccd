"""Finding frames in a run of bytes: four bytes of size (int32, big-endian), then so many bytes of message."""

from __future__ import annotations

from struct import Struct

from ..errors import WireError

FRAME_LIMIT = 100 * 1024 * 1024
"""The largest size in bytes that a frame may claim by default; Kafka's own `socket.request.max.bytes`."""

_SIZE = Struct(">i")


_OTHERS = {b"GET ": "HTTP", b"POST": "HTTP", b"PUT ": "HTTP", b"HEAD": "HTTP", b"HTTP": "HTTP", b"PRI ": "HTTP"}
_TLS = frozenset({b"\x16\x03", b"\x15\x03"})
"""How a handshake and an alert begin (RFC 8446, 5.1)."""


def spoken(size: int) -> str | None:
    """What a peer speaks whose first four bytes, read as a frame's size, were this: TLS, HTTP; None: who knows."""
    first = _SIZE.pack(size)
    return "TLS" if first[:2] in _TLS else _OTHERS.get(first)


def split(data: bytes | memoryview, limit: int = FRAME_LIMIT) -> tuple[list[tuple[int, int]], int]:
    """The extents (start, end) of the whole frames in `data`, and the offset where the unfinished rest begins.

    An extent counts the frame's four length bytes in. Raises WireError as soon as a frame claims a size below zero or
    above `limit`, even where whole frames stand before it: what follows such a size cannot be told apart.
    """
    extents: list[tuple[int, int]] = []
    at, total = 0, len(data)
    while total - at >= 4:
        (size,) = _SIZE.unpack_from(data, at)
        if not 0 <= size <= limit:
            raise WireError(
                f"a frame claims {size} bytes, where 0 to {limit} are allowed",
                remedy="See that the peer speaks the Kafka protocol in the clear on this port, and not TLS or HTTP.",
            )
        end = at + 4 + size
        if end > total:
            break
        extents.append((at, end))
        at = end
    return extents, at
