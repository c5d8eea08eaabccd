"""Addresses at the very end of a large answer, translated while it streams through.

An answer to Fetch or ShareFetch holds tens of megabytes of records, and at its end, now and then, the addresses of
brokers that lead a partition now: in its last tagged fields (KIP-951), or in a field right before them (KIP-932).
Nobody shall keep the records for them. But the length of a frame stands at its beginning, and is gone when they come:
so the end keeps its size. Where the translated addresses are shorter, a tagged field that nobody knows fills the gap,
as any client steps over it; where they are longer, it takes their place. They are a hint: a client that is not told
asks for metadata, as older ones do.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NoReturn

from ..errors import UndecodableError
from .addresses import Translate, translated
from .apis import api_name, flexible_version
from .layouts import LAYOUTS, Field, Kind, reading
from .primitives import encode_uvarint, skip, uvarint

LARGEST_TAIL = 1 << 20
"""Bytes that the end may have: all that is ever kept."""
FILLING = 10_000
"""The number of the tagged field that fills a gap; the next one is used as well."""

_HEADER = 8
_Steps = Generator[int, int, None]
"""A walk through bytes that come: yields how many are stepped over, or READ, and is sent the byte that it read."""
_READ = -1


def can_sieve(api_key: int, version: int) -> bool:
    """Whether all addresses in answers of this API and version stand at their end, so that they can stream."""
    layout = LAYOUTS.get(api_key)
    if layout is None or not layout.since <= version <= layout.until or not flexible_version(api_key, version):
        return False
    before, last = _parted(layout.fields)
    return (last is not None or bool(layout.tags)) and not any(map(_leads, before))


def _parted(fields: tuple[Field, ...]) -> tuple[tuple[Field, ...], Field | None]:
    """The fields that are only stepped over, and the last one where it holds addresses."""
    return (fields[:-1], fields[-1]) if fields and _leads(fields[-1]) else (fields, None)


def _leads(field: Field) -> bool:
    """Whether a field holds addresses, or something else that has to be read."""
    return field.kind in (Kind.ENDPOINT, Kind.TOPIC) or any(map(_leads, field.fields))


class Sieve:
    """One answer of so many bytes, its length included. `feed` takes them as they come, and gives what may go on.

    It raises UndecodableError where the answer contradicts itself; what went on before is then out.
    """

    def __init__(self, api_key: int, version: int, size: int, translate: Translate) -> None:
        self._name = f"{api_name(api_key)} v{version}"
        self._known = reading(api_key, version)
        self._translate = translate
        self._left = size
        before, self._last = _parted(self._known.fields)
        self._steps = _message(before)
        self._skip = next(self._steps)
        self._tail: bytearray | None = None

    def feed(self, data: memoryview) -> list[bytes | memoryview]:
        """The next bytes of the answer, at most as many as are still to come."""
        at = 0 if self._tail is not None else self._walk(data)
        parts: list[bytes | memoryview] = [data[:at]] if at else []
        if self._tail is not None:
            self._tail += data[at:]
            self._left -= len(data) - at
            if not self._left:
                parts.append(self._rewritten(bytes(self._tail)))
        elif not self._left:
            self._refuse("it ends within its fields")
        return parts

    def _walk(self, data: memoryview) -> int:
        """How many of these bytes stand before the end."""
        at, end = 0, len(data)
        while at < end:
            if self._skip > 0:
                step = min(self._skip, end - at)
                at, self._skip = at + step, self._skip - step
                if self._skip:
                    break
                byte = 0
            else:
                byte, at = data[at], at + 1
            if not self._next(byte, self._left - at):
                break
        self._left -= at
        return at

    def _next(self, byte: int, left: int) -> bool:
        """Go on to the next step that takes bytes; False where the end begins."""
        try:
            self._skip = self._steps.send(byte)
            while not self._skip:
                self._skip = self._steps.send(0)
        except StopIteration:
            if left > LARGEST_TAIL:
                self._refuse(f"its end has {left} bytes")
            self._tail = bytearray()
            return False
        if self._skip > left:
            self._refuse(f"it claims {self._skip} bytes where {left} are left")
        return True

    def _rewritten(self, tail: bytes) -> bytes:
        first, at = (b"", 0) if self._last is None else translated(tail, self._last, self._translate)
        tags = _tags(tail[at:])
        for number, field in self._known.tags.items():
            if number in tags:
                content, end = translated(tags[number], field, self._translate)
                if end != len(tags[number]):
                    self._refuse(f"its tagged field {number} is not {end} bytes long")
                tags[number] = content
        if (whole := _joined(first, tags, len(tail))) is not None:
            return whole
        for number in self._known.tags:
            tags.pop(number, None)
        if (whole := _joined(first and _NOBODY, tags, len(tail))) is None:
            self._refuse("its end cannot be changed")
        return whole

    def _refuse(self, why: str) -> NoReturn:
        raise UndecodableError(f"a {self._name} answer cannot be read: {why}")


# The walk.


def _message(fields: tuple[Field, ...]) -> _Steps:
    yield _HEADER
    yield from _skip_tags()
    for field in fields:
        yield from _field(field)


def _field(field: Field) -> _Steps:
    if field.kind is Kind.FIXED:
        yield field.size
    elif field.kind is Kind.STRUCTS:
        for _ in range((yield from _number()) - 1):
            yield from _structure(field.fields)
    elif field.kind is Kind.STRUCT:
        yield from _structure(field.fields)
    elif field.kind is Kind.ITEMS:
        yield max((yield from _number()) - 1, 0) * field.size
    else:
        yield max((yield from _number()) - 1, 0)


def _structure(fields: tuple[Field, ...]) -> _Steps:
    for field in fields:
        yield from _field(field)
    yield from _skip_tags()


def _skip_tags() -> _Steps:
    for _ in range((yield from _number())):
        yield from _number()
        yield (yield from _number())


def _number() -> Generator[int, int, int]:
    """An unsigned varint of at most 32 bits."""
    value = shift = 0
    while True:
        byte = yield _READ
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
        if shift > 28:
            raise UndecodableError("a number has more than five bytes")


# The end.

_NOBODY = b"\1"
"""An array of nothing."""


def _tags(tail: bytes) -> dict[int, bytes]:
    """Number → content. Raises UndecodableError where they do not fill the tail."""
    found: dict[int, bytes] = {}
    count, at = uvarint(tail, 0, len(tail))
    for _ in range(count):
        number, at = uvarint(tail, at, len(tail))
        size, at = uvarint(tail, at, len(tail))
        end = skip(at, size, len(tail))
        found[number], at = tail[at:end], end
    if at != len(tail) or len(found) != count:
        raise UndecodableError(f"tagged fields end at byte {at} of {len(tail)}")
    return found


def _joined(first: bytes, tags: dict[int, bytes], size: int) -> bytes | None:
    """What stands first and the tagged fields, filled up to this size; None where there is no way to."""
    for filling in _fillings(tags, size - len(first)):
        if not filling.keys() & tags.keys():
            every = sorted({**tags, **filling}.items())
            whole = b"".join(encode_uvarint(number) + encode_uvarint(len(data)) + data for number, data in every)
            whole = first + encode_uvarint(len(every)) + whole
            if len(whole) == size:
                return whole
    return None


def _fillings(tags: dict[int, bytes], size: int) -> Generator[dict[int, bytes], None, None]:
    """Ways to fill a gap. One field alone cannot have every size: where a length takes one byte more, one is missed."""
    yield {}
    taken = sum(len(encode_uvarint(number) + encode_uvarint(len(data)) + data) for number, data in tags.items())
    gap = size - taken - len(encode_uvarint(len(tags) + 1))
    for rest in (gap - 3, gap - 4, gap - 5, gap - 6):
        if rest >= 0:
            yield {FILLING: bytes(rest)}
    for rest in (gap - 6, gap - 7, gap - 8, gap - 9):
        if rest >= 0:
            yield {FILLING: bytes(rest), FILLING + 1: b""}
