"""Records as batches of magic 2 hold them, and the markers that brokers write among them."""

from __future__ import annotations

from typing import Any

from scapy.fields import SignedByteField
from scapy.packet import Packet

from ..errors import UndecodableError
from .arrays import StructsField, built
from .computed import FromWire, computed
from .fields import VarBytesField, VarintField, VarStringField, encode_varint, read_varint
from .structs import KafkaPart

CONTROL_TYPES = (
    "abort",
    "commit",
    "leader_change",
    "snapshot_header",
    "snapshot_footer",
    "kraft_version",
    "kraft_voters",
)
"""What a control record says, by the number in its key (ControlRecordType of Apache Kafka)."""


class HeadersField(StructsField):
    """A record's headers, with a varint of their count before them."""

    def count(self, packet: Any, data: Any) -> tuple[int, Any]:
        number, at = read_varint(data)
        if not 0 <= number <= len(data) - at:
            raise UndecodableError(f"{number} headers of a record do not fit into {len(data) - at} bytes")
        return number, data[at:]

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return b"".join([s, encode_varint(len(val or ())), *(built(pkt, one) for one in val or ())])


class RecordHeader(KafkaPart):
    name = "Record header"
    fields_desc = [VarStringField("key", ""), VarBytesField("value", None)]


class RecordLengthField(VarintField):
    """The record's length without itself: computed where it is None."""

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        rest, length = super().getfield(pkt, s)
        return rest, FromWire(length)

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s if computed(val) else super().addfield(pkt, s, val)


class Record(KafkaPart):
    """A record. Its offset and its create time are those of the batch plus its deltas.

    Where `offset_delta` is None it is the record's place in the list.
    """

    name = "Record"
    fields_desc = [
        RecordLengthField("length", None),
        SignedByteField("attributes", 0),
        VarintField("timestamp_delta", 0),
        VarintField("offset_delta", None),
        VarBytesField("key", None),
        VarBytesField("value", b""),
        HeadersField("headers", [], RecordHeader),
    ]

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        length, at = read_varint(view)
        if not 0 <= length <= len(view) - at:
            raise UndecodableError(f"a record claims {length} bytes, where {len(view) - at} are left")
        if len(super().do_dissect(view[: at + length])):
            raise UndecodableError("a record does not end where its length says")
        return view[at + length :] if isinstance(s, memoryview) else bytes(view[at + length :])

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        return (encode_varint(len(pkt)) if computed(self.getfieldval("length")) else b"") + pkt + pay


class MarkerField(VarBytesField):
    """The key of a control record: its version and what it means, both int16. Set by name, too: `key="commit"`."""

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return bytes([0, 0, 0, CONTROL_TYPES.index(x)]) if x in CONTROL_TYPES else super().any2i(pkt, x)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        number = int.from_bytes(x[2:4], "big") if isinstance(x, bytes) and len(x) == 4 else -1
        shown = super().i2repr(pkt, x)
        return f"{CONTROL_TYPES[number]} ({shown})" if 0 <= number < len(CONTROL_TYPES) else shown


class ControlRecord(Record):
    """A marker that the broker wrote: the end of a transaction for the most part."""

    name = "Control record"
    fields_desc = [*Record.fields_desc[:4], MarkerField("key", b"\0\0\0\1"), *Record.fields_desc[5:]]

    @property
    def marker(self) -> str:
        """`commit`, `abort` or another name; the key itself where it has none."""
        return str(self.get_field("key").i2repr(self, self.getfieldval("key"))).partition(" ")[0]

    def mysummary(self) -> str:
        return f"Control record {self.marker}"
