"""What a proxy asks a broker: ApiVersions, Metadata and ListOffsets, encoded and decoded by tables of our own.

`bodies.py` could do it too, with all else that ackdrop asks. But its library takes a tenth of a second to be imported,
and `ackdrop proxy` listens in little more than that. Fields and defaults are those of Apache Kafka's message
definitions; what is given and what comes back has the form that `bodies.py` gives it, and tests hold one against the
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct
from struct import error as StructError
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from ..errors import UndecodableError
from .apis import api_key, flexible_version
from .headers import response_body_at
from .primitives import Buffer, encode_uvarint, skip, skip_tags, text, uvarint

_EVER = 1 << 15
_NOWHERE = UUID(int=0)
_COUNT, _LENGTH = Struct(">i"), Struct(">h")
_NUMBERS = {"?": Struct(">?"), "b": Struct(">b"), "h": Struct(">h"), "i": Struct(">i"), "q": Struct(">q")}


class Field(NamedTuple):
    """A field: its `kind` is a letter of `struct` for a number, `s` a string, `u` a UUID, `[i` an array of numbers, and
    `[` an array of structures with these `fields`. Versions from `since` to `until` have it, as the tagged field of
    that number where it has a `tag`."""

    name: str
    kind: str
    default: Any = 0
    since: int = 0
    until: int = _EVER
    fields: tuple[Field, ...] = ()
    tag: int | None = None


def _array(name: str, *fields: Field, since: int = 0, tag: int | None = None) -> Field:
    return Field(name, "[", (), since, _EVER, fields, tag)


def _string(name: str, default: str | None = "", *, since: int = 0) -> Field:
    return Field(name, "s", default, since)


class Messages(NamedTuple):
    """A request and its answer, up to this version."""

    newest: int
    request: tuple[Field, ...]
    answer: tuple[Field, ...]


ASKED: dict[str, Messages] = {
    "api_versions": Messages(
        4,
        (_string("client_software_name", since=3), _string("client_software_version", since=3)),
        (
            Field("error_code", "h"),
            _array("api_keys", Field("api_key", "h"), Field("min_version", "h"), Field("max_version", "h")),
            Field("throttle_time_ms", "i", since=1),
            _array(
                "supported_features",
                _string("name"),
                Field("min_version", "h"),
                Field("max_version", "h"),
                since=3,
                tag=0,
            ),
            _array(
                "finalized_features",
                _string("name"),
                Field("max_version_level", "h"),
                Field("min_version_level", "h"),
                since=3,
                tag=2,
            ),
        ),
    ),
    "metadata": Messages(
        13,
        (
            _array("topics", Field("topic_id", "u", _NOWHERE, since=10), _string("name")),
            Field("allow_auto_topic_creation", "?", True, since=4),
            Field("include_cluster_authorized_operations", "?", False, since=8, until=10),
            Field("include_topic_authorized_operations", "?", False, since=8),
        ),
        (
            Field("throttle_time_ms", "i", since=3),
            _array(
                "brokers", Field("node_id", "i"), _string("host"), Field("port", "i"), _string("rack", None, since=1)
            ),
            _string("cluster_id", None, since=2),
            Field("controller_id", "i", -1, since=1),
            _array(
                "topics",
                Field("error_code", "h"),
                _string("name"),
                Field("topic_id", "u", None, since=10),
                Field("is_internal", "?", False, since=1),
                _array(
                    "partitions",
                    Field("error_code", "h"),
                    Field("partition_index", "i"),
                    Field("leader_id", "i"),
                    Field("leader_epoch", "i", -1, since=7),
                    Field("replica_nodes", "[i", ()),
                    Field("isr_nodes", "[i", ()),
                    Field("offline_replicas", "[i", (), since=5),
                ),
                Field("authorized_operations", "i", None, since=8),
            ),
            Field("authorized_operations", "i", None, since=8, until=10),
            Field("error_code", "h", since=13),
        ),
    ),
    "list_offsets": Messages(
        11,
        (
            Field("replica_id", "i"),
            Field("isolation_level", "b", since=2),
            _array(
                "topics",
                _string("name"),
                _array(
                    "partitions",
                    Field("partition_index", "i"),
                    Field("current_leader_epoch", "i", -1, since=4),
                    Field("timestamp", "q"),
                    Field("max_num_offsets", "i", 1, until=0),
                ),
            ),
            Field("timeout_ms", "i", since=10),
        ),
        (
            Field("throttle_time_ms", "i", since=2),
            _array(
                "topics",
                _string("name"),
                _array(
                    "partitions",
                    Field("partition_index", "i"),
                    Field("error_code", "h"),
                    Field("old_style_offsets", "[q", (), until=0),
                    Field("timestamp", "q", -1, since=1),
                    Field("offset", "q", -1, since=1),
                    Field("leader_epoch", "i", -1, since=4),
                ),
            ),
        ),
    ),
}
"""API → its messages. A request of ours never carries the tagged fields that it may."""


def encode_request(api: str, version: int, correlation_id: int, client_id: str, **fields: object) -> bytes:
    """A whole request frame, as `bodies.encode_request`. A field that this version does not have is left out."""
    writer = _Writer(version, flexible_version(api_key(api), version))
    client = client_id.encode()
    writer.out += Struct(">hhih").pack(api_key(api), version, correlation_id, len(client)) + client
    if writer.flexible:
        writer.out.append(0)
    writer.structure(ASKED[api].request, fields)
    return _COUNT.pack(len(writer.out)) + bytes(writer.out)


def decode_response(api: str, version: int, frame: Buffer) -> Any:
    """The body in a whole response frame, as `bodies.decode_response`. Raises UndecodableError."""
    if not 0 <= version <= ASKED[api].newest:
        raise UndecodableError(f"{api} v{version} is not known: 0 to {ASKED[api].newest} are")
    at = response_body_at(frame, api_key(api), version)
    if api == "api_versions" and any(frame[at : at + 2]):
        version = 0  # an answer with an error: see KIP-511
    reader = _Reader(memoryview(frame), version, flexible_version(api_key(api), version))
    reader.at = at
    try:
        return reader.structure(ASKED[api].answer)
    except (StructError, IndexError, UndecodableError) as error:
        raise UndecodableError(f"{api} v{version}: the answer cannot be read ({error})") from None


class _Writer:
    """A body that is being written."""

    def __init__(self, version: int, flexible: bool) -> None:
        self.version, self.flexible, self.out = version, flexible, bytearray()

    def structure(self, fields: Sequence[Field], values: Mapping[str, Any]) -> None:
        for field in fields:
            if field.since <= self.version <= field.until:
                self.value(field, values.get(field.name, field.default))
        if self.flexible:
            self.out.append(0)

    def value(self, field: Field, value: Any) -> None:
        if field.kind == "u":
            self.out += value.bytes
        elif field.kind == "s":
            content = None if value is None else str(value).encode()
            self.length(None if content is None else len(content), _LENGTH)
            self.out += content or b""
        elif field.kind == "[":
            # Null is all topics; version 0 of Metadata says that with none.
            self.length(len(value or ()) if value is not None or not self.version else None, _COUNT)
            for item in value or ():
                self.structure(field.fields, item)
        else:
            self.out += _NUMBERS[field.kind].pack(value)

    def length(self, length: int | None, plain: Struct) -> None:
        """Of a string or an array; None for null."""
        if self.flexible:
            self.out += encode_uvarint(0 if length is None else length + 1)
        else:
            self.out += plain.pack(-1 if length is None else length)


class _Reader:
    """A body that is being read, from `at` on."""

    def __init__(self, frame: memoryview, version: int, flexible: bool) -> None:
        self.frame, self.version, self.flexible = frame, version, flexible
        self.at, self.end = 0, len(frame)

    def structure(self, fields: Sequence[Field]) -> SimpleNamespace:
        found = {}
        tagged: dict[int, Field] = {}
        for field in fields:
            found[field.name] = list(field.default) if field.kind[0] == "[" else field.default
            if not field.since <= self.version <= field.until:
                continue
            if field.tag is None:
                found[field.name] = self.value(field)
            else:
                tagged[field.tag] = field
        if self.flexible:
            self.tags(tagged, found)
        return SimpleNamespace(**found)

    def tags(self, known: Mapping[int, Field], found: dict[str, Any]) -> None:
        if not known:
            self.at = skip_tags(self.frame, self.at, self.end)
            return
        for _ in range(self.uvarint()):
            field, size = known.get(self.uvarint()), self.uvarint()
            after = skip(self.at, size, self.end)
            if field is not None:
                found[field.name] = self.value(field)
            self.at = after

    def value(self, field: Field) -> Any:
        if field.kind == "s":
            length = self.length(_LENGTH)
            return None if length is None else text(self.frame, self.passed(length), self.at)
        if field.kind == "u":
            return UUID(bytes=bytes(self.frame[self.passed(16) : self.at]))
        if field.kind == "[":
            return [self.structure(field.fields) for _ in range(self.count())]
        if field.kind[0] == "[":
            return [self.number(field.kind[1]) for _ in range(self.count())]
        return self.number(field.kind)

    def number(self, letter: str) -> Any:
        number = _NUMBERS[letter]
        return number.unpack_from(self.frame, self.passed(number.size))[0]

    def count(self) -> int:
        """Of an array; null counts as empty. Every item takes a byte at least, so a false one ends early."""
        return self.length(_COUNT) or 0

    def length(self, plain: Struct) -> int | None:
        length = self.uvarint() - 1 if self.flexible else plain.unpack_from(self.frame, self.passed(plain.size))[0]
        if length < -1:
            raise UndecodableError(f"a length of {length} at byte {self.at}")
        return None if length == -1 else int(length)

    def passed(self, size: int) -> int:
        """Step over so many bytes; where they begin."""
        at = self.at
        self.at = skip(at, size, self.end)
        return at

    def uvarint(self) -> int:
        value, self.at = uvarint(self.frame, self.at, self.end)
        return value
