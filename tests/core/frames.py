"""Frames made by hand. None is made with the code under test: each is packed field by field from the protocol guide."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any


def framed(message: bytes) -> bytes:
    return struct.pack(">i", len(message)) + message


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def varint(value: int) -> bytes:
    return uvarint(value << 1 if value >= 0 else (-value << 1) - 1)


def short_string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def compact(data: bytes) -> bytes:
    return uvarint(len(data) + 1) + data


class Frames:
    """Builds frames. Topics are names, or 16 bytes of topic id from Produce v13 on."""

    framed = staticmethod(framed)
    uvarint = staticmethod(uvarint)

    def record(
        self, value: bytes, *, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = (), ms: int = 0
    ) -> bytes:
        """A record whose timestamp is `ms` after its batch's."""
        body = b"\0" + varint(ms) + varint(0)
        for part in (key, value):
            body += varint(-1) if part is None else varint(len(part)) + part
        body += varint(len(headers))
        for name, content in headers:
            body += varint(len(name)) + name.encode() + varint(len(content)) + content
        return varint(len(body)) + body

    def batch(
        self,
        *records: bytes,
        producer: tuple[int, int, int] = (-1, -1, -1),
        at: int = 1000,
        codec: tuple[int, Callable[[bytes], bytes]] = (0, bytes),
        transactional: bool = False,
    ) -> bytes:
        """A batch of magic 2. `producer`: id, epoch, base sequence. Its check sum is one, though not CRC-32C."""
        attributes, pack = codec
        attributes |= 0x10 if transactional else 0
        sealed = struct.pack(">hiqqqhii", attributes, len(records) - 1, at, at, *producer, len(records))
        sealed += pack(b"".join(records))
        tail = struct.pack(">iBI", -1, 2, zlib.crc32(sealed)) + sealed
        return struct.pack(">qi", 0, len(tail)) + tail

    def message(
        self, value: bytes | None, *, key: bytes | None = None, magic: int = 1, codec: int = 0, at: int = 1000
    ) -> bytes:
        """A message of magic 0 or 1. One with a codec has other messages, packed, for its value."""
        body = struct.pack(">BB", magic, codec) + (struct.pack(">q", at) if magic else b"")
        for part in (key, value):
            body += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
        body = struct.pack(">I", zlib.crc32(body)) + body
        return struct.pack(">qi", 0, len(body)) + body

    def request(
        self, key: int, version: int, cid: int, body: bytes = b"", *, client: str = "c", tags: bytes = b""
    ) -> bytes:
        """Any request; `tags` is b"\\0" for a flexible header."""
        return framed(struct.pack(">hhi", key, version, cid) + short_string(client) + tags + body)

    def answer(self, cid: int, body: bytes = b"") -> bytes:
        """Any answer whose header has no tagged fields."""
        return framed(struct.pack(">i", cid) + body)

    def produce(
        self,
        cid: int,
        *entries: tuple[str | bytes, int, bytes | None],
        version: int = 7,
        acks: int = -1,
        client: str = "c",
        transactional_id: str | None = None,
        grouped: bool = False,
    ) -> bytes:
        """A produce request: (topic, partition, batch) each. Neighbours of one topic stand together where `grouped`."""
        groups = self._groups(entries, grouped)
        if version < 9:
            of = b"\xff\xff" if transactional_id is None else short_string(transactional_id)
            body = of if version >= 3 else b""
            body += struct.pack(">hii", acks, 1000, len(groups))
            for topic, group in groups:
                assert isinstance(topic, str)
                body += short_string(topic) + struct.pack(">i", len(group))
                for _, partition, batch in group:
                    size = -1 if batch is None else len(batch)
                    body += struct.pack(">ii", partition, size) + (batch or b"")
            return self.request(0, version, cid, body, client=client)
        body = b"\0" if transactional_id is None else compact(transactional_id.encode())
        body += struct.pack(">hi", acks, 1000) + uvarint(len(groups) + 1)
        for topic, group in groups:
            body += (topic if isinstance(topic, bytes) else compact(topic.encode())) + uvarint(len(group) + 1)
            for _, partition, batch in group:
                body += struct.pack(">i", partition) + (b"\0" if batch is None else compact(batch)) + b"\0"
            body += b"\0"
        return self.request(0, version, cid, body + b"\0", client=client, tags=b"\0")

    def _groups(self, entries: Sequence[Any], grouped: bool) -> list[tuple[Any, list[Any]]]:
        if not grouped:
            return [(entry[0], [entry]) for entry in entries]
        return [(topic, list(group)) for topic, group in itertools.groupby(entries, key=itemgetter(0))]

    def produced(
        self,
        cid: int,
        *answers: tuple[str | bytes, int, int, int],
        version: int = 7,
        nodes: Sequence[tuple[int, str, int]] = (),
        grouped: bool = False,
    ) -> bytes:
        """A produce answer: (topic, partition, error, base offset) each, log start offset 0; `grouped` as there."""
        old = version < 9
        groups = self._groups(answers, grouped)
        body = struct.pack(">i", len(groups)) if old else b"\0" + uvarint(len(groups) + 1)
        for topic, group in groups:
            if old:
                assert isinstance(topic, str)
                body += short_string(topic) + struct.pack(">i", len(group))
            else:
                body += (topic if isinstance(topic, bytes) else compact(topic.encode())) + uvarint(len(group) + 1)
            for _, partition, error, offset in group:
                body += struct.pack(">ihq", partition, error, offset)
                body += struct.pack(">q", -1) if version >= 2 else b""
                body += struct.pack(">q", -1 if error else 0) if version >= 5 else b""
                body += struct.pack(">ih", 0, -1) if version == 8 else b"" if old else b"\1\0\0"
            body += b"" if old else b"\0"
        body += struct.pack(">i", 0) if version >= 1 else b""
        return self.answer(cid, body if old else body + self._node_endpoints(nodes))

    def _node_endpoints(self, nodes: Sequence[tuple[int, str, int]]) -> bytes:
        if not nodes:
            return b"\0"
        content = uvarint(len(nodes) + 1) + b"".join(map(self._node, nodes))
        return b"\1\0" + uvarint(len(content)) + content

    def _node(self, node: tuple[int, str, int]) -> bytes:
        number, host, port = node
        return struct.pack(">i", number) + compact(host.encode()) + struct.pack(">i", port) + b"\0\0"

    def metadata(
        self, cid: int, nodes: Sequence[tuple[int, str, int]], topics: Sequence[tuple[str, bytes]] = ()
    ) -> bytes:
        """A Metadata v12 answer, its header's tags included; topics without partitions."""
        body = b"\0" + struct.pack(">i", 0) + uvarint(len(nodes) + 1) + b"".join(map(self._node, nodes))
        body += compact(b"cluster") + struct.pack(">i", 1) + uvarint(len(topics) + 1)
        for name, topic_id in topics:
            body += struct.pack(">h", 0) + compact(name.encode()) + topic_id + b"\0\1" + struct.pack(">i", 0) + b"\0"
        return self.answer(cid, body + b"\0")

    def created(self, cid: int, topics: Sequence[tuple[str, bytes]]) -> bytes:
        """A CreateTopics v7 answer."""
        body = b"\0" + struct.pack(">i", 0) + uvarint(len(topics) + 1)
        for name, topic_id in topics:
            body += (
                compact(name.encode()) + topic_id + struct.pack(">h", 0) + b"\0" + struct.pack(">ih", 1, 1) + b"\1\0"
            )
        return self.answer(cid, body + b"\0")
