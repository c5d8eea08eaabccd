"""What three clients and Apache Kafka really say, with every codec: dissected, and rebuilt byte for byte."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import trio
from scapy.config import conf
from scapy.layers.inet import TCP
from scapy.packet import Packet, Raw, split_layers
from scapy.sendrecv import sniff
from scapy.utils import PcapReader

from ackdrop.direct.cluster import Cluster
from ackdrop.packets import (
    ControlRecord,
    KafkaRequest,
    KafkaResponse,
    ProducePartition,
    ProduceRequest,
    ProduceTopic,
    Record,
    RecordBatch,
)
from ackdrop.packets.apis import BODIES
from ackdrop.packets.frames import KafkaFrame
from ackdrop.packets.tcp import KafkaSession, bind

from ..packets.asking import ask, connected, ready
from ..packets.rebuilding import rebuilt
from . import test_transparent_clients as clients
from . import test_transparent_producers as producers

pytestmark = pytest.mark.integration

NAMED = {request.API for request, _ in BODIES}
WHAT_PASSES = {0, 1, 3, 10, 18, 22, 24, 26}
"""APIs of ours that the traffic has to hold, or it shows too little: all but SaslHandshake."""


@pytest.fixture(scope="module")
def capture(embedded_broker: str, proxy_processes: Any, library: Any, tmp_path_factory: Any) -> tuple[Path, int]:
    """(the file, the proxy's port) of a proxy through which each client has produced with each codec, and consumed."""
    path = tmp_path_factory.mktemp("packets") / "traffic.pcapng"
    process = proxy_processes(
        "--bootstrap", embedded_broker, "--listen", "127.0.0.1:0", "--no-verify", "--capture", str(path)
    )
    address = process.address()

    def look(*_: Any) -> None:
        pass

    for client in (
        clients.KafkaPython(look, library),
        clients.ConfluentKafka(look, library),
        clients.Aiokafka(look, library),
    ):
        if os.environ.get("CI"):
            assert client.codecs == clients.CODECS
        topic = f"ackdrop-packets-{client.name}"
        _make(embedded_broker, topic)
        sent = sum(len(client.produce(address, topic, codec)) for codec in client.codecs)
        assert len(client.assigned(address, topic, sent)) == sent
    topic = "ackdrop-packets-transactions"
    _make(embedded_broker, topic)
    producers.KafkaPython(library).transactions(address, topic, [(b"kept", True), (b"dropped", False), (b"also", True)])
    assert len(clients.KafkaPython(look, library).assigned(address, topic, 2)) >= 2
    process.end()
    return path, int(address.rpartition(":")[2])


def _make(broker: str, topic: str) -> None:
    async def create() -> None:
        async with Cluster.connect(broker) as cluster:
            await cluster.create_topic(topic, clients.PARTITIONS)

    trio.run(create)


@pytest.fixture(scope="module")
def frames(capture: tuple[Path, int], embedded_broker: str) -> list[Packet]:
    """Every frame of the capture, of both sides of the proxy."""
    path, port = capture
    ports = {port, int(embedded_broker.rpartition(":")[2]), *_node_ports(path)}
    before, conf.debug_dissector = conf.debug_dissector, True
    for each in ports:
        bind(each)
    try:
        read = sniff(offline=str(path), session=KafkaSession)
        return [packet for packet in read if isinstance(packet[TCP].payload, KafkaFrame)]
    finally:
        conf.debug_dissector = before
        for each in ports:
            split_layers(TCP, KafkaRequest, dport=each)
            split_layers(TCP, KafkaResponse, sport=each)


def _node_ports(path: Path) -> set[int]:
    """Where connections were opened to: the listeners of single brokers, too."""
    with PcapReader(str(path)) as reader:
        return {packet[TCP].dport for packet in reader if packet[TCP].flags == "S"}


def test_no_byte_is_lost_or_changed(capture: tuple[Path, int], frames: list[Packet]) -> None:
    """What the frames hold is what the segments hold, connection by connection, in order."""
    sent: dict[Any, bytearray] = defaultdict(bytearray)
    with PcapReader(str(capture[0])) as reader:
        for packet in reader:
            sent[_ends(packet)] += bytes(packet[TCP].payload)
    read: dict[Any, bytearray] = defaultdict(bytearray)
    for packet in frames:
        read[_ends(packet)] += bytes(packet[TCP].payload)
    assert read == {ends: data for ends, data in sent.items() if data}
    assert len(frames) > 400


def _ends(packet: Packet) -> tuple[Any, ...]:
    below = packet[TCP].underlayer
    return below.src, packet.sport, below.dst, packet.dport


def test_every_frame_of_ours_is_dissected_to_its_end(frames: list[Packet]) -> None:
    seen = set()
    for packet in frames:
        frame = packet[TCP].payload
        assert frame.api_key is not None
        if frame.api_key in NAMED:
            seen.add(frame.api_key)
            assert Raw not in frame, frame.show(dump=True)
            assert bytes(rebuilt(frame)) == bytes(frame)
    assert seen >= WHAT_PASSES


@pytest.mark.parametrize("codec", clients.CODECS)
def test_records_of_every_codec_are_there(frames: list[Packet], codec: str) -> None:
    """Sent and fetched; and the check sum of every batch is right."""
    sides = {KafkaRequest: 0, KafkaResponse: 0}
    for packet in frames:
        frame = packet[TCP].payload
        for batch in _batches(frame):
            if batch.sprintf("%RecordBatch.compression%") == codec and not batch.flags.control:
                assert len(batch.records) == batch.records_count
                assert "(right)" in batch.sprintf("%RecordBatch.crc%")
                sides[type(frame)] += 1
    assert min(sides.values()) > 0


def test_the_ends_of_transactions_are_named(frames: list[Packet]) -> None:
    markers = [
        batch.records[0].marker
        for packet in frames
        for batch in _batches(packet[TCP].payload)
        if isinstance(batch.records[0], ControlRecord)
    ]
    assert {"commit", "abort"} == set(markers)


def _batches(frame: Packet) -> list[Packet]:
    found, number = [], 1
    while (batch := frame.getlayer(RecordBatch, number)) is not None:
        found.append(batch)
        number += 1
    return found


@pytest.mark.parametrize("codec", clients.CODECS)
def test_a_broker_takes_what_is_compressed_here(embedded_broker: str, library: Any, codec: str) -> None:
    """It reads all records before it appends them; and a client reads them again."""
    topic = f"ackdrop-packets-made-{codec}"
    _make(embedded_broker, topic)
    values = [f"{codec} {number} ".encode() * 3000 for number in range(5)]
    batch = RecordBatch(
        base_timestamp=1_700_000_000_000, compression=codec, records=[Record(value=one) for one in values]
    )
    partition = ProducePartition(index=0, records=batch)
    request = KafkaRequest() / ProduceRequest(topic_data=ProduceTopic(topic=topic, partition_data=partition))
    with connected(embedded_broker) as stream:
        ready(stream, topic)
        answer = ask(stream, request)
    assert answer.responses[0].partition_responses[0].sprintf("%error_code%") == "NONE (0)"
    seen = clients.Aiokafka(lambda *_: None, library).assigned(embedded_broker, topic, len(values))
    assert [one.value for one in seen] == values
