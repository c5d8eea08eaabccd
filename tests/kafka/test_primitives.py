from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka.primitives import compact_extent, encode_uvarint, skip, skip_tags, text, uvarint


@given(st.integers(0, (1 << 32) - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_a_varint_comes_back_wherever_it_stands(value: int, before: bytes, after: bytes) -> None:
    written = encode_uvarint(value)
    data = before + written + after
    assert uvarint(data, len(before), len(data)) == (value, len(before) + len(written))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff\xff\xff\xff\x01"])
def test_a_varint_that_does_not_end(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        uvarint(data, 0, len(data))


def test_a_varint_is_not_read_past_the_end_of_the_frame() -> None:
    with pytest.raises(UndecodableError):
        uvarint(b"\x80\x01", 0, 1)


@pytest.mark.parametrize(("size", "ok"), [(0, True), (3, True), (4, False), (-1, False)])
def test_skip_stays_inside(size: int, ok: bool) -> None:
    if ok:
        assert skip(2, size, 5) == 2 + size
    else:
        with pytest.raises(UndecodableError):
            skip(2, size, 5)


def test_compact_strings() -> None:
    assert compact_extent(b"\x03ab", 0, 3) == (1, 3)
    assert compact_extent(b"\x01", 0, 1) == (1, 1)
    start, stop = compact_extent(b"\x00", 0, 1)
    assert stop == start - 1
    with pytest.raises(UndecodableError):
        compact_extent(b"\x04ab", 0, 3)


def test_text_that_is_not_utf8() -> None:
    assert text(b"a\xffb", 0, 3) == "a\N{REPLACEMENT CHARACTER}b"


def test_tags_are_stepped_over() -> None:
    assert skip_tags(b"\x00rest", 0, 5) == 1
    assert skip_tags(b"\x02\x05\x02ab\xac\x02\x00rest", 0, 12) == 8


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x00", b"\x01\x00\x02a", b"\xff\xff\xff\xff\x0f\x00\x00"])
def test_tags_that_do_not_fit(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        skip_tags(data, 0, len(data))
