"""Stepping through an answer by its layout, noting the addresses and topic ids on the way.

Nothing is decoded but them: the rest is stepped over, records in one step. What stands in the frame is checked as far
as it says how far to step, and the walk must end where the frame ends.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from ..errors import UndecodableError
from .apis import api_name
from .headers import response_body_at
from .layouts import Field, Kind, reading
from .primitives import Buffer, compact_extent, skip, skip_tags, text, uvarint

_SHORT = Struct(">h")
_INT = Struct(">i")


class Tag(NamedTuple):
    """A tagged field: its size (a varint) stands at `size_at`, its content from `start` to `end`."""

    size_at: int
    start: int
    end: int


class Endpoint(NamedTuple):
    """A broker's address. The host with its length stands from `host_at` to `host_end`, the port at `port_at`.

    `tag` is the tagged field that holds it, None outside of one.
    """

    node: int
    host: str
    port: int
    host_at: int
    host_end: int
    port_at: int
    tag: Tag | None


class Findings(NamedTuple):
    """What a walk found: endpoints in the order in which they stand, and (name, id) of topics. `flexible` tells how
    strings are written."""

    flexible: bool
    endpoints: list[Endpoint]
    topics: list[tuple[str, bytes]]


def walk(api_key: int, version: int, frame: Buffer) -> Findings:
    """Walk through a whole response frame. Raises UndecodableError for one that the layout does not describe."""
    try:
        known = reading(api_key, version)
    except KeyError:
        raise UndecodableError(f"the layout of a {api_name(api_key)} v{version} answer is not known") from None
    walker = _Walker(frame, known.flexible)
    at = walker.fields(response_body_at(frame, api_key, version), known.fields)
    if known.flexible:
        at = walker.tagged(at, known.tags)
    if at != len(frame):
        raise UndecodableError(f"the message ends at byte {at}, its frame at byte {len(frame)}")
    return Findings(known.flexible, walker.endpoints, walker.topics)


def endpoints_in(content: bytes, field: Field) -> tuple[list[Endpoint], int]:
    """The addresses in a field of this kind, in a flexible version, and where it ends. Raises UndecodableError."""
    walker = _Walker(content, True)
    end = walker.fields(0, (field,))
    return walker.endpoints, end


class _Walker:
    """One walk. Every step takes an offset and returns the next."""

    def __init__(self, frame: Buffer, flexible: bool) -> None:
        self.frame = frame
        self.end = len(frame)
        self.flexible = flexible
        self.endpoints: list[Endpoint] = []
        self.topics: list[tuple[str, bytes]] = []
        self.tag: Tag | None = None

    def fields(self, at: int, fields: tuple[Field, ...]) -> int:
        for field in fields:
            at = _STEPS[field.kind](self, at, field)
        return at

    def structure(self, at: int, fields: tuple[Field, ...]) -> int:
        at = self.fields(at, fields)
        return skip_tags(self.frame, at, self.end) if self.flexible else at

    def structures(self, at: int, field: Field) -> int:
        count, at = self.count(at)
        for _ in range(count):
            at = self.structure(at, field.fields)
        return at

    def items(self, at: int, field: Field) -> int:
        count, at = self.count(at)
        return skip(at, count * field.size, self.end)

    def endpoint(self, at: int, field: Field) -> int:
        node = self.integer(at)
        start, stop = self.string(at + 4)
        host_end = max(start, stop)
        address = text(self.frame, start, host_end), self.integer(host_end)
        self.endpoints.append(Endpoint(node, *address, at + 4, host_end, host_end, self.tag))
        return host_end + 4

    def topic(self, at: int, field: Field) -> int:
        start, stop = self.string(at)
        id_at = max(start, stop)
        at = skip(id_at, 16, self.end)
        topic_id = bytes(self.frame[id_at:at])
        if stop > start and any(topic_id):
            self.topics.append((text(self.frame, start, stop), topic_id))
        return at

    def tagged(self, at: int, known: dict[int, Field]) -> int:
        """Step over tagged fields, into those that are known: what stands there must fill them."""
        count, at = uvarint(self.frame, at, self.end)
        for _ in range(count):
            number, size_at = uvarint(self.frame, at, self.end)
            size, start = uvarint(self.frame, size_at, self.end)
            at = skip(start, size, self.end)
            if number in known:
                self.tag = Tag(size_at, start, at)
                if self.fields(start, (known[number],)) != at:
                    raise UndecodableError(f"the tagged field {number} at byte {start} is not {size} bytes long")
                self.tag = None
        return at

    def string(self, at: int) -> tuple[int, int]:
        """(first byte, byte after the last) of a string; (start, start - 1) for null."""
        if self.flexible:
            return compact_extent(self.frame, at, self.end)
        start = skip(at, 2, self.end)
        (length,) = _SHORT.unpack_from(self.frame, at)
        return (start, start - 1) if length == -1 else (start, skip(start, length, self.end))

    def count(self, at: int) -> tuple[int, int]:
        """(number of elements, next offset) of an array; none for null."""
        if self.flexible:
            count, at = uvarint(self.frame, at, self.end)
            return max(count - 1, 0), at
        count = self.integer(at)
        if count < -1:
            raise UndecodableError(f"an array at byte {at} claims {count} elements")
        return max(count, 0), at + 4

    def integer(self, at: int) -> int:
        skip(at, 4, self.end)
        return int(_INT.unpack_from(self.frame, at)[0])


_STEPS: dict[Kind, Callable[[_Walker, int, Field], int]] = {
    Kind.FIXED: lambda walker, at, field: skip(at, field.size, walker.end),
    Kind.STRING: lambda walker, at, field: max(walker.string(at)),
    Kind.DATA: lambda walker, at, field: max(compact_extent(walker.frame, at, walker.end)),
    Kind.ITEMS: _Walker.items,
    Kind.STRUCT: lambda walker, at, field: walker.structure(at, field.fields),
    Kind.STRUCTS: _Walker.structures,
    Kind.ENDPOINT: _Walker.endpoint,
    Kind.TOPIC: _Walker.topic,
}
"""How to step over a field of each kind: from (walk, offset, field) to the next offset."""
