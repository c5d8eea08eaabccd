"""Frames to begin with, and what becomes of them: captured ones, ones made by Kafka's definitions, all of them spoilt.

Everything is drawn from one random source, so that a seed says all there is to know about a run.
"""

from __future__ import annotations

import functools
import json
import random
import struct
from pathlib import Path
from typing import Literal, NamedTuple

from ackdrop.broker.jars import cache_folder

from ..definitions import Message, definitions

CAPTURES = Path(__file__).parent.parent / "captures"
INTERESTING = bytes([0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF])
LARGEST = 1 << 12
"""Frames are kept below so many bytes: what is wrong with a large one is wrong with a small one, and found sooner."""


class Frame(NamedTuple):
    """A frame, and the API and version that it is of, or that it is the answer to."""

    kind: Literal["request", "response"]
    api_key: int
    api_version: int
    data: bytes


@functools.cache
def captured() -> list[Frame]:
    """Every frame of the captures that is not large, each once."""
    found: dict[Frame, None] = {}
    for path in sorted(CAPTURES.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            seen = json.loads(line)
            data = bytes.fromhex(seen["frame"])
            if len(data) <= LARGEST:
                found[Frame(seen["direction"], seen["api_key"], seen["api_version"], data)] = None
    return list(found)


@functools.cache
def defined() -> list[Message]:
    """Every message of Kafka's own definitions; none where the embedded broker's jars are not in the cache."""
    jar = next((cache_folder() / "jars").glob("kafka-clients-*.jar"), None)
    return [] if jar is None else list(definitions(jar).values())


def frame(draw: random.Random) -> Frame:
    """A frame as a client or a broker may send it."""
    messages = defined()
    if not messages or draw.random() < 0.4:
        return draw.choice(captured())
    message = draw.choice(messages)
    version = draw.randint(message.versions.first, message.versions.last)
    return Frame(message.kind, message.api_key, version, message.make(version, draw.getrandbits(32)))


def pair(draw: random.Random, correlation_id: int) -> tuple[Frame, bytes]:
    """A request, and an answer to it of the same API and version, both with this correlation id."""
    asked = frame(draw)
    while asked.kind != "request":
        asked = frame(draw)
    answers = _answers().get((asked.api_key, asked.api_version))
    if answers:
        answer = draw.choice(answers)
    else:
        message = next((one for one in defined() if one.kind == "response" and one.api_key == asked.api_key), None)
        fits = message is not None and asked.api_version in message.versions
        answer = message.make(asked.api_version, draw.getrandbits(32)) if message and fits else struct.pack(">ii", 4, 0)
    return asked._replace(data=numbered(asked.data, 8, correlation_id)), numbered(answer, 4, correlation_id)


@functools.cache
def _answers() -> dict[tuple[int, int], list[bytes]]:
    found: dict[tuple[int, int], list[bytes]] = {}
    for each in captured():
        if each.kind == "response":
            found.setdefault((each.api_key, each.api_version), []).append(each.data)
    return found


def numbered(data: bytes, at: int, correlation_id: int) -> bytes:
    """The frame with this correlation id, which stands at this offset."""
    return data[:at] + struct.pack(">i", correlation_id) + data[at + 4 :]


def spoilt(draw: random.Random, data: bytes, *, keep: int = 0) -> bytes:
    """The frame with bytes changed, taken out, doubled or put in, behind the first `keep`.

    Its length is set right more often than not.
    """
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        _spoil(draw, changed, keep)
    if len(changed) >= 4 and draw.random() < 0.8:
        struct.pack_into(">i", changed, 0, len(changed) - 4)
    return bytes(changed)


def _spoil(draw: random.Random, data: bytearray, keep: int) -> None:
    if len(data) <= keep:
        return
    at = draw.randrange(keep, len(data))
    how = draw.randrange(8)
    if how < 3:
        data[at] = draw.choice(INTERESTING)
    elif how == 3:
        data[at] ^= 1 << draw.randrange(8)
    elif how == 4:
        number = draw.choice((-1, 0, 1, -(1 << 31), (1 << 31) - 1, len(data), draw.getrandbits(31)))
        data[at : at + 4] = struct.pack(">i", number)
    elif how == 5:
        del data[at : at + draw.choice((1, 2, 4, 16, len(data)))]
    elif how == 6:
        data[at:at] = data[at : at + draw.choice((1, 4, 20, 100))]
    else:
        data[at:at] = draw.randbytes(draw.choice((1, 2, 10)))
