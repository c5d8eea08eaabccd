"""Messages that several rooms' tests read: captured frames, and any message that kafka-python can write."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ackdrop.kafka import bodies

CAPTURES = Path(__file__).parent / "captures"
_RECORDS = st.binary(max_size=40)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_INTEGERS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


class Captured(NamedTuple):
    """A frame out of a capture."""

    file: str
    direction: str
    api_key: int
    api_version: int
    frame: bytes


@cache
def captured() -> tuple[Captured, ...]:
    """Every frame of every capture."""
    frames: list[Captured] = []
    for path in sorted(CAPTURES.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            seen = json.loads(line)
            frame = bytes.fromhex(seen["frame"])
            frames.append(Captured(path.stem, seen["direction"], seen["api_key"], seen["api_version"], frame))
    return tuple(frames)


def arbitrary(data: Any, api: str, kind: str, version: int, records: st.SearchStrategy[bytes | None] = _RECORDS) -> Any:
    """(a message of kafka-python's, the same as a whole frame): `arbitrary(data, api, "Response", version)`.

    `records` is the strategy for the field of that type. Tagged fields are there or not.
    """
    message_class = bodies._message_class(api, kind)
    message = _structure(data, message_class, message_class._struct, version, records)
    if kind == "Request":
        message.with_header(correlation_id=data.draw(_integer(32)), client_id=data.draw(st.none() | _TEXT))
    else:
        message.with_header(correlation_id=data.draw(_integer(32)))
    return message, bytes(message.encode(header=True, framed=True))


def _structure(data: Any, container: Any, struct_field: Any, version: int, records: Any) -> Any:
    values = {}
    for field in struct_field._fields:
        if not field.for_version_q(version) or field.type_str == "bitfield":
            continue
        if field.tag is not None and data.draw(st.booleans()):
            continue
        values[field.name] = _field(data, field, version, records)
    return container(version=version, **values)


def _field(data: Any, field: Any, version: int, records: Any) -> Any:
    if field.is_struct_array():
        count = data.draw(st.integers(0, 3))
        return [_structure(data, field.data_class, field.array_of, version, records) for _ in range(count)]
    if field.is_struct():
        return _structure(data, field.data_class, field, version, records)
    if field.is_array():
        return data.draw(st.lists(_simple(field.array_of, version, records), max_size=3))
    return data.draw(_simple(field, version, records))


def _simple(field: Any, version: int, records: Any) -> st.SearchStrategy[Any]:
    kind = field.type_str
    if kind in _INTEGERS:
        return _integer(_INTEGERS[kind])
    nullable = field._nullable_versions is not None and field._nullable_versions[0] <= version
    choices = {"bool": st.booleans(), "string": _TEXT, "uuid": st.uuids(), "bytes": st.binary(), "records": records}
    return choices[kind] | st.none() if nullable else choices[kind]


def _integer(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
