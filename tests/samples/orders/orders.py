"""A small application: orders go to Kafka, one record each."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Self

from kafka import KafkaProducer


class Orders:
    """Places orders. A context manager."""

    def __init__(self, bootstrap: str, topic: str, *, idempotent: bool = True) -> None:
        self._topic = topic
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=idempotent)

    def place(self, number: int) -> int:
        """Place an order, and give the offset at which it stands."""
        value = json.dumps({"order": number}).encode()
        headers = [("order-id", str(number).encode())]
        return self._producer.send(self._topic, value, headers=headers).get(10).offset

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close()
