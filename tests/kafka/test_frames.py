from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.errors import WireError
from ackdrop.kafka.frames import FRAME_LIMIT, split

MESSAGES = st.lists(st.binary(max_size=20), max_size=6)


def join(messages: list[bytes]) -> bytes:
    return b"".join(struct.pack(">i", len(message)) + message for message in messages)


def test_nothing_yet() -> None:
    assert split(memoryview(b"")) == ([], 0)
    assert split(memoryview(b"\x00\x00\x00")) == ([], 0)


@given(MESSAGES)
def test_whole_frames_are_found_where_they_stand(messages: list[bytes]) -> None:
    data = join(messages)
    extents, rest = split(memoryview(data))
    assert [data[start + 4 : end] for start, end in extents] == messages
    assert rest == len(data)


@given(MESSAGES, st.data())
def test_cutting_anywhere_gives_the_same_frames(messages: list[bytes], data: st.DataObject) -> None:
    whole = join(messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    found: list[bytes] = []
    pending = b""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        pending += whole[start:end]
        extents, rest = split(memoryview(pending))
        found += [pending[first + 4 : last] for first, last in extents]
        pending = pending[rest:]
    assert (found, pending) == (messages, b"")


@pytest.mark.parametrize("size", [-1, -(1 << 31), 101])
def test_a_size_that_is_not_allowed(size: int) -> None:
    with pytest.raises(WireError, match=str(size)) as caught:
        split(struct.pack(">i", size), limit=100)
    assert caught.value.remedy


def test_a_bad_size_is_seen_behind_a_good_frame() -> None:
    with pytest.raises(WireError):
        split(join([b"fine"]) + b"HTTP/1.1")


def test_the_limit_itself_is_allowed() -> None:
    assert split(struct.pack(">i", 100), limit=100) == ([], 0)
    assert split(struct.pack(">i", FRAME_LIMIT)) == ([], 0)
