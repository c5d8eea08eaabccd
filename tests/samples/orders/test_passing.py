"""Claims that hold: in a test of each kind, with faults from code and from scenarios."""

from __future__ import annotations

import asyncio

import pytest
import trio
from orders import Orders

LOSE = {
    "name": "lose the third ack",
    "at": "produce.response",
    "when": {"nth": 3},
    "do": {"drop": {"then": "disconnect"}},
}


def test_a_lost_ack_leaves_no_duplicate(ackdrop, topic):
    ackdrop.arm(LOSE)
    with Orders(ackdrop.bootstrap, topic) as orders:
        assert [orders.place(number) for number in range(5)] == [0, 1, 2, 3, 4]
    ackdrop.faults_fired("lose the third ack")
    ackdrop.retried()
    ackdrop.no_duplicates()
    ackdrop.nothing_lost()


@pytest.mark.ackdrop(scenario="lost-ack-disconnect", identity="header:order-id")
def test_nor_does_a_broken_connection(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic) as orders:
        for number in range(5):
            orders.place(number)
    ackdrop.retried()
    ackdrop.no_duplicates()


@pytest.mark.ackdrop(scenario="lost-ack-disconnect")
def test_with_confluent_kafka(ackdrop, topic):
    confluent_kafka = pytest.importorskip("confluent_kafka")
    producer = confluent_kafka.Producer({"bootstrap.servers": ackdrop.bootstrap, "enable.idempotence": True})
    for number in range(5):
        producer.produce(topic, b"order %d" % number)
        assert producer.flush(20) == 0
    ackdrop.retried()
    ackdrop.no_duplicates()
    ackdrop.nothing_lost()


@pytest.mark.trio
@pytest.mark.ackdrop(faults=[LOSE])
async def test_in_trio(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic) as orders:
        for number in range(5):
            await trio.to_thread.run_sync(orders.place, number)
    ackdrop.retried()
    ackdrop.no_duplicates()


@pytest.mark.asyncio
@pytest.mark.ackdrop(faults=[LOSE])
async def test_in_asyncio(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic) as orders:
        for number in range(5):
            await asyncio.to_thread(orders.place, number)
    ackdrop.retried()
    ackdrop.no_duplicates()


@pytest.mark.anyio
@pytest.mark.ackdrop(faults=[LOSE])
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_in_anyio(ackdrop, topic):
    with Orders(ackdrop.bootstrap, topic) as orders:
        for number in range(5):
            orders.place(number)
    ackdrop.retried()
    ackdrop.no_duplicates()
