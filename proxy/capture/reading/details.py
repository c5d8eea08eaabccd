"""What is told of a frame besides its header: topics, errors, and the few fields that a person looks for.

Produce is read by our own tables (`kafka/produce.py`); the rest by kafka-python's definitions, and only where it is
small enough to be quick. What authenticates somebody is never among it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from ...errors import WireError
from ...kafka import bodies
from ...kafka.headers import RequestHeader, software
from ...kafka.produce import parse_response
from .events import Fact, Said

READ_UP_TO = 64 << 10
"""Bytes of a frame other than Produce that is read."""

_TOLD = frozenset(
    {
        "transactional_id", "group_id", "generation_id", "member_id", "producer_id", "producer_epoch", "committed",
        "key", "mechanism", "client_software_name", "client_software_version", "cluster_id", "controller_id",
        "group_instance_id", "max_wait_ms", "isolation_level", "node_id", "host", "port",
    }
)  # fmt: skip
"""Fields of a body itself that are told where they hold something."""

_NAMES = ("name", "topic", "topic_name", "topic_id")
_PARTITIONS = ("partition_index", "partition", "index", "partition_id")
_MOST_TOPICS = 200

TopicName = Callable[[bytes], str | None]


def of_request(api: str, header: RequestHeader, frame: bytes, topic_name: TopicName) -> Said:
    """What a whole request says."""
    if header.body is None:
        return Said(problem="this API is not known")
    if api == "api_versions":
        library = software(frame, header)
        return Said(facts=(("client", library),) if library else ())
    try:
        body = bodies.decode_request(api, header.api_version, frame, header.body)
    except WireError as error:
        return Said(problem=error.message)
    return _said(body, header.api_version, topic_name)


def of_answer(api: str, version: int, frame: bytes, topic_name: TopicName) -> Said:
    """What a whole answer says."""
    try:
        if api == "api_versions":
            code = int.from_bytes(frame[8:10], "big", signed=True)
            return Said(errors=(code,) if code else ())
        body = bodies.decode_response(api, version, frame)
    except WireError as error:
        return Said(problem=error.message)
    said = _said(body, version, topic_name)
    if api != "metadata":
        return said
    return Said(facts=(("brokers", len(body.brokers)), *said.facts), topics=said.topics, errors=said.errors)


def is_answer(api: str, version: int, frame: bytes) -> bool:
    """Whether these bytes, found behind a hole, are such an answer from end to end."""
    try:
        if api == "produce":
            parse_response(frame, version)
            return True
        body = bodies.decode_response(api, version, frame)
        return len(bodies.encode_response(body, api, version, 0)) == len(frame)
    except WireError:
        return False


def _said(body: Any, version: int, topic_name: TopicName) -> Said:
    facts = tuple(_facts(body, version))
    topics = tuple(dict.fromkeys(_topics(body, version, topic_name)))[:_MOST_TOPICS]
    codes = (part.error_code for part in bodies.error_codes(body, version))
    return Said(facts=facts, topics=topics, errors=tuple(dict.fromkeys(code for code in codes if code)))


def _facts(body: Any, version: int) -> Iterator[Fact]:
    for name, value in bodies.parts(body, version):
        name = name.removeprefix("v3_and_below_")
        if name in _TOLD and isinstance(value, str | int) and value not in ("", -1):
            yield name, ("yes" if value else "no") if isinstance(value, bool) else value


def _topics(part: Any, version: int, topic_name: TopicName, depth: int = 0) -> Iterator[tuple[str, int]]:
    """(topic, partition) of all that a body names; -1 for a topic without partitions."""
    for name, value in bodies.parts(part, version):
        if not isinstance(value, list) or depth > 3:
            continue
        for item in value:
            if "topic" in name and isinstance(item, str):
                yield item, -1
            elif not bodies.is_structure(item):
                break
            elif "topic" in name and (topic := _name(item, version, topic_name)):
                found = [(topic, partition) for partition in _partitions(item, version)]
                yield from found or [(topic, -1)]
            else:
                yield from _topics(item, version, topic_name, depth + 1)


def _name(item: Any, version: int, topic_name: TopicName) -> str:
    values = dict(bodies.parts(item, version))
    for name in _NAMES:
        value = values.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, UUID) and value.int:
            return topic_name(value.bytes) or f"id:{value.bytes.hex()}"
    return ""


def _partitions(item: Any, version: int) -> Iterator[int]:
    for name, value in bodies.parts(item, version):
        if "partition" not in name or not isinstance(value, list):
            continue
        for each in value:
            if isinstance(each, int):
                yield each
            elif bodies.is_structure(each):
                values = dict(bodies.parts(each, version))
                yield from (values[key] for key in _PARTITIONS if isinstance(values.get(key), int))
