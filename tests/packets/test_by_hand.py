"""Requests that are made by hand, and their answers."""

from __future__ import annotations

import pickle
import struct
import zlib

import pytest

from ackdrop.kafka.batches import iter_batches
from ackdrop.kafka.checksums import batch_crc, crc32c
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request
from ackdrop.kafka.records import iter_records
from ackdrop.packets import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    KafkaRequest,
    KafkaResponse,
    MetadataRequest,
    ProducePartition,
    ProduceRequest,
    ProduceResponse,
    ProduceTopic,
    Record,
    RecordBatch,
    RecordHeader,
)


def produce(**header: int) -> KafkaRequest:
    records = [Record(key=b"k", value=b"v", headers=[RecordHeader(key="h", value=b"1")]), Record(value=None)]
    batch = RecordBatch(producer_id=1000, producer_epoch=0, base_sequence=5, records=records)
    topic = ProduceTopic(topic="orders", partition_data=ProducePartition(index=3, records=batch))
    return KafkaRequest(correlation_id=7, client_id="me", **header) / ProduceRequest(topic_data=topic)


@pytest.mark.parametrize("version", range(13))
def test_a_produce_request_is_what_the_relay_reads(version: int) -> None:
    """Lengths, counts and the CRC are computed; the data path's own parser agrees with every figure."""
    frame = bytes(produce(api_version=version))
    header = request_header(memoryview(frame))
    assert (header.api_key, header.api_version, header.correlation_id, header.client_id) == (0, version, 7, "me")
    (entry,) = parse_request(memoryview(frame), header).entries
    assert (entry.topic, entry.partition) == ("orders", 3)
    (batch,) = iter_batches(frame[entry.start : entry.end])
    read = batch.header
    assert (read.producer_id, read.producer_epoch, read.base_sequence) == (1000, 0, 5)
    assert (read.records, read.last_offset_delta, read.crc) == (2, 1, batch_crc(batch.data))
    first, second = iter_records(batch)
    assert (first.key, first.value, first.headers, first.offset_delta) == (b"k", b"v", (("h", b"1"),), 0)
    assert (second.key, second.value, second.offset_delta) == (None, None, 1)


def test_the_version_is_the_headers_or_the_one_that_everybody_speaks() -> None:
    assert KafkaRequest(bytes(produce())).api_version == 7
    request = produce()
    request.api_version = 9
    assert KafkaRequest(bytes(request)).api_version == 9
    alone = KafkaRequest() / InitProducerIdRequest()
    assert (alone.api_key, alone.api_version) == (22, 3)


def test_a_dissected_request_can_be_written_in_another_version() -> None:
    request = KafkaRequest(bytes(produce(api_version=7)))
    request.api_version = 9
    assert bytes(request) == bytes(produce(api_version=9))


def test_a_change_deep_inside_is_seen() -> None:
    """Lengths, counts and the CRC follow it, since nobody set them by hand."""
    request = KafkaRequest(bytes(produce()))
    record = request.topic_data[0].partition_data[0].records[0].records[1]
    record.value = b"changed"
    again = KafkaRequest(bytes(request))
    batch = again[RecordBatch]
    assert batch.records[1].value == b"changed"
    assert batch.crc == batch_crc(bytes(batch))
    assert again.length == len(bytes(again)) - 4


def test_a_record_that_is_appended_is_counted() -> None:
    request = KafkaRequest(bytes(produce()))
    request[RecordBatch].records.append(Record(value=b"third"))
    batch = KafkaRequest(bytes(request))[RecordBatch]
    assert (batch.records_count, batch.last_offset_delta, batch.records[2].offset_delta) == (3, 2, 2)


def test_what_compaction_left_of_a_batch_stays() -> None:
    """Its last record may be gone, and is counted all the same: nothing that counts it has changed."""
    records = [Record(offset_delta=3, value=b"x"), Record(offset_delta=7, value=b"y")]
    assert RecordBatch(bytes(RecordBatch(records=records))).last_offset_delta == 7
    batch = RecordBatch(bytes(RecordBatch(records=records, last_offset_delta=9)))
    batch.producer_id = 5
    again = RecordBatch(bytes(batch))
    assert (again.last_offset_delta, again.producer_id, again.crc) == (9, 5, batch_crc(bytes(again)))


def test_building_changes_nothing() -> None:
    record = Record(value=b"x")
    bytes(RecordBatch(records=record))
    assert record.offset_delta is None


def test_all_topics_are_an_empty_list_to_the_oldest_metadata() -> None:
    """It has no null; since version 1 an empty list asks for none."""
    for version, ends in ((0, b"\0\0\0\0"), (1, b"\xff\xff\xff\xff")):
        assert bytes(KafkaRequest(api_version=version) / MetadataRequest())[14:] == ends


def test_what_is_set_by_hand_stays() -> None:
    request = produce()
    request[RecordBatch].crc = 0xDEADBEEF
    request[RecordBatch].last_offset_delta = 9
    request.length = 5000
    frame = bytes(request)
    assert struct.pack(">I", 0xDEADBEEF) in frame
    assert frame[:4] == struct.pack(">i", 5000)
    read = KafkaRequest(frame)
    assert (read.length, read[RecordBatch].crc, read[RecordBatch].last_offset_delta) == (5000, 0xDEADBEEF, 9)


def test_another_compression_is_another_batch() -> None:
    request = KafkaRequest(bytes(produce()))
    request[RecordBatch].compression = "lz4"
    request[RecordBatch].flags.transactional = True
    batch = KafkaRequest(bytes(request))[RecordBatch]
    assert str(batch.flags) == "transactional"
    assert [record.value for record in batch.records] == [b"v", None]


def test_an_answer_is_read_with_its_request() -> None:
    request = KafkaRequest(correlation_id=5, api_version=4) / InitProducerIdRequest()
    answer = KafkaResponse(correlation_id=5, api_version=4) / InitProducerIdResponse(producer_id=12, error_code=51)
    read = KafkaResponse(bytes(answer), request=request)
    assert (read.producer_id, read.error_code, read.api_version) == (12, 51, 4)
    assert read.sprintf("%InitProducerIdResponse.error_code%") == "CONCURRENT_TRANSACTIONS (51)"
    assert read.answers(request)
    assert read.hashret() == request.hashret()
    assert not read.answers(KafkaRequest(correlation_id=6, api_version=4) / InitProducerIdRequest())
    assert not read.answers(KafkaRequest(correlation_id=5, api_version=4) / ProduceRequest())


@pytest.mark.parametrize("version", [0, 7, 9, 13])
def test_what_a_response_answers_outlives_what_scapy_does_with_it(version: int) -> None:
    answer = KafkaResponse(correlation_id=5, api_version=version) / ProduceResponse(throttle_time_ms=9)
    read = KafkaResponse(bytes(answer), api_key="produce", api_version=version)
    again = KafkaResponse(bytes(read)).as_answer_to(KafkaRequest(api_version=version) / ProduceRequest())
    for one in (read, read.copy(), read / b"", pickle.loads(pickle.dumps(read)), again):
        assert isinstance(one[ProduceResponse], ProduceResponse)
        assert (one.api_key, one.api_version) == (0, version)
        assert bytes(one) == bytes(answer)
        assert "Produce response" in str(one.show2(dump=True))


def test_an_answer_of_version_0_to_a_version_that_is_not_known() -> None:
    """KIP-511: whatever was asked, error 35 comes in version 0."""
    request = KafkaRequest(api_version=4) / ApiVersionsRequest()
    answer = KafkaResponse(api_version=0) / ApiVersionsResponse(error_code="UNSUPPORTED_VERSION")
    read = KafkaResponse(bytes(answer), request=request)
    assert read.error_code == 35
    assert read.api_version == 0
    assert read.answers(request)


def test_the_check_sum_of_batches() -> None:
    """The check value of CRC-32C, and a message of magic 1."""
    assert crc32c(b"123456789") == 0xE3069283
    assert batch_crc(bytes(16) + b"\1" + b"abc") == zlib.crc32(b"\1abc")
