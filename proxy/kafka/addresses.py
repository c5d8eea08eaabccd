"""Broker addresses in answers: read, and translated so that clients stay on the proxy.

Rewriting splices: new hosts and ports are put into the original bytes, and the lengths around them (the frame's, the
string's, the tagged field's) follow. Every other byte stays, unknown tagged fields included. An answer that carries
addresses and cannot be read raises UndecodableError, and must never be forwarded as it is: it would lead clients past
the proxy.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from ..errors import UndecodableError
from .apis import api_name
from .headers import correlation_id
from .layouts import LAYOUTS, Field
from .primitives import Buffer, encode_uvarint, skip, skip_tags, uvarint
from .walk import Endpoint, Tag, endpoints_in, walk

Translate = Callable[[int, str, int], tuple[str, int]]
"""(node id, host, port) → (host, port) that the client is to be told."""

_METADATA, _CREATE_TOPICS = 3, 19
_FIRST_WITH_TOPIC_IDS = {_METADATA: 10, _CREATE_TOPICS: 7}
_UNSUPPORTED_VERSION = 35

MAX_VERSIONS: dict[int, int] = {key: layout.until for key, layout in LAYOUTS.items() if key != _CREATE_TOPICS}
"""For each API whose answers carry addresses, the highest version that can be rewritten."""

MIN_VERSIONS: dict[int, int] = {78: LAYOUTS[78].since}
"""The lowest version, where not all below the highest can be rewritten: ShareFetch v0 was an early access."""

_SHORT = Struct(">h")
_INT = Struct(">i")
_VERSIONS = Struct(">hhh")

_Edit = tuple[int, int, bytes]


def rewrite(api_key: int, api_version: int, frame: Buffer, translate: Translate) -> bytes | None:
    """The answer with its addresses translated; None where nothing changes and the original can be forwarded.

    An address without a host or a port (FindCoordinator says "" and -1 with an error) is not translated. Raises
    UndecodableError for a version above `MAX_VERSIONS` and for a frame that contradicts itself.
    """
    if not _carries(api_key, api_version):
        return None
    findings = walk(api_key, api_version, frame)
    edits, grown = _edits(findings.endpoints, findings.flexible, translate)
    edits += [(tag.size_at, tag.start, encode_uvarint(tag.end - tag.start + by)) for tag, by in grown.items()]
    if not edits:
        return None
    body = _spliced(frame, edits, 4)
    return _INT.pack(len(body)) + body


def translated(content: bytes, field: Field, translate: Translate) -> tuple[bytes, int]:
    """The field with which these bytes begin, its addresses translated, and where it ended. Raises UndecodableError."""
    endpoints, end = endpoints_in(content, field)
    edits, _ = _edits(endpoints, True, translate)
    return _spliced(content[:end], edits, 0), end


def _edits(endpoints: list[Endpoint], flexible: bool, translate: Translate) -> tuple[list[_Edit], dict[Tag, int]]:
    """What has to be replaced, and by how many bytes tagged fields grow with it."""
    edits: list[_Edit] = []
    grown: dict[Tag, int] = {}
    for endpoint in _addresses(endpoints):
        host, port = translate(endpoint.node, endpoint.host, endpoint.port)
        if (host, port) == (endpoint.host, endpoint.port):
            continue
        written = _string(host, flexible)
        edits.append((endpoint.host_at, endpoint.host_end, written))
        edits.append((endpoint.port_at, endpoint.port_at + 4, _INT.pack(port)))
        if endpoint.tag is not None:
            growth = len(written) - (endpoint.host_end - endpoint.host_at)
            grown[endpoint.tag] = grown.get(endpoint.tag, 0) + growth
    return edits, grown


def _carries(api_key: int, api_version: int) -> bool:
    """Whether answers of this API and version carry addresses. Raises UndecodableError for a version too new or old."""
    newest = MAX_VERSIONS.get(api_key)
    if newest is None:
        return False
    if not MIN_VERSIONS.get(api_key, 0) <= api_version <= newest:
        raise UndecodableError(
            f"a {api_name(api_key)} v{api_version} answer may carry addresses that cannot be rewritten",
            remedy=f"Let the client use {api_name(api_key)} v{newest} or below, as the proxy advertises.",
        )
    return api_version >= LAYOUTS[api_key].since


def _addresses(endpoints: list[Endpoint]) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints if endpoint.host and endpoint.port > 0]


def _string(value: str, flexible: bool) -> bytes:
    data = value.encode()
    return (encode_uvarint(len(data) + 1) if flexible else _SHORT.pack(len(data))) + data


def _spliced(data: Buffer, edits: list[_Edit], at: int) -> bytes:
    """What stands from `at` on, with each extent (start, end) replaced by its bytes."""
    parts: list[Buffer] = []
    for start, end, replacement in sorted(edits):
        parts += [data[at:start], replacement]
        at = end
    return b"".join([*parts, data[at:]])


def cluster_nodes(api_key: int, api_version: int, frame: Buffer) -> list[tuple[int, str, int]]:
    """(node id, host, port) of every broker that this answer tells of, in its order; none for other APIs.

    Raises UndecodableError as `rewrite` does.
    """
    if not _carries(api_key, api_version):
        return []
    endpoints = _addresses(walk(api_key, api_version, frame).endpoints)
    return [(endpoint.node, endpoint.host, endpoint.port) for endpoint in endpoints]


def topic_ids(api_key: int, api_version: int, frame: Buffer) -> list[tuple[str, bytes]]:
    """(topic, its id of 16 bytes) out of a Metadata v10 or CreateTopics v7 answer and above; none for others.

    Topics without a name or an id, as errors have them, are left out. A CreateTopics version that is not known gives
    none: the client asks for Metadata before it can produce. Raises UndecodableError for a frame that contradicts
    itself.
    """
    first = _FIRST_WITH_TOPIC_IDS.get(api_key)
    if first is None or api_version < first or (api_key == _CREATE_TOPICS and api_version > LAYOUTS[api_key].until):
        return []
    return walk(api_key, api_version, frame).topics


def clamp_api_versions(frame: Buffer, api_version: int) -> bytes | None:
    """An ApiVersions answer that advertises no version that cannot be rewritten; None where it needs no change.

    `api_version` is the request's. An answer with error 35 has the form of version 0 whatever was asked for
    (KIP-511); versions above 4 are read as 4, and must fill the frame as such. The frame keeps its size. Raises
    UndecodableError.
    """
    correlation_id(frame)
    end = len(frame)
    skip(8, 2, end)
    (error,) = _SHORT.unpack_from(frame, 8)
    version = 0 if error == _UNSUPPORTED_VERSION else api_version
    if version < 0:
        raise UndecodableError(f"ApiVersions v{version} is not known")
    flexible = version >= 3
    entries, at = _entries(frame, 10, end, flexible)
    if version >= 1:
        at = skip(at, 4, end)
    if flexible:
        at = skip_tags(frame, at, end)
    if at != end:
        raise UndecodableError(f"an ApiVersions v{version} answer ends at byte {at}, its frame at byte {end}")
    return _clamped(frame, entries)


def _entries(frame: Buffer, at: int, end: int, flexible: bool) -> tuple[list[int], int]:
    """(offset of each entry, offset after the last): an entry is API key, lowest and highest version, int16 each."""
    if flexible:
        count, at = uvarint(frame, at, end)
        count -= 1
    else:
        at = skip(at, 4, end)
        (count,) = _INT.unpack_from(frame, at - 4)
    entries: list[int] = []
    for _ in range(count):
        entries.append(at)
        at = skip(at, _VERSIONS.size, end)
        if flexible:
            at = skip_tags(frame, at, end)
    return entries, at


def _clamped(frame: Buffer, entries: list[int]) -> bytes | None:
    changed = bytearray(frame)
    for at in entries:
        key, lowest, highest = _VERSIONS.unpack_from(frame, at)
        if key in MAX_VERSIONS:
            wanted = max(lowest, MIN_VERSIONS.get(key, lowest)), min(highest, MAX_VERSIONS[key])
            _VERSIONS.pack_into(changed, at, key, *wanted)
    return bytes(changed) if changed != frame else None
