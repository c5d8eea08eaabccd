"""What a terminal sends, and the keys that it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.report.live.keys import keys


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"1", ["1"]),
        (b"19", ["1", "9"]),
        (b"0", []),
        (b"q", ["end"]),
        (b"\x1b[A", ["up"]),
        (b"\x1bOB", ["down"]),
        (b"jk \r", ["down", "up", "toggle", "toggle"]),
        (b"\x1b[A\x1b[B1", ["up", "down", "1"]),
        (b"xyz\x04\x13", []),
        (b"", []),
    ],
)
def test_keys(data: bytes, expected: list[str]):
    assert keys(data) == expected


@pytest.mark.parametrize(
    "data", [b"\x1b[1;5A", b"\x1b[15~", b"\x1b[3~", b"\x1b[<0;12;7M", b"\x1bq", b"\x1bOP", b"\x1b"]
)
def test_what_nobody_asked_for_is_passed_over_whole(data: bytes):
    assert keys(data) == []


@given(st.binary(max_size=64))
def test_any_bytes_are_keys_or_nothing(data: bytes):
    assert set(keys(data)) <= {"up", "down", "toggle", "end", *"123456789"}
