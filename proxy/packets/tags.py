"""Tagged fields (KIP-482), which stand at the end of every flexible structure, and of a flexible header."""

from __future__ import annotations

from struct import error as StructError
from typing import Any

from scapy.config import conf
from scapy.fields import ConditionalField, Field
from scapy.packet import Packet

from ..errors import UndecodableError
from ..kafka.primitives import encode_uvarint, skip, uvarint
from .arrays import StructsField, built, dissected
from .fields import BytesField, flexible
from .structs import KafkaPart, KafkaStruct


class TaggedField(ConditionalField):
    """A field that stands among the tagged ones at the end, under this number, from a version on. None is absent.

    It takes no bytes where it is listed: `TagsField`, which comes last, reads and writes it.
    """

    __slots__ = ["first", "tag"]

    def __init__(self, tag: int, first: int, fld: Any) -> None:
        super().__init__(fld, lambda packet: packet.version() >= first)
        self.tag, self.first = tag, first

    def covers(self, packet: KafkaStruct) -> bool:
        return packet.version() >= self.first

    def _evalcond(self, pkt: Any) -> bool:
        return pkt.getfieldval(self.fld.name) is not None and bool(self.cond(pkt))

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        return s, None

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s


class UnknownTag(KafkaPart):
    """A tagged field that this layer does not know: kept as it is."""

    name = "Tagged field"
    fields_desc = [Field("tag", 0), BytesField("data", b"")]

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        tag, at = uvarint(view, 0, len(view))
        size, at = uvarint(view, at, len(view))
        stop = skip(at, size, len(view))
        self.fields.update(tag=tag, data=bytes(view[at:stop]))
        self.dissected(bytes(view[:stop]))
        return view[stop:] if isinstance(s, memoryview) else bytes(view[stop:])

    def self_build(self) -> bytes:
        if self.as_dissected():
            return self.raw_packet_cache or b""
        return tagged(self.tag, bytes(self.data))


def tagged(tag: int, data: bytes) -> bytes:
    """A tagged field: its number, its size, its bytes."""
    return encode_uvarint(tag) + encode_uvarint(len(data)) + data


class TagsField(ConditionalField):
    """The tagged fields at the end of a flexible structure: `tags` holds those that this layer does not know."""

    def __init__(self) -> None:
        super().__init__(StructsField("tags", [], UnknownTag), lambda packet: bool(packet.getfieldval("tags")))

    def getfield(self, pkt: Any, s: Any) -> tuple[Any, Any]:
        if not flexible(pkt):
            return s, None
        known = {field.tag: field for field in pkt.fields_desc if isinstance(field, TaggedField) and field.covers(pkt)}
        number, at = uvarint(s, 0, len(s))
        rest, unknown = s[at:], []
        for _ in range(number):
            rest, one = dissected(UnknownTag, pkt, rest)
            field = known.get(one.tag)
            if field is None or not _taken(field, pkt, one.data):
                unknown.append(one)
        return rest, unknown

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        if not flexible(pkt):
            return s
        found = [(field.tag, _content(field, pkt)) for field in pkt.fields_desc if isinstance(field, TaggedField)]
        there = [(tag, tagged(tag, content)) for tag, content in found if content is not None]
        there += [(getattr(one, "tag", 0), built(pkt, one)) for one in val or ()]
        return b"".join([s, encode_uvarint(len(there)), *(data for _, data in sorted(there, key=lambda one: one[0]))])


def _taken(field: TaggedField, packet: KafkaStruct, data: bytes) -> bool:
    """Whether the packet now has this field's value; not if it has one already, or the bytes are something else."""
    if packet.fields.get(field.name) is not None:
        return False
    try:
        rest, value = field.fld.getfield(packet, data)
    except (UndecodableError, StructError):
        if conf.debug_dissector:
            raise
        return False
    if len(rest) or value is None:
        return False
    packet.fields[field.name] = value
    return True


def _content(field: TaggedField, packet: KafkaStruct) -> bytes | None:
    value = packet.getfieldval(field.name)
    return None if value is None or not field.covers(packet) else field.fld.addfield(packet, b"", value)
