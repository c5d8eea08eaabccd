"""Arrays and structures as fields: an int32 or, where compact, an unsigned varint before the elements; null is -1."""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError
from typing import Any

from scapy.config import conf
from scapy.fields import Field
from scapy.packet import Packet, Raw

from ..errors import UndecodableError
from ..kafka.primitives import encode_uvarint, uvarint
from .fields import INT, NULL, flexible
from .structs import KafkaPart, parts


class ArrayField(Field[list[Any] | None, bytes]):
    """A nullable array: an int32 or, where compact, an unsigned varint of its length plus one; then its elements."""

    __slots__ = ["element"]
    islist = 1

    def __init__(self, name: str, default: Any, element: Field[Any, Any]) -> None:
        self.element = element
        super().__init__(name, default, "I")

    def count(self, packet: Any, data: Any) -> tuple[int, Any]:
        """(how many there are, -1 for null; what follows). No more are believed than there are bytes."""
        if flexible(packet):
            number, at = uvarint(data, 0, len(data))
            number -= 1
        else:
            (number,), at = INT.unpack_from(data), 4
        if not -1 <= number <= len(data) - at:
            raise UndecodableError(f"{self.name} claims {number} elements, where {len(data) - at} bytes are left")
        return number, data[at:]

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        number, rest = self.count(pkt, s)
        if number < 0:
            return rest, None
        found = []
        for _ in range(number):
            rest, value = self.get(pkt, rest)
            found.append(value)
        return rest, found

    def get(self, packet: Packet, data: Any) -> tuple[Any, Any]:
        return self.element.getfield(packet, data)

    def put(self, packet: Packet, value: Any) -> bytes:
        return self.element.addfield(packet, b"", value)

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        number = -1 if val is None else len(val)
        size = encode_uvarint(number + 1) if flexible(pkt) else INT.pack(number)
        return b"".join([s, size, *(self.put(pkt, one) for one in val or ())])

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return x if x is None or isinstance(x, list) else [*x] if isinstance(x, (tuple, range)) else [x]

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return NULL if x is None else f"[{', '.join(self.element.i2repr(pkt, one) for one in x)}]"

    def i2len(self, pkt: Packet, x: Any) -> int:
        return len(self.addfield(pkt, b"", x))

    def i2count(self, pkt: Packet | None, x: Any) -> int:
        return len(x or ())


class StructsField(ArrayField):
    """A nullable array of structures."""

    __slots__ = ["cls"]
    holds_packets = 1

    def __init__(self, name: str, default: Any, cls: type[KafkaPart]) -> None:
        super().__init__(name, default, Field(name, 0))
        self.cls = cls

    def get(self, packet: Packet, data: Any) -> tuple[Any, Any]:
        return dissected(self.cls, packet, data)

    def put(self, packet: Packet, value: Any) -> bytes:
        return built(packet, value)

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        value = super().any2i(pkt, x)
        if pkt is not None:
            for part in parts(value):
                part.parent = pkt
        return value

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return NULL if x is None else repr(x)


class StructField(Field[Packet | None, bytes]):
    """One structure."""

    __slots__ = ["cls"]
    holds_packets = 1

    def __init__(self, name: str, cls: type[KafkaPart]) -> None:
        self.cls = cls
        super().__init__(name, None, "I")

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        return dissected(self.cls, pkt, s)

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s + built(pkt, val if val is not None else self.cls())

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        if isinstance(x, Packet) and pkt is not None:
            x.parent = pkt
        return x


def dissected(cls: type[KafkaPart], owner: Packet, data: Any) -> tuple[Any, Any]:
    """(what follows, the packet of this class at the beginning of `data`)."""
    part = cls(_internal=1, _parent=owner)
    rest = part.do_dissect(memoryview(data))
    part.original = part.raw_packet_cache or b""
    return rest, part


def built(owner: Packet, part: Any) -> bytes:
    """The bytes of a packet in a field of `owner`'s."""
    if not isinstance(part, Packet):
        return bytes(part)
    part.parent = owner
    return part.build()


def several(owner: Packet, data: memoryview, choose: Callable[[memoryview], type[KafkaPart] | None]) -> list[Packet]:
    """The packets that stand one after the other, each of the class that `choose` finds for what is left.

    What has none, and what cannot be read, is one `Raw` with all that follows it.
    """
    found: list[Packet] = []
    while len(data):
        cls = choose(data)
        if cls is None:
            return [*found, Raw(load=bytes(data))]
        try:
            data, one = dissected(cls, owner, data)
        except (UndecodableError, StructError):
            if conf.debug_dissector:
                raise
            return [*found, Raw(load=bytes(data))]
        found.append(one)
    return found
