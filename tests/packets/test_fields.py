"""The varints of records: every value comes back, and none that is too long is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.util import decode_varint, encode_varint

from ackdrop.errors import UndecodableError
from ackdrop.packets import fields


@settings(max_examples=50, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_a_varint_is_kafka_pythons(value: int) -> None:
    written = bytearray()
    encode_varint(value, written.append)
    assert fields.encode_varint(value) == written
    assert fields.read_varint(bytes(written)) == (value, len(written)) == decode_varint(written)


def test_a_varint_of_more_than_64_bits_is_none() -> None:
    with pytest.raises(UndecodableError, match="64 bits"):
        fields.read_varint(b"\xff" * 9 + b"\x7f")
    with pytest.raises(UndecodableError):
        fields.read_varint(b"\xff" * 11)
