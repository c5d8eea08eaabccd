"""kafka-python and these layers write the same bytes and read the same values: every body, in every version."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder
from scapy.fields import SignedIntField, SignedLongField, SignedShortField
from scapy.packet import Packet, Raw

from ackdrop.kafka import bodies
from ackdrop.kafka.apis import api_name
from ackdrop.packets import ApiVersionsResponse, KafkaRequest, KafkaResponse, Message, RecordBatch
from ackdrop.packets.apis import BODIES
from ackdrop.packets.arrays import ArrayField, StructField, StructsField
from ackdrop.packets.fields import BoolField, BytesField, Int8EnumField, StringField, TopicIdField
from ackdrop.packets.sets import BatchesField
from ackdrop.packets.structs import KafkaBody, KafkaStruct, VersionField
from ackdrop.packets.tags import TaggedField, TagsField

from ..messages import arbitrary
from .rebuilding import rebuilt

EXAMPLES = int(os.environ.get("ACKDROP_TEST_EXAMPLES", "4"))
CASES = [
    (cls, kind, version)
    for both in BODIES
    for cls, kind in zip(both, ("Request", "Response"), strict=True)
    for version in range(cls.LATEST + 1)
]
OUR_NAMES = {"name": ("topic", "feature")}
QUICK = settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def _batches() -> list[bytes]:
    """What kafka-python makes of a few records: magic 0, 1 and 2, plain and with gzip, of a transaction, empty."""
    found = [b""]
    for codec in (0, 1):
        modern = DefaultRecordBatchBuilder(2, codec, codec, 77, 3, 12, 10_000)
        for at in range(3):
            modern.append(at, 1_700_000_000_000 + at, b"k" * at or None, b"v" * 40, [("h", b"1"), ("i", None)])
        found.append(bytes(modern.build()))
        for magic in (0, 1):
            old = LegacyRecordBatchBuilder(magic, codec, 10_000)
            for at in range(3):
                old.append(at, 1_700_000_000_000 if magic else None, None, b"old" * at)
            found.append(bytes(old.build()))
    return found


BATCHES = _batches()
RECORDS = st.none() | st.lists(st.sampled_from(BATCHES), max_size=3).map(b"".join)


@pytest.mark.parametrize(("cls", "kind", "version"), CASES, ids=lambda value: getattr(value, "__name__", value))
@QUICK
@given(data=st.data())
def test_what_kafka_python_writes_is_read_and_rebuilt(
    data: st.DataObject, cls: type[KafkaBody], kind: str, version: int
) -> None:
    message, frame = arbitrary(data, api_name(cls.API), kind, version, RECORDS)
    packet = _dissected(kind, cls, version, frame)
    assert bytes(packet) == frame
    assert bytes(rebuilt(packet)) == frame
    assert type(packet.payload) is cls
    assert Raw not in packet
    _same(message, packet.payload)


def _dissected(kind: str, cls: type[KafkaBody], version: int, frame: bytes) -> Packet:
    if kind == "Request":
        return KafkaRequest(frame)
    return KafkaResponse(frame, api_key=cls.API, api_version=version)


def _same(theirs: Any, ours: Any) -> None:
    """Every field of kafka-python's that this version has has the same value here."""
    for field in theirs._struct._fields:
        if not field.for_version_q(theirs.version) or field.type_str == "bitfield":
            continue
        wanted, read = getattr(theirs, field.name), _ours(ours, field.name)
        if field.is_struct_array():
            assert len(wanted or ()) == len(read or ()), field.name
            for one, other in zip(wanted or (), read or (), strict=True):
                _same(one, other)
        elif field.is_struct():
            if read is not None:
                _same(wanted, read)
        elif field.type_str == "records":
            assert wanted == (None if read is None else b"".join(map(bytes, read))), field.name
        elif field.tag is None or read is not None:
            # A UUID of zeros is None to kafka-python.
            assert (UUID(int=0) if wanted is None and field.type_str == "uuid" else wanted) == read, field.name


def _ours(packet: Any, name: str) -> Any:
    names = (name, *OUR_NAMES.get(name, ()), name.replace("2_pc", "_2pc"))
    return packet.getfieldval(next(one for one in names if one in packet.fieldtype))


@pytest.mark.parametrize(("cls", "kind", "version"), CASES, ids=lambda value: getattr(value, "__name__", value))
@QUICK
@given(data=st.data())
def test_what_is_built_here_kafka_python_reads(
    data: st.DataObject, cls: type[KafkaBody], kind: str, version: int
) -> None:
    """And finds every value; it leaves nothing over, since it writes the same bytes again but for tagged fields that
    hold their default, which are written here where they are given."""
    header: Any = KafkaRequest if kind == "Request" else KafkaResponse
    correlation_id = data.draw(st.integers(0, 2**31 - 1))
    packet = header(api_version=version, correlation_id=correlation_id) / data.draw(_filled(cls, version))
    if cls is ApiVersionsResponse:
        packet.error_code = 0  # else kafka-python takes it for a version 0
    frame = bytes(packet)
    message_class = bodies._message_class(api_name(cls.API), kind)
    read = message_class.decode(frame, version=version, header=True, framed=True)
    _same(read, packet.payload)
    again = bytes(read.encode(header=True, framed=True))
    assert again == frame or (len(again) < len(frame) and KafkaBody.is_flexible(packet.payload))


@st.composite
def _filled(draw: st.DrawFn, cls: type[KafkaStruct], version: int) -> Packet:
    values = {}
    for field in cls.fields_desc:
        if isinstance(field, TagsField) or (isinstance(field, TaggedField) and version < field.first):
            continue
        if isinstance(field, TaggedField) and draw(st.booleans()):
            continue
        if isinstance(field, VersionField) and not field.first <= version <= field.last:
            continue
        inner = field.fld if isinstance(field, (VersionField, TaggedField)) else field
        values[field.name] = draw(_values(inner, version))
    return cls(**values)


def _values(field: Any, version: int) -> st.SearchStrategy[Any]:
    if isinstance(field, StructsField):
        return st.lists(_filled(field.cls, version), max_size=2)
    if isinstance(field, StructField):
        return _filled(field.cls, version)
    if isinstance(field, ArrayField):
        return st.lists(_values(field.element, version), max_size=3)
    if isinstance(field, BatchesField):
        return st.lists(st.sampled_from(BATCHES[1:]).map(_batch), max_size=2)
    for kind, values in (
        (StringField, st.text(st.characters(exclude_categories=["Cs"]), max_size=6)),
        (BytesField, st.binary(max_size=20)),
        (TopicIdField, st.uuids() | st.just(UUID(int=0))),
        (BoolField, st.booleans()),
        (Int8EnumField, st.integers(-128, 127)),
        (SignedShortField, st.integers(-(2**15), 2**15 - 1)),
        (SignedIntField, st.integers(-(2**31), 2**31 - 1)),
        (SignedLongField, st.integers(-(2**63), 2**63 - 1)),
    ):
        if isinstance(field, kind):
            return values
    return st.integers(-(2**15), 2**15 - 1)


def _batch(data: bytes) -> Packet:
    return RecordBatch(data) if data[16] == 2 else Message(data[: 12 + int.from_bytes(data[8:12], "big")])
