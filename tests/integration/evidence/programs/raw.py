"""A producer of hand-made frames, which does what no client library would: one connection, Produce version 3.

Nothing of ackdrop is in here, so that its own code is not the judge of itself.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from kafka.record._crc32c import crc as crc32c

PATIENCE = 20.0
PRODUCE, INIT_PRODUCER_ID = 0, 22


@dataclass(frozen=True, slots=True)
class Record:
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Producer:
    """A producer id and its epoch, as InitProducerId gives them; -1 stands for none."""

    id: int = -1
    epoch: int = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a broker says of one partition's batch."""

    error: int
    base_offset: int


def batch(records: Sequence[Record], producer: Producer = Producer(), sequence: int = -1, timestamp: int = 0) -> bytes:
    """A record batch (magic 2); `timestamp` 0 stands for now."""
    at = timestamp or time.time_ns() // 1_000_000
    body = b"".join(_record(delta, record) for delta, record in enumerate(records))
    last = len(records) - 1
    crced = struct.pack(">hiqqqhii", 0, last, at, at, producer.id, producer.epoch, sequence, len(records)) + body
    head = struct.pack(">ibI", -1, 2, crc32c(crced))
    return struct.pack(">qi", 0, len(head) + len(crced)) + head + crced


def crc(made: bytes) -> int:
    """The CRC-32C that stands in a batch."""
    return int(struct.unpack_from(">I", made, 17)[0])


def _record(delta: int, record: Record) -> bytes:
    headers = b"".join(_bytes(name.encode()) + _bytes(value) for name, value in record.headers)
    body = b"\0" + _varint(0) + _varint(delta) + _bytes(record.key) + _bytes(record.value)
    body += _varint(len(record.headers)) + headers
    return _varint(len(body)) + body


def _bytes(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    """Zigzag, then seven bits a byte."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


@dataclass(slots=True)
class Connection:
    """One connection to `address`. Correlation ids count from `correlation` on; every request is kept in `sent`."""

    address: str
    client_id: str = "by hand"
    correlation: int = 100
    sock: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        self.sock = socket.create_connection((host, int(port)), PATIENCE)

    def close(self) -> None:
        self.sock.close()

    def send(self, api: int, version: int, body: bytes) -> int:
        """Sends a request and gives its correlation id."""
        self.correlation += 1
        request = struct.pack(">hhi", api, version, self.correlation) + _string(self.client_id) + body
        self.sock.sendall(struct.pack(">i", len(request)) + request)
        return self.correlation

    def receive(self) -> bytes:
        """The body of the answer to the last request."""
        (size,) = struct.unpack(">i", self._read(4))
        frame = self._read(size)
        (correlation,) = struct.unpack_from(">i", frame)
        assert correlation == self.correlation, (correlation, self.correlation)
        return frame[4:]

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise ConnectionError("the connection was closed")
            data += more
        return data

    def init_producer_id(self) -> Producer:
        """A producer id; a broker that has just started gives none for a moment (COORDINATOR_LOAD_IN_PROGRESS, 14)."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.send(INIT_PRODUCER_ID, 0, struct.pack(">hi", -1, 60_000))
            _, error, producer, epoch = struct.unpack(">ihqh", self.receive())
            if error != 14 or time.monotonic() > deadline:
                assert error == 0, error
                return Producer(producer, epoch)

    def begin(self, topic: str, made: bytes, *, partition: int = 0, acks: int = -1) -> int:
        """Sends a batch without waiting for its answer; gives the request's correlation id."""
        body = struct.pack(">hhii", -1, acks, 10_000, 1) + _string(topic)
        return self.send(PRODUCE, 3, body + struct.pack(">iii", 1, partition, len(made)) + made)

    def answer(self) -> Answer:
        """The answer to the last batch."""
        body = self.receive()
        (length,) = struct.unpack_from(">h", body, 4)
        _, _, error, base_offset = struct.unpack_from(">iihq", body, 6 + length)
        return Answer(error, base_offset)

    def produce(self, topic: str, made: bytes, *, partition: int = 0, acks: int = -1) -> Answer:
        self.begin(topic, made, partition=partition, acks=acks)
        return self.answer()
