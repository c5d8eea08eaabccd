"""What all parts of a Kafka message have in common: fields that depend on the API version.

A `KafkaStruct` finds its version by climbing: from an element to the body that holds it, and to the header below that.
A body without a header takes its `ASSUMED` version, the newest one that Redpanda and Apache Kafka 4 both speak.

A packet that was dissected gives its very bytes back as long as nothing in it, at whatever depth, was changed. What was
changed is built anew, and so is everything around it; what stands beside it keeps its bytes.
"""

from __future__ import annotations

from typing import Any, ClassVar

from scapy.config import conf
from scapy.fields import ConditionalField, FlagValue
from scapy.packet import Packet

from ..kafka.apis import NEVER, flexible_version
from .columns import shown


class KafkaPart(Packet):
    """A part of a message: it is dissected without copying what is left, and knows whether it was changed since."""

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        rest: Any = view
        for field in self.fields_desc:
            rest, value = field.getfield(self, rest)
            if value is not None or not isinstance(field, ConditionalField):
                self.fields[field.name] = value
        self.dissected(bytes(view[: len(view) - len(rest)]))
        return rest if isinstance(s, memoryview) else bytes(rest)

    def dissected(self, data: bytes) -> None:
        """Take these bytes for what the fields say now."""
        self.raw_packet_cache = data
        self.raw_packet_cache_fields = {name: _mark(value) for name, value in self.fields.items()}
        self.explicit = 1

    def as_dissected(self) -> bool:
        """Whether the bytes that were dissected are still what the fields say."""
        then = self.raw_packet_cache_fields
        if self.raw_packet_cache is None or then is None:
            return False
        return all(_unchanged(self.fields.get(name), mark) for name, mark in then.items())

    def self_build(self) -> bytes:
        if self.raw_packet_cache is not None:
            if self.as_dissected():
                return self.raw_packet_cache
            self.raw_packet_cache = self.raw_packet_cache_fields = None
        return super().self_build()

    def copy(self) -> Any:
        clone = super().copy()
        clone.adopt()
        return clone

    def adopt(self) -> None:
        """Tell the packets in this one's fields whose they are, since copies of them still name the original."""
        for field in self.packetfields:
            for part in parts(self.fields.get(field.name)):
                part.parent = self

    def _show_or_dump(
        self, dump: bool = False, indent: int = 3, lvl: str = "", label_lvl: str = "", first_call: bool = True
    ) -> str | None:
        self.adopt()
        text = shown(self, dump=dump, indent=indent, lvl=lvl, label_lvl=label_lvl)
        if first_call and not dump:
            print(text)
            return None
        return text

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        return b"", s

    def default_payload_class(self, payload: bytes) -> type[Packet]:
        return conf.padding_layer


def parts(value: Any) -> list[Packet]:
    """The packets in a field's value: one, many, or none."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, Packet)]


def _mark(value: Any) -> Any:
    """What tells whether the value of a field was changed in place."""
    if isinstance(value, list):
        return tuple(one.raw_packet_cache if isinstance(one, Packet) else one for one in value)
    if isinstance(value, Packet):
        return value.raw_packet_cache
    return int(value) if isinstance(value, FlagValue) else value


def _unchanged(value: Any, mark: Any) -> bool:
    return bool(_mark(value) == mark) and all(one.as_dissected() for one in parts(value) if isinstance(one, KafkaPart))


class KafkaHeader(KafkaPart):
    """What a body stands on: it has an `api_version`, which may be None."""


class KafkaStruct(KafkaPart):
    """A structure of the protocol: which fields it has, and whether it is flexible, depends on the version."""

    API: ClassVar[int] = 0
    ASSUMED: ClassVar[int] = 0

    def version(self) -> int:
        """The API version in which this structure is written."""
        top = self.top()
        below = top.underlayer
        told = below.getfieldval("api_version") if isinstance(below, KafkaHeader) else None
        return top.ASSUMED if told is None else int(told)

    def top(self) -> KafkaStruct:
        """The body that this structure is part of."""
        packet = self
        while isinstance(packet.parent, KafkaStruct):
            packet = packet.parent
        return packet

    def is_flexible(self) -> bool:
        return flexible_version(self.top().API, self.version())


class KafkaBody(KafkaStruct):
    """The body of a request or a response; `LATEST` is the newest version that this layer knows.

    `budget` is what may still be opened of its compressed batches, while it is dissected.
    """

    LATEST: ClassVar[int] = 0
    __slots__ = ["budget"]

    def __init__(self, *args: Any, **kargs: Any) -> None:
        self.budget: Any = None
        super().__init__(*args, **kargs)

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        return s, None

    def default_payload_class(self, payload: bytes) -> type[Packet]:
        return conf.raw_layer


class VersionField(ConditionalField):
    """A field that messages have from version `first` to version `last`, both included."""

    __slots__ = ["first", "last"]

    def __init__(self, fld: Any, first: int, last: int) -> None:
        super().__init__(fld, lambda packet: first <= packet.version() <= last)
        self.first, self.last = first, last


def since(first: int, field: Any) -> VersionField:
    """A field that came with this version."""
    return VersionField(field, first, NEVER)


def until(last: int, field: Any) -> VersionField:
    """A field that is there up to this version."""
    return VersionField(field, 0, last)


def between(first: int, last: int, field: Any) -> VersionField:
    """A field that came with one version and has its last one here."""
    return VersionField(field, first, last)
