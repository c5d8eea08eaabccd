"""A program that is not ours: it writes numbered records and reads them back as a group, until its input ends.

    python steady_client.py LIBRARY BOOTSTRAP TOPIC PARTITIONS [CA USER PASSWORD]

With the last three it speaks TLS and logs in with SCRAM-SHA-512.

Some ten lines a second: `[acked in partition 0, ..., read from partition 0, ...]`. The last line is an object: `acked`
holds the numbers that were acked, `read` the numbers as they were read, `failed` what the library said of the others.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
import time
import uuid
from typing import Any

EVERY = 0.02
"""Seconds between two records."""
LIMIT = 60.0
"""Seconds at the end for what is still under way."""
LAST = b"over"
"""A record that ends who reads it."""


class Tally:
    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.acked: list[int] = []
        self.read: list[int] = []
        self.failed: list[str] = []
        self.ended = threading.Event()
        threading.Thread(target=self._until_input_ends, daemon=True).start()
        threading.Thread(target=self._tell, daemon=True).start()

    def _until_input_ends(self) -> None:
        sys.stdin.read()
        self.ended.set()

    def _tell(self) -> None:
        while not self.ended.wait(0.1):
            print(json.dumps(self._counts(self.acked) + self._counts(self.read)), flush=True)

    def _counts(self, numbers: list[int]) -> list[int]:
        counts = [0] * self.partitions
        for number in numbers.copy():
            counts[number % self.partitions] += 1
        return counts

    @property
    def whole(self) -> bool:
        """Has all that was acked been read?"""
        return set(self.acked) <= set(self.read)

    def last(self) -> None:
        print(json.dumps({"acked": sorted(self.acked), "read": self.read, "failed": self.failed}), flush=True)


def kafka_python(bootstrap: str, topic: str, tally: Tally, login: list[str]) -> None:
    import kafka

    security: dict[str, Any] = {}
    if login:
        security = {"security_protocol": "SASL_SSL", "ssl_cafile": login[0], "sasl_mechanism": "SCRAM-SHA-512"}
        security |= {"sasl_plain_username": login[1], "sasl_plain_password": login[2]}

    def consume() -> None:
        """Polls without a deadline that could fall into a rebalance.

        kafka-python 3.0.12 forgets the outcome of a rejoin that it led when poll() gives up meanwhile: it takes itself
        for joined, has no partitions, and asks for nothing any more.
        """
        consumer = kafka.KafkaConsumer(
            topic, bootstrap_servers=bootstrap, group_id=uuid.uuid4().hex, auto_offset_reset="earliest", **security
        )
        values: list[bytes] = []
        while LAST not in values:
            values = [record.value for records in consumer.poll(1000 * LIMIT).values() for record in records]
            tally.read.extend(int(value) for value in values if value != LAST)
        consumer.close()

    reader = threading.Thread(target=consume)
    reader.start()
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, **security)
    number = 0
    while not tally.ended.wait(EVERY):
        future = producer.send(topic, str(number).encode(), partition=number % tally.partitions)
        future.add_callback(lambda _, number=number: tally.acked.append(number))
        future.add_errback(lambda error: tally.failed.append(repr(error)))
        number += 1
    producer.flush(LIMIT)
    _until_whole(tally)
    producer.send(topic, LAST, partition=0)
    producer.close()
    reader.join()


def confluent_kafka(bootstrap: str, topic: str, tally: Tally, login: list[str]) -> None:
    import confluent_kafka as library

    common: dict[str, Any] = {"bootstrap.servers": bootstrap}
    if login:
        common |= {"security.protocol": "sasl_ssl", "ssl.ca.location": login[0], "sasl.mechanism": "SCRAM-SHA-512"}
        common |= {"sasl.username": login[1], "sasl.password": login[2]}

    over = threading.Event()

    def consume() -> None:
        consumer = library.Consumer({**common, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        while not over.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                tally.read.append(int(message.value()))
        consumer.close()

    def delivered(error: Any, message: Any) -> None:
        if error is None:
            tally.acked.append(int(message.value()))
        else:
            tally.failed.append(repr(error))

    reader = threading.Thread(target=consume)
    reader.start()
    producer = library.Producer({**common, "enable.idempotence": True})
    number = 0
    while not tally.ended.wait(EVERY):
        producer.produce(topic, str(number), partition=number % tally.partitions, on_delivery=delivered)
        producer.poll(0)
        number += 1
    producer.flush(LIMIT)
    _until_whole(tally)
    over.set()
    reader.join()


def aiokafka(bootstrap: str, topic: str, tally: Tally, login: list[str]) -> None:
    import aiokafka as library

    common: dict[str, Any] = {"bootstrap_servers": bootstrap}
    if login:
        common |= {"security_protocol": "SASL_SSL", "ssl_context": ssl.create_default_context(cafile=login[0])}
        common |= {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": login[1], "sasl_plain_password": login[2]}

    async def consume() -> None:
        consumer = library.AIOKafkaConsumer(topic, group_id=uuid.uuid4().hex, auto_offset_reset="earliest", **common)
        await consumer.start()
        try:
            async for record in consumer:
                tally.read.append(int(record.value))
        finally:
            await consumer.stop()

    async def send(producer: Any, number: int) -> None:
        try:
            await producer.send_and_wait(topic, str(number).encode(), partition=number % tally.partitions)
            tally.acked.append(number)
        except Exception as error:  # told to the test
            tally.failed.append(repr(error))

    async def main() -> None:
        reader = asyncio.create_task(consume())
        producer = library.AIOKafkaProducer(enable_idempotence=True, **common)
        await producer.start()
        sent = []
        while not tally.ended.is_set():
            sent.append(asyncio.create_task(send(producer, len(sent))))
            await asyncio.sleep(EVERY)
        await asyncio.wait_for(asyncio.gather(*sent), LIMIT)
        await producer.stop()
        await asyncio.to_thread(_until_whole, tally)
        reader.cancel()
        await asyncio.wait([reader])

    asyncio.run(main())


def _until_whole(tally: Tally) -> None:
    deadline = time.monotonic() + LIMIT
    while not tally.whole and time.monotonic() < deadline:
        time.sleep(0.05)


def main() -> None:
    library, bootstrap, topic, partitions, *login = sys.argv[1:]
    tally = Tally(int(partitions))
    {"kafka-python": kafka_python, "confluent-kafka": confluent_kafka, "aiokafka": aiokafka}[library](
        bootstrap, topic, tally, login
    )
    tally.last()


if __name__ == "__main__":
    main()
