"""Request and response headers: which API, which version, which client, and where the body begins.

A request header is v1 (API key, version, correlation id, client id) or, for flexible versions, v2 with tagged fields
after it; a response header is v0 (correlation id) or v1 with tagged fields. The answer to ApiVersions always has a v0
header, so that a client that knows no version yet can read it (KIP-511).
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from ..errors import UndecodableError, WireError
from .apis import FIRST_FLEXIBLE
from .primitives import Buffer, compact_extent, skip_tags, text

_REQUEST = Struct(">ihhih")
_RESPONSE = Struct(">ii")
_SIZE = Struct(">i")
_API_VERSIONS = 18
_SASL_HANDSHAKE = 17


class RequestHeader(NamedTuple):
    """A request's header. `body` is the body's offset in the frame, None where the API is not known to us."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    body: int | None


def request_header(frame: Buffer) -> RequestHeader:
    """The header of a whole request frame. Raises WireError when it is too short or contradicts itself."""
    try:
        size, api_key, api_version, correlation, length = _REQUEST.unpack_from(frame)
    except StructError:
        raise WireError(f"{len(frame)} bytes are too few for a request") from None
    end = len(frame)
    if size + 4 != end:
        raise WireError(f"a frame of {end} bytes claims {size} bytes after its length")
    client_id, at = None, 14
    if length >= 0:
        at = 14 + length
        if at > end:
            raise WireError(f"a client id of {length} bytes does not fit into a frame of {end} bytes")
        client_id = str(frame[14:at], "utf-8", "replace")
    elif length != -1:
        raise WireError(f"a client id claims {length} bytes")
    return RequestHeader(api_key, api_version, correlation, client_id, _body(frame, api_key, api_version, at, end))


def client_of(data: bytes) -> str | None:
    """The client id of the request that begins like this; None where more bytes are needed to know it.

    Empty where it has none, or where the bytes are no request: whoever reads the whole frame will say so.
    """
    if len(data) < _REQUEST.size:
        return None if len(data) < 4 or _SIZE.unpack_from(data)[0] + 4 >= _REQUEST.size else ""
    size, _, _, _, length = _REQUEST.unpack_from(data)
    if length < 0 or _REQUEST.size + length > size + 4:
        return ""
    end = _REQUEST.size + length
    return None if len(data) < end else str(data[_REQUEST.size : end], "utf-8", "replace")


def _body(frame: Buffer, api_key: int, api_version: int, at: int, end: int) -> int | None:
    first_flexible = FIRST_FLEXIBLE.get(api_key)
    if first_flexible is None:
        return None
    return skip_tags(frame, at, end) if api_version >= first_flexible else at


def correlation_id(frame: Buffer) -> int:
    """The correlation id of a whole response frame. Raises WireError when it is too short."""
    try:
        size, correlation = _RESPONSE.unpack_from(frame)
    except StructError:
        raise WireError(f"{len(frame)} bytes are too few for a response") from None
    if size + 4 != len(frame):
        raise WireError(f"a frame of {len(frame)} bytes claims {size} bytes after its length")
    return int(correlation)


def response_body_at(frame: Buffer, api_key: int, api_version: int) -> int:
    """The offset of the body in the answer to a request of this API and version.

    Raises WireError when the frame is too short, UndecodableError when the API is unknown: then nobody can say
    whether tagged fields stand before the body.
    """
    correlation_id(frame)
    first_flexible = FIRST_FLEXIBLE.get(api_key)
    if first_flexible is None:
        raise UndecodableError(f"API {api_key} is unknown, and with it the form of its response header")
    if api_version < first_flexible or api_key == _API_VERSIONS:
        return 8
    return skip_tags(frame, 8, len(frame))


def mechanism(frame: Buffer, header: RequestHeader) -> str:
    """The SASL mechanism that a client asks for: SaslHandshake. Empty for every other request, and where it cannot be
    read."""
    if header.api_key != _SASL_HANDSHAKE or header.body is None:
        return ""
    body = bytes(frame[header.body :])
    length = int.from_bytes(body[:2], "big")
    return body[2:].decode("utf-8", "replace") if len(body) == 2 + length else ""


def software(frame: Buffer, header: RequestHeader) -> str:
    """The client's library as it names itself, such as `librdkafka 2.3.0`: ApiVersions v3 and above (KIP-511).

    Empty for every other request, and where the two names cannot be read: it is a label, and no reason to stop.
    """
    if header.api_key != _API_VERSIONS or header.api_version < 3 or header.body is None:
        return ""
    try:
        start, stop = compact_extent(frame, header.body, len(frame))
        version_start, version_stop = compact_extent(frame, max(stop, start), len(frame))
    except UndecodableError:
        return ""
    return f"{text(frame, start, stop)} {text(frame, version_start, version_stop)}".strip()
