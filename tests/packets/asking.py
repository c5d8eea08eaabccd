"""Asking a broker with packets made by hand, and waiting until it is ready to be asked."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from ackdrop.packets import FetchPartition, FetchRequest, FetchTopic, InitProducerIdRequest, KafkaRequest, KafkaResponse

TRIES = 20_000
"""Round trips to a broker on this machine: some seconds."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as stream:
        yield stream


def ask(stream: socket.socket, request: Any) -> Any:
    """The answer to this request."""
    stream.sendall(bytes(request))
    with stream.makefile("rb") as answers:
        size = answers.read(4)
        return KafkaResponse(size + answers.read(int.from_bytes(size, "big")), request=request)


def ready(stream: socket.socket, topic: str) -> None:
    """Waits until the broker gives producer ids, and leads partition 0 of a topic that was just made."""
    fetch = FetchRequest(max_wait_ms=0, topics=FetchTopic(topic=topic, partitions=FetchPartition()))
    for body in (InitProducerIdRequest(), fetch):
        if not any(_works(ask(stream, KafkaRequest() / body)) for _ in range(TRIES)):
            raise AssertionError(f"{body.name} is still refused")


def _works(answer: Any) -> bool:
    codes = [one.error_code for topic in getattr(answer, "responses", []) for one in topic.partitions]
    return not any([answer.error_code, *codes])
