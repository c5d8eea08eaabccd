"""What `docs/packets.md` says is so: each of its examples is run as it stands there."""

from __future__ import annotations

import doctest
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import trio
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import split_layers
from scapy.utils import wrpcap

from ackdrop.direct.cluster import Cluster
from ackdrop.packets import (
    KafkaRequest,
    KafkaResponse,
    ProducePartition,
    ProduceRequest,
    ProduceTopic,
    Record,
    RecordBatch,
)
from ackdrop.packets.apis import BODIES

from .packets.asking import connected, ready

TEXT = (Path(__file__).parent.parent / "docs" / "packets.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
LOOK, SEND, READ = EXAMPLES


class Lines(doctest.OutputChecker):
    """An empty line at the end, as `show()` prints it, is not in the page."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return want.rstrip() == got.rstrip()


def run(text: str) -> None:
    """Fails where an example prints anything else than what stands below it."""
    test = doctest.DocTestParser().get_doctest(text, {}, "docs/packets.md", None, 0)
    assert len(test.examples) > 4
    told: list[str] = []
    result = doctest.DocTestRunner(Lines(), verbose=False).run(test, out=told.append, clear_globs=False)
    for value in test.globs.values():
        if isinstance(value, socket.socket):
            value.close()
    assert not result.failed, "".join(told)


def test_looking_at_a_frame() -> None:
    run(LOOK)


@pytest.mark.integration
def test_making_one_and_sending_it(embedded_broker: str) -> None:
    topic = "ackdrop-packets-page"

    async def create() -> None:
        async with Cluster.connect(embedded_broker) as cluster:
            await cluster.create_topic(topic, 1)

    trio.run(create)
    host, _, port = embedded_broker.rpartition(":")
    with connected(embedded_broker) as stream:
        ready(stream, topic)
    assert SEND.count('"localhost", 9092') == SEND.count('"orders"') == 1
    run(SEND.replace('"localhost", 9092', f'"{host}", {port}').replace('"orders"', f'"{topic}"'))


def test_reading_a_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = RecordBatch(producer_id=9, base_sequence=0, records=[Record(value=b"one"), Record(value=b"two")])
    topic = ProduceTopic(topic="orders", partition_data=ProducePartition(records=batch))
    segments: list[Any] = [
        Ether()
        / IP(src="127.0.0.1", dst="127.0.0.1")
        / TCP(sport=50_000 + at, dport=19092, seq=1, flags="PA")
        / bytes(KafkaRequest() / ProduceRequest(topic_data=topic))
        for at in range(2)
    ]
    wrpcap(str(tmp_path / "kafka.pcap"), segments)
    monkeypatch.chdir(tmp_path)
    try:
        run(READ)
    finally:
        split_layers(TCP, KafkaRequest, dport=19092)
        split_layers(TCP, KafkaResponse, sport=19092)


def test_it_names_all_apis() -> None:
    named = TEXT.partition("There are layers for ")[2].partition(", from version 0")[0]
    there = {request.__name__.removesuffix("Request") for request, _ in BODIES}
    assert set(re.split(r",\s+|\s+and\s+", named)) == there
