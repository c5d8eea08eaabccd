"""What is fuzzed. A target raises where something is wrong: anything but an error of ours, or a result that cannot be.

`parsers` gives a frame to every parser of `kafka/` as the core would, and to those that only a report uses; `packets`
gives it to the scapy layers; `Scene` is one wire with clients and brokers on it that send what they like.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from scapy.packet import Packet

from ackdrop.core.commands import Send, Side
from ackdrop.core.connection import Connection
from ackdrop.core.wire import Wire, WireSettings
from ackdrop.errors import WireError
from ackdrop.faults.engine import Engine
from ackdrop.kafka import bodies
from ackdrop.kafka.addresses import clamp_api_versions, cluster_nodes, rewrite, topic_ids
from ackdrop.kafka.apis import API_NAMES
from ackdrop.kafka.batches import Batch, decompress, iter_batches, message_parts
from ackdrop.kafka.digests import digests
from ackdrop.kafka.error_answers import error_answer, with_error_code
from ackdrop.kafka.frames import split
from ackdrop.kafka.headers import client_of, correlation_id, request_header, response_body_at, software
from ackdrop.kafka.produce import ProduceRequest, parse_request, parse_response, with_errors
from ackdrop.kafka.produce_edit import error_answer as produce_error
from ackdrop.kafka.produce_edit import merged, patched, without
from ackdrop.kafka.records import iter_records
from ackdrop.kafka.sieve import Sieve, can_sieve
from ackdrop.packets import KafkaRequest, KafkaResponse

from ..core.random_world import some_rules
from ..packets.rebuilding import rebuilt
from . import corpus

PRODUCE, API_VERSIONS = 0, 18


def parsers(frame: corpus.Frame) -> None:
    """Give the frame to all who may have to read it."""
    data = memoryview(frame.data)
    _try(split, data)
    if frame.kind == "request":
        client_of(frame.data)
        _try(_request, data)
    else:
        _try(_response, frame.api_key, frame.api_version, data)


def decoders(frame: corpus.Frame) -> None:
    """Give the frame to kafka-python, as a fault does that answers with an error or writes one into an answer."""
    if frame.kind == "request":
        _try(lambda: error_answer(request_header(memoryview(frame.data)), 7))
    if frame.kind == "response" and frame.api_key in API_NAMES:
        _try(bodies.decode_response, API_NAMES[frame.api_key], frame.api_version, frame.data)
        _try(with_error_code, frame.api_key, frame.api_version, memoryview(frame.data), 7)


def packets(frame: corpus.Frame) -> None:
    """Dissect the frame: it comes out as it went in, can be shown, and can be built from its fields."""
    packet = dissected(frame)
    if not frame.data:
        return  # to scapy, a packet that is to be made
    if bytes(packet) != frame.data:
        raise AssertionError(f"it came out as {bytes(packet).hex()}")
    packet.show(dump=True)
    if bytes(packet.copy()) != frame.data:
        raise AssertionError("its copy is another one")
    built = bytes(rebuilt(packet))
    again = dissected(frame._replace(data=built))
    if bytes(rebuilt(again)) != built:
        raise AssertionError(f"what was built from its fields, {built.hex()}, is another packet")


def dissected(frame: corpus.Frame) -> Packet:
    """The frame as a packet of scapy's."""
    if frame.kind == "request":
        return KafkaRequest(frame.data)
    return KafkaResponse(frame.data, api_key=frame.api_key, api_version=frame.api_version)


def _try(read: Callable[..., Any], *arguments: Any) -> None:
    with contextlib.suppress(WireError):
        read(*arguments)


def _request(data: memoryview) -> None:
    header = request_header(data)
    software(data, header)
    if header.api_key != PRODUCE:
        return
    request = parse_request(data, header)
    for entry in request.entries:
        if not 0 <= entry.start <= entry.end <= len(data):
            raise AssertionError(f"{entry} in a frame of {len(data)} bytes")
        _try(_batches, data[entry.start : entry.end])
    _try(_edits, data, header, request)


def _edits(data: memoryview, header: Any, request: ProduceRequest) -> None:
    if len(patched(data, header, 1, None)) != len(data):
        raise AssertionError("a patched request has another size")
    if request.entries:
        without(data, header, request, request.entries[:1])
        produce_error(header.api_version, header.correlation_id, request.entries, 7)


def _batches(data: memoryview) -> None:
    for batch in iter_batches(data):
        _try(_batch, batch)


def _batch(batch: Batch) -> None:
    if batch.header.magic < 2:
        _try(message_parts, batch)
    _try(digests, batch, 1)
    _try(decompress, batch)
    for _ in iter_records(batch):
        pass


def _response(key: int, version: int, data: memoryview) -> None:
    correlation_id(data)
    _try(response_body_at, data, key, version)
    _try(_rewritten, key, version, data)
    _try(topic_ids, key, version, data)
    if can_sieve(key, version):
        _try(_sieved, key, version, data)
    if key == PRODUCE:
        answers = parse_response(data, version)
        if len(with_errors(data, version, answers, 7)) != len(data):
            raise AssertionError("an answer with errors in it has another size")
        _try(merged, data, version, (), (), 7)
    if key == API_VERSIONS:
        clamped = clamp_api_versions(data, version)
        if clamped is not None and clamp_api_versions(clamped, version) is not None:
            raise AssertionError("what was clamped is clamped again")


def _rewritten(key: int, version: int, data: memoryview) -> None:
    nodes = cluster_nodes(key, version, data)
    changed = rewrite(key, version, data, lambda node, host, port: ("proxy.example", 1))
    if changed is not None:
        told = cluster_nodes(key, version, changed)
        if told != [(node, "proxy.example", 1) for node, _, _ in nodes]:
            raise AssertionError(f"{nodes} became {told}")


def _sieved(key: int, version: int, data: memoryview) -> None:
    sieve = Sieve(key, version, len(data), lambda node, host, port: ("proxy.example", 1))
    piece = 1 + len(data) % 97
    parts = [part for at in range(0, len(data), piece) for part in sieve.feed(data[at : at + piece])]
    if sum(map(len, parts)) != len(data):
        raise AssertionError(f"{len(data)} bytes became {sum(map(len, parts))}")


class Scene:
    """One wire, and clients and brokers on it that send frames, spoilt frames, halves of frames and noise.

    `play` runs one connection from its beginning to its end, among others that are open. Nothing that either side sends
    may raise; and once a connection is over, nothing of it may be left.
    """

    def __init__(self, draw: random.Random, *, spoil: float = 0.3) -> None:
        self._draw = draw
        self._spoil = spoil
        self._now = 0.0
        rules = some_rules(draw, True) if draw.random() < 0.5 else []
        settings = WireSettings(frame_limit=1 << 16, drain=0.5, ask_starts=draw.random() < 0.2)
        self.wire = Wire(Engine(rules, seed=draw.getrandbits(16), arm="off"), self._translate, settings=settings)
        self.frames = 0

    def _translate(self, node: int, host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", 1 + node % 1000

    def play(self, steps: int) -> None:
        """One connection that lives for so many steps."""
        draw = self._draw
        connection = self.wire.open(-1, "peer", self._now)
        answers: list[bytes] = []
        for step in range(steps):
            self._now += draw.choice((0.0, 0.001, 0.2))
            asked, answer = corpus.pair(draw, step)
            self._feed(connection, Side.CLIENT, self._perhaps(asked.data))
            answers.append(answer)
            if draw.random() < 0.7:
                self._feed(connection, Side.BROKER, self._perhaps(answers.pop(0)))
            self._follow(self.wire.tick(self._now))
        for answer in answers:
            self._feed(connection, Side.BROKER, answer)
        for side in draw.sample([Side.CLIENT, Side.BROKER], draw.choice((0, 1, 2))):
            self._follow(connection.ended(side, draw.choice(("fin", "reset")), self._now))
        self._follow(connection.shut("over", self._now))

    def _perhaps(self, data: bytes) -> bytes:
        """The frame as it is, or spoilt, behind its correlation id more often than not."""
        draw = self._draw
        if draw.random() >= self._spoil:
            return data
        if draw.random() < 0.1:
            return draw.randbytes(draw.choice((1, 3, 50)))
        return corpus.spoilt(draw, data, keep=draw.choice((0, 8, 12, 12)))

    def _feed(self, connection: Connection, side: Side, data: bytes) -> None:
        self.frames += 1
        at = 0
        while at < len(data):
            size = self._draw.choice((1, 5, len(data), len(data)))
            part = data[at : at + size]
            done = connection.through(side)(part, self._now)
            if done < len(part):
                self._follow(connection.received(side, memoryview(bytearray(part[done:])), self._now))
            at += size

    def _follow(self, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, Send):
                bytes(command.data)
        self.wire.take_observations()

    def end(self) -> None:
        """Everything that may still come has come: nothing is left."""
        self._follow(self.wire.end_detention(self._now))
        self._now += 1000.0
        self._follow(self.wire.tick(self._now))
        self.wire.shut("the scene is over", self._now)
        self._follow(self.wire.take_commands())
        if self.wire.connections or self.wire.unsettled:
            raise AssertionError(f"{len(self.wire.connections)} connections, {self.wire.unsettled} unsettled are left")
