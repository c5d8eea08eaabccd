"""The fields of every body are those of Kafka's own message definitions, in every version that its jar knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import trio
from scapy.packet import Packet

from ackdrop.broker import jars
from ackdrop.packets import KafkaRequest, KafkaResponse
from ackdrop.packets.apis import BODIES
from ackdrop.packets.arrays import ArrayField, StructField, StructsField
from ackdrop.packets.fields import BoolField, BytesField, StringField, TopicIdField
from ackdrop.packets.sets import BatchesField
from ackdrop.packets.structs import KafkaBody, KafkaStruct, VersionField
from ackdrop.packets.tags import TaggedField, TagsField

from ..definitions import Field, Message, definitions
from .rebuilding import rebuilt

pytestmark = pytest.mark.integration

OTHER_NAMES = {"name": "topic", "enable2_pc": "enable_2pc"}
"""Ours for theirs. What is called Name is a topic but for the features of ApiVersions."""
CLASSES = [
    (cls, kind, header)
    for both in BODIES
    for cls, kind, header in zip(both, ("request", "response"), (KafkaRequest, KafkaResponse), strict=True)
]
NUMBERS = {"!b": "int8", "!h": "int16", "!i": "int32", "!q": "int64"}


class Told(NamedTuple):
    """What a field is in one version."""

    name: str
    type: str
    array: bool
    tag: int


@pytest.fixture(scope="module")
def messages() -> dict[tuple[int, Any], Message]:
    """(API key, kind) → the message as Kafka's own jar defines it."""
    found = trio.run(jars.provide)
    return definitions(next(path for path in found if path.name.startswith("kafka-clients-")))


def test_every_version_is_there(messages: dict[tuple[int, Any], Message]) -> None:
    for cls, kind, _ in CLASSES:
        assert messages[cls.API, kind].versions.last == cls.LATEST, cls
        assert messages[cls.API, kind].name.lower() == cls.__name__.lower()


@pytest.mark.parametrize(("cls", "kind", "header"), CLASSES, ids=lambda value: getattr(value, "__name__", value))
def test_every_field_is_there(
    messages: dict[tuple[int, Any], Message], cls: type[KafkaBody], kind: str, header: type[Packet]
) -> None:
    """Name, type, array, tag; and nothing else, from version 0 to the newest."""
    message = messages[cls.API, kind]
    for version in range(cls.LATEST + 1):
        _compare(cls, message.fields, version, cls.__name__)


def _compare(cls: type[KafkaStruct], theirs: tuple[Field, ...], version: int, path: str) -> None:
    here = [field for field in theirs if version in field.versions]
    ours = list(_here(cls, version))
    assert [told for _, told in ours] == [_told(field, version, path) for field in here], f"{path} v{version}"
    assert isinstance(cls.fields_desc[-1], TagsField), path
    for (field, told), one in zip(ours, here, strict=True):
        if isinstance(field, (StructField, StructsField)):
            _compare(field.cls, one.fields, version, f"{path}.{told.name}")
        elif told.tag < 0:
            _defaults(field, one, version, path)


def _here(cls: type[KafkaStruct], version: int) -> Iterator[tuple[Any, Told]]:
    for field in cls.fields_desc[:-1]:
        tag = -1
        if isinstance(field, VersionField):
            if not field.first <= version <= field.last:
                continue
            field = field.fld
        elif isinstance(field, TaggedField):
            if version < field.first:
                continue
            field, tag = field.fld, field.tag
        array = isinstance(field, ArrayField)
        element = field.element if array and not isinstance(field, StructsField) else field
        yield field, Told(field.name, _type(element), array, tag)


def _type(field: Any) -> str:
    if isinstance(field, (StructField, StructsField)):
        return "structure"
    for kind, name in (
        (BatchesField, "records"),
        (StringField, "string"),
        (BytesField, "bytes"),
        (TopicIdField, "uuid"),
        (BoolField, "bool"),
    ):
        if isinstance(field, kind):
            return name
    return NUMBERS[field.fmt]


def _told(field: Field, version: int, path: str) -> Told:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field.name).lstrip("_")
    name = OTHER_NAMES.get(words, words)
    if name == "topic" and path.startswith("ApiVersions"):
        name = "feature"
    kind = "structure" if field.fields else field.type
    return Told(name, kind, field.array, field.tag if version in field.tagged else -1)


def _defaults(field: Any, theirs: Field, version: int, path: str) -> None:
    """Null only where it may be; and Kafka's own default where it names one."""
    if field.default is None:
        there = version in theirs.nullable or (field.name == "topics" and version == 0)
        assert there, f"{path}.{field.name} v{version}"
    if theirs.default is not None and theirs.type not in ("string", "records", "uuid"):
        named = {"null": None, "true": 1, "false": 0}.get(str(theirs.default), theirs.default)
        wanted = int(named, 0) if isinstance(named, str) else named
        assert field.default == wanted, f"{path}.{field.name}"


@pytest.mark.parametrize(("cls", "kind", "header"), CLASSES, ids=lambda value: getattr(value, "__name__", value))
def test_any_message_comes_out_as_it_went_in(
    messages: dict[tuple[int, Any], Message], cls: type[KafkaBody], kind: str, header: type[Packet]
) -> None:
    """Messages written by the definitions alone, with unknown tagged fields in them, and null wherever it may be."""
    message = messages[cls.API, kind]
    for version in range(cls.LATEST + 1):
        for seed in range(12):
            frame = message.make(version, seed)
            told = {"api_key": cls.API, "api_version": version} if kind == "response" else {}
            packet = header(frame, **told)
            assert type(packet.payload) is cls
            assert not packet.payload.payload
            assert bytes(packet) == frame
            assert bytes(rebuilt(packet)) == frame, (version, seed)
