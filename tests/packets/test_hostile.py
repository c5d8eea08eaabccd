"""Bytes that are not what they claim: they become `Raw`, come out as they went in, and take no room to speak of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.config import conf
from scapy.packet import Packet, Raw

from ackdrop.kafka.compression import compress
from ackdrop.packets import (
    FetchPartitionResponse,
    FetchResponse,
    FetchTopicResponse,
    KafkaRequest,
    KafkaResponse,
    Message,
    MetadataRequest,
    ProducePartition,
    ProduceRequest,
    ProduceTopic,
    Record,
    RecordBatch,
    UnknownTag,
    codecs,
)


@pytest.fixture
def _quiet() -> Iterator[None]:
    """As scapy's users have it: what cannot be dissected is raw."""
    conf.debug_dissector = False
    yield
    conf.debug_dissector = True


def produce(*batches: Any) -> KafkaRequest:
    partitions = [ProducePartition(index=at, records=one) for at, one in enumerate(batches)]
    return KafkaRequest() / ProduceRequest(topic_data=ProduceTopic(topic="t", partition_data=partitions))


def packed(codec: str, count: int) -> RecordBatch:
    """A batch of so many small records."""
    return RecordBatch(bytes(RecordBatch(compression=codec, records=[Record() for _ in range(count)])))


@pytest.mark.usefixtures("_quiet")
class TestRaw:
    @pytest.mark.parametrize("size", range(1, 30))
    def test_frames_that_are_too_short_for_a_header(self, size: int) -> None:
        frame = bytes(KafkaRequest(api_version=9, client_id="x" * 20) / MetadataRequest())[:size]
        assert bytes(KafkaRequest(frame)) == frame
        assert bytes(KafkaResponse(frame, api_key="metadata", api_version=9)) == frame
        assert Raw in KafkaRequest(frame)

    def test_a_length_below_what_the_header_takes(self) -> None:
        frame = b"\0\0\0\3" + bytes(40)
        assert type(KafkaRequest(frame)).__mro__[1] is Raw
        assert bytes(KafkaRequest(frame)) == frame

    @pytest.mark.parametrize("at", range(12, 120, 5))
    def test_a_frame_that_is_cut_off_has_its_header(self, at: int) -> None:
        frame = bytes(produce(packed("none", 3)))[:at]
        packet = KafkaRequest(frame)
        assert bytes(packet) == frame
        assert Raw in packet

    def test_a_list_that_claims_more_than_there_is(self) -> None:
        body = struct.pack(">hhii", -1, -1, 30_000, 2**31 - 1) + bytes(50)
        packet = KafkaRequest(bytes(KafkaRequest(api_key=0, api_version=7) / body))
        assert type(packet.payload) is Raw

    def test_a_version_that_nobody_knows_yet(self) -> None:
        packet = KafkaRequest(bytes(KafkaRequest(api_key="produce", api_version=14) / b"new"))
        assert (packet.api_version, type(packet.payload)) == (14, Raw)

    def test_what_follows_a_body_is_kept(self) -> None:
        frame = bytes(KafkaRequest(api_key=3, api_version=1) / b"\xff\xff\xff\xff" / b"more")
        packet = KafkaRequest(frame)
        assert packet[MetadataRequest].topics is None
        assert bytes(packet[Raw]) == b"more"
        assert bytes(packet) == frame

    def test_records_that_are_none_leave_the_batch(self) -> None:
        broken = bytearray(bytes(packed("none", 3)))
        broken[61] = 0x7F
        packet = KafkaRequest(bytes(produce(bytes(broken))))
        assert packet[RecordBatch].records_count == 3
        assert [type(one) for one in packet[RecordBatch].records] == [Raw]
        assert "(wrong: " in packet[RecordBatch].sprintf("%RecordBatch.crc%")

    @pytest.mark.parametrize(
        "records", [bytes(Record(offset_delta=0)) + b"!", b"\x0e" + bytes(Record(offset_delta=0))[1:] + b"!"]
    )
    def test_records_that_do_not_end_where_they_should_leave_the_batch(self, records: bytes) -> None:
        """A byte behind the last one, or within it."""
        frame = bytes(produce(RecordBatch(records=[Raw(records)], records_count=1)))
        packet = KafkaRequest(frame)
        assert [type(one) for one in packet[RecordBatch].records] == [Raw]
        assert bytes(packet) == frame

    def test_a_fetch_may_end_within_a_batch(self) -> None:
        whole, cut = bytes(packed("none", 3)), bytes(packed("none", 3))[:-7]
        for rest in (cut, cut[:11]):
            partition = FetchPartitionResponse(records=[Raw(whole + rest)])
            answer = KafkaResponse() / FetchResponse(responses=FetchTopicResponse(partitions=partition))
            found = KafkaResponse(bytes(answer), api_key=1, api_version=11)
            assert [type(one) for one in found.responses[0].partitions[0].records] == [RecordBatch, Raw]
            assert bytes(found) == bytes(answer)

    def test_a_tag_that_is_known_but_holds_something_else_is_kept_as_it_is(self) -> None:
        """Tag 0 are the node endpoints: too few bytes for them, and one byte too many."""
        for data in (b"\x05no", b"\x01!"):
            answer = KafkaResponse(api_version=16) / FetchResponse(tags=UnknownTag(tag=0, data=data))
            found = KafkaResponse(bytes(answer), api_key=1, api_version=16)
            assert found[FetchResponse].node_endpoints is None
            assert [(one.tag, one.data) for one in found[FetchResponse].tags] == [(0, data)]
            assert bytes(found) == bytes(answer)


def test_a_dissectors_error_is_told_to_who_wants_to_know() -> None:
    with pytest.raises(struct.error):
        KafkaRequest(bytes(KafkaRequest(api_key=0, api_version=7) / b"\1"))


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
class TestBombs:
    """Every body has one budget for all of its batches."""

    def test_bytes(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(codecs, "EXPANDED_LIMIT", 3000)
        bomb = RecordBatch(compression=codec, records=[Raw(compress(codec, bytes(1 << 22)))], records_count=1)
        packet = KafkaRequest(bytes(produce(packed(codec, 3), packed(codec, 3), bomb, packed(codec, 3))))
        assert self.opened(packet) == [True, True, False, False]

    def test_bytes_of_several(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each is within the limit, both are not."""
        record = len(bytes(Record(offset_delta=0)))
        monkeypatch.setattr(codecs, "EXPANDED_LIMIT", 5 * record)
        packet = KafkaRequest(bytes(produce(packed(codec, 3), packed(codec, 3))))
        assert self.opened(packet) == [True, False]

    def test_records(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(codecs, "RECORDS_LIMIT", 8)
        frame = bytes(produce(*(packed(codec, 3) for _ in range(3))))
        packet = KafkaRequest(frame)
        assert self.opened(packet) == [True, True, False]
        assert bytes(packet) == frame
        assert self.opened(KafkaRequest(frame)) == [True, True, False]

    @staticmethod
    def opened(packet: Packet) -> list[bool]:
        batches = [one.records[0] for one in packet.topic_data[0].partition_data]
        return [isinstance(batch.records[0], Record) for batch in batches]


@pytest.mark.parametrize("codec", ["gzip", "snappy"])
def test_within_a_message_nothing_is_opened_twice(codec: str) -> None:
    """A compression that holds itself would never end."""
    inner = Message(magic=1, compression=codec, messages=Message(magic=1, value=b"deep"))
    outer = Message(bytes(Message(magic=1, compression=codec, messages=inner)))
    assert [type(one) for one in outer.messages] == [Message]
    assert [type(one) for one in outer.messages[0].messages] == [Raw]


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy"])
def test_old_messages(magic: int, codec: str) -> None:
    """By hand, dissected, changed, and dissected again."""
    plain = [Message(magic=magic, offset=at, key=b"k", value=b"v%d" % at) for at in range(2)]
    made = plain if codec == "none" else [Message(magic=magic, offset=1, compression=codec, messages=plain)]
    request = KafkaRequest(bytes(produce(made)))
    (partition,) = request.topic_data[0].partition_data
    read = partition.records if codec == "none" else partition.records[0].messages
    assert [(one.offset, one.key, one.value, one.magic) for one in read] == [
        (0, b"k", b"v0", magic),
        (1, b"k", b"v1", magic),
    ]
    assert all("(right)" in one.sprintf("%Message.crc%") for one in read)
    read[1].value = b"changed"
    again = KafkaRequest(bytes(request)).topic_data[0].partition_data[0].records
    last = again[1] if codec == "none" else again[0].messages[1]
    assert last.value == b"changed"
    assert all("(right)" in one.sprintf("%Message.crc%") for one in again)
