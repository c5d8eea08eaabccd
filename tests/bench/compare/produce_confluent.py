"""librdkafka, as fast as it goes: `BOOTSTRAP TOPIC RECORDS SIZE`. A tenth more goes before, unmeasured. Ends with 1
where a record was not taken."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from confluent_kafka import Producer

failed = 0


def _told(error: object, message: Any) -> None:
    global failed
    failed += error is not None


def _send(producer: Producer, topic: str, value: bytes, records: int) -> None:
    produce = producer.produce
    for number in range(records):
        while True:
            try:
                produce(topic, value, on_delivery=_told)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush()


def main(bootstrap: str, topic: str, records: int, size: int) -> int:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5})
    value = b"v" * size
    _send(producer, topic, value, records // 10)
    begun = time.monotonic()
    _send(producer, topic, value, records)
    seconds = time.monotonic() - begun
    print(json.dumps({"frames": records, "seconds": seconds, "bytes": records * size}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
