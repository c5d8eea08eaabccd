"""Kafka in TCP segments: put together, taken apart, and read with the request that was answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw, split_layers
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession
from scapy.utils import wrpcap

from ackdrop.packets import (
    InitProducerIdRequest,
    KafkaRequest,
    KafkaResponse,
    MetadataResponse,
    ProduceRequest,
    ProduceResponse,
)
from ackdrop.packets.apis import BODIES
from ackdrop.packets.conversation import WAITING_LIMIT, Conversation
from ackdrop.packets.tcp import KafkaSession, bind

from ..messages import Captured, captured

NAMED = {request.API for request, _ in BODIES}
FILE = "redpanda-22.3.25-codec-gzip"


def segments(client: int, broker: int, frames: list[Captured], size: int) -> list[Packet]:
    """The frames of one connection in segments of at most so many bytes; frames of one direction share them."""
    ends = {"request": (client, broker), "response": (broker, client)}
    runs: list[tuple[str, bytes]] = []
    for seen in frames:
        if runs and runs[-1][0] == seen.direction:
            runs[-1] = (seen.direction, runs[-1][1] + seen.frame)
        else:
            runs.append((seen.direction, seen.frame))
    sent = {"request": 1000, "response": 70_000}
    found: list[Packet] = []
    for direction, data in runs:
        source, target = ends[direction]
        for at in range(0, len(data), size):
            part = data[at : at + size]
            tcp = TCP(sport=source, dport=target, seq=sent[direction], flags="PA")
            found.append(Ether() / IP(src="127.0.0.1", dst="127.0.0.1") / tcp / Raw(part))
            sent[direction] += len(part)
    return found


def one_connection(file: str) -> list[Captured]:
    """The frames of a capture; its connections are put behind each other, with the correlation ids that they had."""
    return [seen for seen in captured() if seen.file == file]


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(packets: list[Packet]) -> str:
        wrpcap(str(tmp_path / "kafka.pcap"), packets)
        return str(tmp_path / "kafka.pcap")

    return write


@pytest.mark.parametrize("size", [7, 64, 1448, 60_000])
def test_every_frame_of_a_capture_is_a_packet(written: Any, size: int) -> None:
    frames = one_connection(FILE)
    read = list(sniff(offline=written(segments(50_000, 9092, frames, size)), session=KafkaSession))
    kafka = [packet[TCP].payload for packet in read if KafkaRequest in packet or KafkaResponse in packet]
    assert [bytes(one) for one in kafka] == [seen.frame for seen in frames]
    for one, seen in zip(kafka, frames, strict=True):
        assert type(one) is (KafkaRequest if seen.direction == "request" else KafkaResponse)
        assert (one.api_key, one.api_version) == (seen.api_key, seen.api_version)
        assert (Raw in one) == (seen.api_key not in NAMED and len(one.payload) > 0)


def test_scapys_own_session_finds_the_same(written: Any) -> None:
    frames = one_connection(FILE)
    read = sniff(offline=written(segments(50_000, 9092, frames, 1448)), session=TCPSession)
    assert sum(len(bytes(packet[TCP].payload)) for packet in read) == sum(len(seen.frame) for seen in frames)
    assert any(ProduceResponse in packet for packet in read)


@pytest.mark.parametrize("session", [KafkaSession, TCPSession])
def test_connections_whose_ports_xor_to_the_same_are_two(written: Any, session: Any) -> None:
    """40000 with 9092 and 40001 with 9093, both with correlation id 1: a Produce answer and an InitProducerId one."""
    bind(9093)
    try:
        first = Captured("", "request", 0, 7, bytes(KafkaRequest(correlation_id=1) / ProduceRequest()))
        second = Captured("", "request", 22, 3, bytes(KafkaRequest(correlation_id=1) / InitProducerIdRequest()))
        answer = Captured("", "response", 0, 7, bytes(KafkaResponse(correlation_id=1) / ProduceResponse()))
        one, other = segments(40_000, 9092, [first, answer], 999), segments(40_001, 9093, [second], 999)
        read = list(sniff(offline=written([one[0], other[0], one[1]]), session=session))
        assert ProduceResponse in read[2]
    finally:
        split_layers(TCP, KafkaRequest, dport=9093)
        split_layers(TCP, KafkaResponse, sport=9093)


def test_a_single_segment_is_read_without_a_session() -> None:
    frame = bytes(KafkaRequest(client_id="me") / ProduceRequest())
    packet = Ether(bytes(Ether() / IP() / TCP(dport=9092, flags="PA") / Raw(frame + frame)))
    assert packet[KafkaRequest].client_id == "me"
    assert packet[ProduceRequest].acks == -1
    assert bytes(packet.lastlayer()) == frame
    assert (IP() / TCP() / KafkaRequest())[TCP].dport == 9092


def test_bytes_that_are_no_kafka_stay_raw(written: Any) -> None:
    noise = [Captured("", "request", 0, 0, b"GET / HTTP/1.1\r\n\r\n" * 3)]
    (packet,) = sniff(offline=written(segments(50_000, 9092, noise, 999)), session=KafkaSession)
    assert bytes(packet[TCP].payload) == noise[0].frame


class TestConversation:
    def test_responses_are_typed_out_of_order_too(self) -> None:
        talk = Conversation()
        for number, body in ((1, ProduceRequest()), (2, InitProducerIdRequest())):
            talk.request(bytes(KafkaRequest(correlation_id=number) / body))
        assert ProduceResponse in talk.response(bytes(KafkaResponse(correlation_id=1) / ProduceResponse()))
        assert MetadataResponse not in talk.response(bytes(KafkaResponse(correlation_id=9) / MetadataResponse()))
        assert talk.response(bytes(KafkaResponse(correlation_id=2, api_key=22, api_version=3))).api_version == 3

    def test_a_request_is_answered_once(self) -> None:
        talk = Conversation()
        talk.request(bytes(KafkaRequest(correlation_id=1) / ProduceRequest()))
        answer = bytes(KafkaResponse(correlation_id=1) / ProduceResponse())
        assert [talk.response(answer).api_key for _ in range(2)] == [0, None]

    def test_what_has_no_answer_is_not_waited_for(self) -> None:
        talk = Conversation()
        talk.request(bytes(KafkaRequest(correlation_id=1) / ProduceRequest(acks=0)))
        assert talk.response(bytes(KafkaResponse(correlation_id=1))).api_key is None

    def test_it_does_not_wait_for_more_than_so_many(self) -> None:
        talk = Conversation()
        frame = bytes(KafkaRequest() / InitProducerIdRequest())
        for number in range(WAITING_LIMIT + 1):
            talk.request(frame[:8] + number.to_bytes(4, "big") + frame[12:])
        assert len(talk._waiting) == WAITING_LIMIT
        assert talk.response(bytes(KafkaResponse(correlation_id=0))).api_key is None
        latest = KafkaResponse(correlation_id=WAITING_LIMIT, api_key=22, api_version=3)
        assert talk.response(bytes(latest)).api_key == 22
