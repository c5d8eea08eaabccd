"""The layers do what scapy's users expect of any layer: commands, JSON, fuzzing, sets of packets, copies."""

from __future__ import annotations

import copy
import pickle
import struct
from typing import Any

import pytest
from scapy.packet import Packet, Raw, fuzz

from ackdrop import packets
from ackdrop.packets import (
    ApiVersionsResponse,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    InitProducerIdRequest,
    KafkaRequest,
    KafkaResponse,
    MetadataResponse,
    MetadataTopic,
    ProducePartition,
    ProduceRequest,
    ProduceTopic,
    Record,
    RecordBatch,
    UnknownTag,
)
from ackdrop.packets.apis import BODIES

REQUESTS = [(request, version) for request, _ in BODIES for version in range(request.LATEST + 1)]
TOPIC_ID = "AAECAwQFBgcICQoLDA0ODw"


def whole() -> Packet:
    batch = RecordBatch(compression="zstd", records=[Record(key=b"k", value=b"1")])
    topic = ProduceTopic(topic="a", topic_id=TOPIC_ID, partition_data=ProducePartition(records=batch))
    return KafkaRequest(bytes(KafkaRequest(api_version=13, client_id="me") / ProduceRequest(topic_data=topic)))


def test_its_command_makes_the_same_packet() -> None:
    packet = whole()
    assert bytes(eval(packet.command(), vars(packets).copy())) == bytes(packet)


def test_its_json_has_its_values() -> None:
    text = whole().json()
    assert f'"topic_id": "{TOPIC_ID}"' in text
    assert '"topic": null' in text  # which is not in version 13
    assert '"error_code": 6' in (KafkaResponse() / MetadataResponse(topics=MetadataTopic(error_code=6))).json()


@pytest.mark.parametrize("duplicate", [Packet.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_a_packet_of_its_own(duplicate: Any) -> None:
    packet = whole()
    other = duplicate(packet)
    assert bytes(other) == bytes(packet)
    other[Record].value = b"changed"
    assert packet[Record].value == b"1"
    assert KafkaRequest(bytes(other))[Record].value == b"changed"


@pytest.mark.parametrize(("body", "version"), REQUESTS, ids=lambda value: getattr(value, "__name__", value))
def test_every_body_can_be_left_to_its_defaults_and_to_chance(body: Any, version: int) -> None:
    plain = KafkaRequest(bytes(KafkaRequest(api_version=version) / body()))
    assert type(plain.payload) is body
    assert Raw not in plain
    frame = bytes(fuzz(KafkaRequest(api_version=version) / body()))
    assert len(frame) >= 10


def test_a_field_may_hold_several_values() -> None:
    several = KafkaRequest(correlation_id=[1, 2, 3]) / InitProducerIdRequest()
    assert [struct.unpack_from(">i", bytes(one), 8)[0] for one in several] == [1, 2, 3]


def test_frames_can_stand_upon_each_other() -> None:
    """As scapy's TCPSession leaves them; each length is that of its own frame, also after a change."""
    first, second = whole(), KafkaRequest(correlation_id=9) / FetchRequest(topics=FetchTopic(topic="t"))
    both = first / second
    assert bytes(both) == bytes(first) + bytes(second)
    both[Record].value = b"changed"
    frame = KafkaRequest(bytes(both))
    assert frame[Record].value == b"changed"
    assert bytes(frame.lastlayer()) == bytes(second)


def test_raw_bytes_can_stand_for_anything() -> None:
    """For what no broker should accept: a body, the batches, the records, all of it."""
    assert bytes(KafkaRequest(api_key=0, api_version=7) / b"\1\2").endswith(b"\1\2")
    partition = ProducePartition(records=b"no batch")
    request = KafkaRequest() / ProduceRequest(topic_data=ProduceTopic(partition_data=partition))
    assert b"\0\0\0\x08no batch" in bytes(request)
    assert b"no records" in bytes(RecordBatch(records=[Raw(b"no records")], records_count=1))


def test_null_where_a_list_may_be_null() -> None:
    answer = KafkaResponse(api_version=9) / MetadataResponse(topics=None)
    read = KafkaResponse(bytes(answer), api_key=3, api_version=9)
    assert read.topics is None
    assert bytes(KafkaResponse(bytes(KafkaResponse() / FetchResponse()), api_key=1, api_version=11))


def test_a_name_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"error_code has no value 'REQUEST_TIMEOUT'"):
        MetadataTopic(error_code="REQUEST_TIMEOUT")


def test_a_part_knows_its_version_wherever_it_came_from() -> None:
    """Behind `/`, which copies; appended to a list; shown, and built."""
    named = KafkaRequest(api_version=13) / ProduceRequest(topic_data=ProduceTopic(topic_id=TOPIC_ID))
    assert named.topic_data[0].topic_id == TOPIC_ID
    assert named.topic_data[0].topic is None
    named.topic_data.append(ProduceTopic(topic_id=TOPIC_ID))
    assert str(named.show(dump=True)).count(f"topic_id       = {TOPIC_ID}") == 2
    built = KafkaRequest() / ProduceRequest()
    built.api_version = 13
    built.topic_data.append(ProduceTopic(topic_id=TOPIC_ID))
    assert [one.topic_id for one in KafkaRequest(bytes(built)).topic_data] == [TOPIC_ID]


def test_a_flag_that_is_set_in_place_is_written() -> None:
    packet = KafkaRequest(bytes(KafkaRequest() / ProduceRequest(topic_data=_with(RecordBatch(records=Record())))))
    packet[RecordBatch].flags.control = True
    assert KafkaRequest(bytes(packet))[RecordBatch].flags.control


def _with(batch: RecordBatch) -> ProduceTopic:
    return ProduceTopic(topic="t", partition_data=ProducePartition(records=batch))


def test_text_that_is_no_text_is_kept() -> None:
    for name in (b"\xff\xfe", "ö".encode()):
        frame = bytes(KafkaRequest(client_id=name) / ProduceRequest(topic_data=ProduceTopic(topic=name)))
        packet = KafkaRequest(frame)
        assert packet.client_id.encode("utf-8", "surrogateescape") == name
        packet.correlation_id = 5  # so that it is built anew
        packet.topic_data[0].partition_data.append(ProducePartition())
        assert bytes(packet).count(name) == 2


def test_a_tagged_field_that_is_there_twice_stays_twice() -> None:
    """Kafka refuses it; what was on the wire was on the wire. Tag 1 of ApiVersions is an int64."""
    two = [UnknownTag(tag=1, data=bytes(7) + bytes([number])) for number in (5, 6)]
    answer = KafkaResponse(api_version=3) / ApiVersionsResponse(tags=two)
    read = KafkaResponse(bytes(answer), api_key=18, api_version=3)
    assert read.finalized_features_epoch == 5
    assert [one.data[-1] for one in read[ApiVersionsResponse].tags] == [6]
    read[ApiVersionsResponse].throttle_time_ms = 0
    assert bytes(read) == bytes(answer)
