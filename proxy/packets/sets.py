"""The records of a partition: batches, messages of older releases, or the beginning of one that was cut off."""

from __future__ import annotations

from typing import Any

from scapy.packet import Packet, Raw

from .arrays import built, several
from .batches import RecordBatch
from .fields import NULL, BytesField
from .messages import magic_of_message, whole
from .structs import KafkaPart, parts

_MAGIC_AT = 16


class BatchesField(BytesField):
    """Nullable bytes that hold batches one after the other. A fetch may end within one: that rest is `Raw`."""

    islist = 1
    holds_packets = 1

    def __init__(self, name: str, default: Any = None) -> None:
        super().__init__(name, default)

    def m2i(self, pkt: Packet | None, x: bytes) -> Any:
        return batches(pkt, x)

    def i2m(self, pkt: Any, x: Any) -> bytes:
        return b"".join(built(pkt, one) for one in x)

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        if x is None:
            return None
        value = x if isinstance(x, list) else [Raw(load=x)] if isinstance(x, bytes) else [x]
        for part in parts(value):
            part.parent = pkt
        return value

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return NULL if x is None else repr(x)


def batches(owner: Any, data: bytes) -> list[Packet]:
    """The batches in these bytes."""
    return several(owner, memoryview(data), _class)


def _class(data: memoryview) -> type[KafkaPart] | None:
    return RecordBatch if whole(data) and data[_MAGIC_AT] == 2 else magic_of_message(data)
