"""Kafka's primitive types as scapy's fields: strings, bytes, UUIDs, varints, and names for numbers.

A string or bytes is *compact* (an unsigned varint of its length plus one) where the packet that holds it is flexible
(KIP-482), else it has an int16 or int32 before it. None is null, and shown as `null`. Every `getfield` reads a
memoryview as well as bytes and raises UndecodableError, or struct.error, where there are too few bytes.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from struct import Struct
from typing import Any
from uuid import UUID

from scapy.fields import EnumField, Field, FlagsField, SignedLongField, UUIDField
from scapy.packet import Packet
from scapy.volatile import RandBin, RandString, VolatileValue

from ..errors import UndecodableError
from ..kafka.apis import API_NAMES
from ..kafka.codes import ERROR_CODES
from ..kafka.primitives import Buffer, compact_extent, encode_uvarint, skip
from ..kafka.records import varint

SHORT, INT = Struct(">h"), Struct(">i")
NULL = "null"
_NO_UUID = UUID(int=0)
_EPOCH = datetime(1970, 1, 1)
_LAST_DATE = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def flexible(packet: Any) -> bool:
    """Whether this packet is written with compact lengths and tagged fields."""
    ask = getattr(type(packet), "is_flexible", None)
    return ask is not None and bool(ask(packet))


def extent(data: Buffer, length: Struct) -> tuple[int, int]:
    """(first byte, byte after the last) of what has its length before it; (start, start - 1) for null."""
    (size,) = length.unpack_from(data)
    start = length.size
    return (start, start - 1) if size == -1 else (start, skip(start, size, len(data)))


class BytesField(Field[bytes | None, bytes]):
    """Nullable bytes, with an int32 before them."""

    length = INT

    def __init__(self, name: str, default: Any) -> None:
        super().__init__(name, default, "I")

    def extent(self, packet: Any, data: Buffer) -> tuple[int, int]:
        return compact_extent(data, 0, len(data)) if flexible(packet) else extent(data, self.length)

    def sized(self, packet: Any, data: bytes | None) -> bytes:
        """The bytes with their length before them."""
        if flexible(packet):
            return b"\0" if data is None else encode_uvarint(len(data) + 1) + data
        return self.length.pack(-1) if data is None else self.length.pack(len(data)) + data

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        start, stop = self.extent(pkt, s)
        if stop < start:
            return s[start:], None
        return s[stop:], self.m2i(pkt, bytes(s[start:stop]))

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s + self.sized(pkt, None if val is None else self.i2m(pkt, val))

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return x.encode("utf-8", "surrogateescape") if isinstance(x, str) else x

    def i2m(self, pkt: Packet | None, x: Any) -> bytes:
        return x.encode("utf-8", "surrogateescape") if isinstance(x, str) else bytes(x)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return NULL if x is None else repr(x)

    def i2len(self, pkt: Packet, x: Any) -> int:
        return len(self.addfield(pkt, b"", x))

    def randval(self) -> VolatileValue[Any]:
        return RandBin()


class StringField(BytesField):
    """A nullable string, with an int16 before it. Bytes that are not UTF-8 are kept as surrogates, and written back."""

    length = SHORT

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return x.decode("utf-8", "surrogateescape") if isinstance(x, bytes) else x

    def m2i(self, pkt: Packet | None, x: bytes) -> Any:
        return x.decode("utf-8", "surrogateescape")

    def randval(self) -> VolatileValue[Any]:
        return RandString()


class ClassicStringField(StringField):
    """A nullable string that is never compact: the client id, so that a broker reads it whatever the version."""

    def extent(self, packet: Any, data: Buffer) -> tuple[int, int]:
        return extent(data, self.length)

    def sized(self, packet: Any, data: bytes | None) -> bytes:
        return self.length.pack(-1) if data is None else self.length.pack(len(data)) + data


class BoolField(Field[int, int]):
    """One byte: 0 is false."""

    def __init__(self, name: str, default: Any) -> None:
        super().__init__(name, default, "B")

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return int(x) if isinstance(x, bool) else x

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return {0: "false", 1: "true"}.get(x, f"true ({x})")


class NamedField(EnumField[int]):
    """A signed number that has names: shown as `NAME (number)`, set by either. Numbers without a name are numbers."""

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        if isinstance(x, str) and x not in (self.s2i or {}):
            raise ValueError(f"{self.name} has no value {x!r}")
        return super().any2i(pkt, x)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        name = (self.i2s or {}).get(x)
        return str(x) if name is None else f"{name} ({x})"


class ErrorField(NamedField):
    """An error code, by Kafka's names: `error_code="REQUEST_TIMED_OUT"`."""

    def __init__(self, name: str = "error_code", default: int = 0) -> None:
        super().__init__(name, default, {code: word for word, code in ERROR_CODES.items()}, "h")


class ApiField(NamedField):
    """An API key, by Kafka's names: `api_key="produce"`."""

    def __init__(self, name: str = "api_key", default: int = 0) -> None:
        super().__init__(name, default, API_NAMES, "h")


class TimeField(SignedLongField):
    """Milliseconds since 1970, UTC, shown as a date as well; -1 is none."""

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return at(x)


def at(milliseconds: Any) -> str:
    """The number, and the date that it is: `1700000000123 (2023-11-14 22:13:20.123)`."""
    if not isinstance(milliseconds, int) or not 0 <= milliseconds <= _LAST_DATE:
        return repr(milliseconds)
    date = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{milliseconds} ({date:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03})"


class SetField(FlagsField):
    """Flags by name; none of them is `none`."""

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return super().i2repr(pkt, x) or "none"


class TopicIdField(UUIDField):
    """A UUID, set and read as Kafka writes it: 22 characters of base64url. All zero is shown as `none`.

    A `uuid.UUID` can be set as well, and is what is stored.
    """

    def __init__(self, name: str, default: UUID | None = _NO_UUID) -> None:
        super().__init__(name, default)  # type: ignore[arg-type]  # its type says int, its documentation UUID

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        if isinstance(x, str) and len(x) == 22:
            return UUID(bytes=base64.urlsafe_b64decode(x + "=="))
        return super().any2i(pkt, x)

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        return s[skip(0, 16, len(s)) :], UUID(bytes=bytes(s[:16]))

    def i2h(self, pkt: Packet | None, x: Any) -> Any:
        return base64.urlsafe_b64encode(x.bytes).decode().rstrip("=") if isinstance(x, UUID) else x

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return "none" if isinstance(x, UUID) and not x.int else str(self.i2h(pkt, x))


class VarintField(Field[int, bytes]):
    """A signed number as a zigzag varint of at most ten bytes, as records have it."""

    def __init__(self, name: str, default: Any) -> None:
        super().__init__(name, default, "q")

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        value, at = read_varint(s)
        return s[at:], value

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s + encode_varint(int(val or 0))

    def i2len(self, pkt: Packet, x: Any) -> int:
        return len(encode_varint(int(x or 0)))


class VarBytesField(BytesField):
    """Nullable bytes with a varint before them, as records have their keys and values."""

    def extent(self, packet: Any, data: Buffer) -> tuple[int, int]:
        size, start = read_varint(data)
        return (start, start - 1) if size == -1 else (start, skip(start, size, len(data)))

    def sized(self, packet: Any, data: bytes | None) -> bytes:
        return b"\1" if data is None else encode_varint(len(data)) + data


class VarStringField(StringField, VarBytesField):
    """A string with a varint before it: the name of a record's header."""

    extent = VarBytesField.extent
    sized = VarBytesField.sized


def read_varint(data: Buffer) -> tuple[int, int]:
    """(value, next offset) of the zigzag varint at the beginning."""
    value, at = varint(data, 0, len(data))
    if value >> 64:
        raise UndecodableError("a varint holds more than 64 bits")
    return value >> 1 ^ -(value & 1), at


def encode_varint(value: int) -> bytes:
    """The zigzag varint of a signed 64-bit number."""
    return encode_uvarint((value << 1 ^ value >> 63) & (1 << 64) - 1)


class Int8EnumField(NamedField):
    """A signed byte that has names."""

    def __init__(self, name: str, default: int, names: dict[int, str]) -> None:
        super().__init__(name, default, names, "b")
