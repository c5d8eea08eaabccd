"""What a real Redpanda and its clients sent: every frame dissected, and rebuilt byte for byte."""

from __future__ import annotations

import pytest
from scapy.packet import Packet, Raw

from ackdrop.packets import KafkaRequest, KafkaResponse, Record, RecordBatch
from ackdrop.packets.apis import BODIES

from ..messages import captured
from .rebuilding import rebuilt

NAMED = {request.API for request, _ in BODIES}


def packets() -> list[tuple[str, int, bytes, Packet]]:
    found = []
    for seen in captured():
        told = {"api_key": seen.api_key, "api_version": seen.api_version}
        packet = KafkaRequest(seen.frame) if seen.direction == "request" else KafkaResponse(seen.frame, **told)
        found.append((seen.file, seen.api_key, seen.frame, packet))
    return found


def test_every_frame_is_dissected_and_comes_out_as_it_was() -> None:
    seen = packets()
    assert len(seen) > 700
    for _, key, frame, packet in seen:
        assert bytes(packet) == frame
        assert (Raw in packet) == (key not in NAMED and len(packet.payload) > 0)


def test_every_frame_is_the_same_when_it_is_built_from_its_fields() -> None:
    """But for the bytes of compressed batches, which depend on the library that compressed them."""
    for _, key, frame, packet in packets():
        if key in NAMED:
            assert bytes(rebuilt(packet)) == frame


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_records_of_compressed_batches_are_there(codec: str) -> None:
    batches = [
        packet[RecordBatch]
        for file, _, _, packet in packets()
        if file.endswith(f"codec-{codec}") and RecordBatch in packet
    ]
    assert batches
    for batch in batches:
        assert batch.sprintf("%RecordBatch.compression%") == codec
        assert len(batch.records) == batch.records_count > 0
        assert all(isinstance(record, Record) and record.value for record in batch.records)
        assert "(right)" in batch.sprintf("%RecordBatch.crc%")
