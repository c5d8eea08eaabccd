"""Lengths, counts and check sums: computed where they are not given, and again when what they count has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scapy.fields import Field
from scapy.packet import Packet

from ..kafka.checksums import batch_crc


class FromWire(int):
    """A length, a count or a check sum as it was dissected.

    `due` is what it would have been, computed from what was there. As long as that is so the number stays, right or
    wrong; once it would be another one, that one is written. What was set by hand is a plain int, and stays for good.
    """

    due: int | None = None

    def now(self, due: int) -> int:
        """The number to write when `due` is what it would be now."""
        return self if due == self.due else due


def computed(value: Any) -> bool:
    """Whether nobody has set this number by hand."""
    return value is None or isinstance(value, FromWire)


class ComputedField(Field[int | None, int]):
    """A number that follows from the rest of the packet, by `compute`, where it is not given."""

    __slots__ = ["compute"]

    def __init__(self, name: str, fmt: str, compute: Callable[[Any], int]) -> None:
        super().__init__(name, None, fmt)
        self.compute = compute

    def m2i(self, pkt: Packet | None, x: int) -> Any:
        return FromWire(x)

    def i2m(self, pkt: Packet | None, x: Any) -> int:
        if not computed(x):
            return int(x)
        due = self.compute(pkt)
        return due if x is None else x.now(due)

    def settle(self, packet: Packet) -> None:
        """After the dissection of the whole packet: what would this number be?"""
        value = packet.fields.get(self.name)
        if isinstance(value, FromWire):
            value.due = self.compute(packet)


class CrcField(ComputedField):
    """The check sum of all that follows it in the batch; once that is there, `show()` says whether it is right."""

    def __init__(self, name: str = "crc") -> None:
        super().__init__(name, "I", lambda packet: 0)

    def i2repr(self, pkt: Any, x: Any) -> str:
        if x is None:
            return "None"
        data = pkt.raw_packet_cache
        if data is None:
            return f"{x:#010x}"
        right = batch_crc(data)
        return f"{x:#010x} " + ("(right)" if x == right else f"(wrong: {right:#010x} is right)")
