"""Messages of magic 0 and 1: what partitions hold from releases before 0.11, and what clients of those send.

A compressed message has a set of messages for its value: `messages` shows them, and it keeps its bytes until one of
them is changed. They are not opened further, since Kafka knows no compression within a compression.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from scapy.fields import BitEnumField, BitField, ConditionalField, SignedByteField, SignedLongField
from scapy.packet import Packet, Raw

from ..errors import UndecodableError
from ..kafka.batch_headers import LENGTH_ENDS
from ..kafka.batches import CODECS
from ..kafka.checksums import batch_crc
from .arrays import built, several
from .codecs import opened, packed
from .computed import ComputedField, CrcField, computed
from .fields import INT, NULL, BytesField, SetField, TimeField
from .structs import KafkaPart

_CRC = Struct(">I")
_CRC_AT = 12
_MAGIC_AT = 16


class MessagesField(BytesField):
    """The value of a compressed message, opened; `Raw` where it cannot be."""

    islist = 1
    holds_packets = 1

    def m2i(self, pkt: Any, x: bytes) -> Any:
        if isinstance(pkt.parent, Message):
            return [Raw(load=x)]
        try:
            found = several(pkt, opened(pkt, memoryview(x)), magic_of_message)
        except UndecodableError:
            return [Raw(load=x)]
        return found if all(isinstance(one, Message) for one in found) else [Raw(load=x)]

    def i2m(self, pkt: Any, x: Any) -> bytes:
        data = b"".join(built(pkt, one) for one in x)
        return packed(pkt, data) if any(isinstance(one, Message) for one in x) else data

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return x if x is None or isinstance(x, list) else [x]

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return NULL if x is None else repr(x)


class Message(KafkaPart):
    """One message. With magic 1 it has a time, and offsets within a compressed one count from 0 (KIP-31, KIP-32)."""

    name = "Message"
    fields_desc = [
        SignedLongField("offset", 0),
        ComputedField("message_size", "i", lambda packet: 0),
        CrcField(),
        SignedByteField("magic", 1),
        BitField("reserved", 0, 4),
        SetField("flags", 0, 1, ["log_append_time"]),
        BitEnumField("compression", 0, 3, dict(enumerate(CODECS))),
        ConditionalField(TimeField("timestamp", -1), lambda packet: packet.magic > 0),
        BytesField("key", None),
        ConditionalField(BytesField("value", None), lambda packet: not packet.compression),
        ConditionalField(MessagesField("messages", None), lambda packet: packet.compression),
    ]

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        end = LENGTH_ENDS + INT.unpack_from(view, LENGTH_ENDS - 4)[0]
        if not _MAGIC_AT < end <= len(view):
            raise UndecodableError(
                f"a message claims {end - LENGTH_ENDS} bytes, where {len(view) - LENGTH_ENDS} are left"
            )
        if len(super().do_dissect(view[:end])):
            raise UndecodableError("a message does not end where its size says")
        return view[end:] if isinstance(s, memoryview) else bytes(view[end:])

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if computed(self.getfieldval("message_size")):
            pkt = pkt[:8] + INT.pack(len(pkt) - LENGTH_ENDS) + pkt[LENGTH_ENDS:]
        if computed(self.getfieldval("crc")):
            pkt = pkt[:_CRC_AT] + _CRC.pack(batch_crc(pkt)) + pkt[_CRC_AT + 4 :]
        return pkt + pay

    def mysummary(self) -> str:
        return f"Message of magic {self.magic}"


def magic_of_message(data: memoryview) -> type[KafkaPart] | None:
    """`Message` where a whole one begins."""
    return Message if whole(data) and data[_MAGIC_AT] < 2 else None


def whole(data: memoryview) -> bool:
    """Whether the batch, or the message, at the beginning is all there."""
    return len(data) > _MAGIC_AT and 0 <= INT.unpack_from(data, LENGTH_ENDS - 4)[0] <= len(data) - LENGTH_ENDS
