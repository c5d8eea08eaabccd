"""A packet made again from the values of its fields alone, so that nothing comes from the bytes that it had."""

from __future__ import annotations

from typing import Any

from scapy.packet import NoPayload, Packet

from ackdrop.packets import Message, RecordBatch
from ackdrop.packets.computed import FromWire


def rebuilt(packet: Packet) -> Packet:
    """The same packet, from its fields. Compressed batches stay as they are: no two libraries write them alike."""
    if isinstance(packet, (RecordBatch, Message)) and packet.compression:
        return packet
    fields = {name: _value(value) for name, value in packet.fields.items() if not isinstance(value, FromWire)}
    again: Any = type(packet)(**fields)
    return again if isinstance(packet.payload, NoPayload) else again / rebuilt(packet.payload)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    return rebuilt(value) if isinstance(value, Packet) else value
