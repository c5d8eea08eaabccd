"""Kafka's own message definitions, as its published jar holds them, and any message made by them.

`definitions(jar)` reads them; `Message.make` writes one field by field, out of a random source: the same seed gives the
same message. Nothing here is made with the code under test. The rules are those of Kafka's own description of the
files (clients/src/main/resources/common/message/README.md) and of KIP-482 for the flexible versions.
"""

from __future__ import annotations

import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["request", "response"]
Translate = Callable[[int, str, int], tuple[str, int]]

_FOLDER = "common/message/"
_NUMBERS = {
    "bool": ">?",
    "int8": ">b",
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "float64": ">d",
}
_TEXTS = ["", "a", "topic-1", "127.0.0.1", "broker.example", "ö" * 70]


@dataclass(frozen=True, slots=True)
class Versions:
    """From `first` to `last`, both included: "3-5", "3+", "3", "none"."""

    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> Versions:
        if text == "none":
            return cls(1, 0)
        first, _, last = text.removesuffix("+").partition("-")
        return cls(int(first), 1 << 15 if text.endswith("+") else int(last or first))

    def __contains__(self, version: int) -> bool:
        return self.first <= version <= self.last


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `type` is without its brackets where `array` says that there are many; `fields` are a structure's.

    `default` is as the definition has it, None where it names none: then it is zero, false, empty.
    """

    name: str
    type: str
    array: bool
    versions: Versions
    nullable: Versions
    tagged: Versions
    tag: int
    fields: tuple[Field, ...]
    default: Any = None


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer of one API, in all its versions."""

    api_key: int
    name: str
    kind: Kind
    versions: Versions
    flexible: Versions
    fields: tuple[Field, ...]

    def make(self, version: int, seed: int, translate: Translate | None = None) -> bytes:
        """A whole frame of this version. The addresses of structures with a host and a port are translated."""
        return _Maker(random.Random(seed), version, version in self.flexible, translate).frame(self)

    def with_addresses(self, version: int) -> list[str]:
        """The paths of the structures of this version that have a host and a port."""
        return _with_addresses(self.fields, version, self.name)


def definitions(jar: Path) -> dict[tuple[int, Kind], Message]:
    """(API key, kind) → the message, for every one that has an API key and a version."""
    found: dict[tuple[int, Kind], Message] = {}
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.startswith(_FOLDER) and name.endswith(".json"):
                message = _message(json.loads(_without_comments(archive.read(name).decode())))
                if message is not None:
                    found[message.api_key, message.kind] = message
    return found


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))


def _message(read: dict[str, Any]) -> Message | None:
    if "apiKey" not in read or read["validVersions"] == "none":
        return None
    common = {one["name"]: one["fields"] for one in read.get("commonStructs", [])}
    return Message(
        read["apiKey"],
        read["name"],
        read["type"],
        Versions.of(read["validVersions"]),
        Versions.of(read["flexibleVersions"]),
        _fields(read["fields"], common),
    )


def _fields(read: list[dict[str, Any]], common: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(_field(one, common) for one in read)


def _field(read: dict[str, Any], common: dict[str, Any]) -> Field:
    kind = read["type"].removeprefix("[]")
    return Field(
        read["name"],
        kind,
        read["type"].startswith("[]"),
        Versions.of(read["versions"]),
        Versions.of(read.get("nullableVersions", "none")),
        Versions.of(read.get("taggedVersions", "none")),
        read.get("tag", -1),
        _fields(read.get("fields") or common.get(kind, []), common),
        read.get("default"),
    )


def _with_addresses(fields: tuple[Field, ...], version: int, path: str) -> list[str]:
    here = [field for field in fields if version in field.versions]
    found = [path] if {"Host", "Port"} <= {field.name for field in here} else []
    for field in here:
        found += _with_addresses(field.fields, version, f"{path}.{field.name}")
    return found


def _uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


class _Maker:
    """Writes one message. What is drawn does not depend on what is translated."""

    def __init__(self, draw: random.Random, version: int, flexible: bool, translate: Translate | None) -> None:
        self._draw = draw
        self._version = version
        self._flexible = flexible
        self._translate = translate

    def frame(self, message: Message) -> bytes:
        correlation_id = self._draw.randrange(1 << 31)
        if message.kind == "request":
            head = struct.pack(">hhi", message.api_key, self._version, correlation_id) + struct.pack(">h", 3) + b"abc"
            head += b"\0" if self._flexible else b""
        else:
            # The header of an ApiVersions answer is never flexible (KIP-511).
            head = struct.pack(">i", correlation_id) + (b"\0" if self._flexible and message.api_key != 18 else b"")
        body = head + self._structure(message.fields)
        return struct.pack(">i", len(body)) + body

    def _structure(self, fields: tuple[Field, ...]) -> bytes:
        here = [field for field in fields if self._version in field.versions]
        given = self._address(here)
        tagged = [field for field in here if self._version in field.tagged]
        parts = [self._field(field, given) for field in here if field not in tagged]
        return b"".join([*parts, self._tags(tagged) if self._flexible else b""])

    def _address(self, fields: list[Field]) -> dict[str, Any]:
        """The values of the fields that are an address, where these are."""
        names = {field.name: field.type for field in fields}
        if not {"Host", "Port"} <= names.keys():
            return {}
        node = self._draw.randrange(-1, 5)
        host, port = self._draw.choice(_TEXTS), self._draw.choice([-1, 0, 9092, 65535][names["Port"] == "uint16" :])
        if self._translate is not None and host and port > 0:
            host, port = self._translate(node, host, port)
        return {"NodeId": node, "BrokerId": node, "Host": host, "Port": port}

    def _field(self, field: Field, given: dict[str, Any]) -> bytes:
        null = self._version in field.nullable and self._draw.random() < 0.2
        if field.array:
            count = -1 if null else self._draw.choice([0, 1, 1, 2, 3])
            size = _uvarint(count + 1) if self._flexible else struct.pack(">i", count)
            return size + b"".join(self._one(field, None) for _ in range(count))
        if null and field.fields:
            return b"\xff"
        if field.fields and self._version in field.nullable:
            return b"\x01" + self._one(field, None)
        return self._one(field, given.get(field.name), null)

    def _one(self, field: Field, given: Any, null: bool = False) -> bytes:
        if field.fields:
            return self._structure(field.fields)
        draw = self._draw
        if field.type in _NUMBERS:
            return struct.pack(_NUMBERS[field.type], self._number(field.type) if given is None else given)
        if field.type == "uuid":
            return draw.choice([bytes(16), draw.randbytes(16)])
        if field.type == "string":
            text = draw.choice(_TEXTS) if given is None else given
            return self._sized(None if null else text.encode(), ">h")
        return self._sized(None if null else draw.randbytes(draw.choice([0, 1, 12, 300])), ">i")

    def _number(self, kind: str) -> Any:
        if kind in ("bool", "float64"):
            return self._draw.random() < 0.5 if kind == "bool" else self._draw.random()
        bits = 8 * struct.calcsize(_NUMBERS[kind])
        least = 0 if kind.startswith("u") else -(1 << bits - 1)
        return self._draw.choice([0, 1, 7, least, least + (1 << bits) - 1])

    def _sized(self, data: bytes | None, length: str) -> bytes:
        if self._flexible:
            return b"\0" if data is None else _uvarint(len(data) + 1) + data
        return struct.pack(length, -1) if data is None else struct.pack(length, len(data)) + data

    def _tags(self, fields: list[Field]) -> bytes:
        """Known tagged fields, each there or not, and now and then one that nobody knows."""
        tags = {field.tag: self._field(field, {}) for field in fields if self._draw.random() < 0.7}
        if self._draw.random() < 0.2:
            tags[9_000] = self._draw.randbytes(self._draw.choice([0, 5, 200]))
        parts = [_uvarint(tag) + _uvarint(len(data)) + data for tag, data in sorted(tags.items())]
        return _uvarint(len(tags)) + b"".join(parts)
