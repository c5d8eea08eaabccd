"""Bytes to frames: whatever the chunks, the same frames and the same bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.core.assembly import HEAD, Assembly
from ackdrop.errors import WireError


class Taken:
    """What an assembly handed on: heads, whole frames, and bytes that streamed."""

    def __init__(
        self,
        wanted: Callable[[bytes], bool] = lambda head: True,
        *,
        least: int = 0,
        limit: int = 100,
        most: int | None = None,
    ) -> None:
        self.heads: list[bytes] = []
        self.whole: list[bytes] = []
        self.streamed: list[bytes] = []
        self.all = b""
        self._wanted = wanted
        self.assembly = Assembly(
            head=self._head, whole=self._whole, through=self._through, least=least, limit=limit, most=most
        )

    def _head(self, head: memoryview) -> bool:
        self.heads.append(bytes(head))
        return self._wanted(bytes(head))

    def _whole(self, frame: memoryview) -> None:
        self.whole.append(bytes(frame))
        self.all += frame

    def _through(self, data: memoryview) -> None:
        self.streamed.append(bytes(data))
        self.all += data

    def feed(self, data: bytes) -> None:
        buffer = bytearray(data)
        self.assembly.feed(memoryview(buffer))
        buffer[:] = bytes(len(buffer))


def frame(message: bytes) -> bytes:
    return struct.pack(">i", len(message)) + message


def test_whole_frames_come_out_one_by_one() -> None:
    taken = Taken()
    taken.feed(frame(b"first message") + frame(b"second") + frame(b""))
    assert taken.whole == [frame(b"first message"), frame(b"second"), frame(b"")]
    assert taken.heads == [frame(b"first message")[:HEAD], frame(b"second"), frame(b"")]
    assert taken.assembly.buffered == 0


def test_the_head_is_asked_for_once_however_the_frame_comes() -> None:
    taken = Taken()
    for byte in frame(b"a long enough message"):
        taken.feed(bytes([byte]))
    assert taken.whole == [frame(b"a long enough message")]
    assert len(taken.heads) == 1


def test_a_frame_that_is_not_wanted_streams_as_it_comes() -> None:
    taken = Taken(lambda head: False)
    data = frame(b"x" * 50)
    taken.feed(data[:HEAD])
    taken.feed(data[HEAD:30])
    assert taken.streamed == [data[:HEAD], data[HEAD:30]]
    assert taken.assembly.buffered == 0
    taken.feed(data[30:] + frame(b"next")[:5])
    assert taken.streamed[2] == data[30:]
    assert taken.assembly.buffered == 5


def test_a_frame_is_kept_until_its_head_is_there() -> None:
    taken = Taken(lambda head: False)
    taken.feed(frame(b"x" * 50)[: HEAD - 1])
    assert not taken.streamed
    assert taken.assembly.buffered == HEAD - 1


@pytest.mark.parametrize("size", [-1, -(1 << 31), 7, 101, (1 << 31) - 1])
def test_a_size_out_of_bounds_is_refused(size: int) -> None:
    taken = Taken(least=8, limit=100)
    with pytest.raises(WireError, match=f"{size} bytes"):
        taken.feed(frame(b"in bounds") + struct.pack(">i", size))
    assert taken.whole == [frame(b"in bounds")]


@pytest.mark.parametrize("size", [8, 100])
def test_both_bounds_are_allowed(size: int) -> None:
    taken = Taken(least=8, limit=100)
    taken.feed(frame(bytes(size)))
    assert taken.whole == [frame(bytes(size))]


def test_a_frame_that_streams_may_be_larger_than_one_that_is_kept() -> None:
    data = frame(bytes(HEAD) + b"x" * 300)
    streams = Taken(lambda head: False, limit=100, most=1000)
    streams.feed(data)
    assert b"".join(streams.streamed) == data
    with pytest.raises(WireError, match="allowed: 0 to 1000"):
        streams.feed(struct.pack(">i", 1001) + bytes(HEAD))
    kept = Taken(lambda head: True, limit=100, most=1000)
    with pytest.raises(WireError, match="allowed: 0 to 100"):
        kept.feed(data[:HEAD])


def test_a_size_is_refused_before_its_frame_is_there() -> None:
    taken = Taken(limit=100)
    taken.feed(b"\0\0")
    with pytest.raises(WireError):
        taken.feed(b"\0\x65")


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 60), max_size=20))
def test_any_chunks_give_the_same_frames(messages: list[bytes], cuts: list[int]) -> None:
    """Frames of an even length are wanted whole here, the others stream."""
    data = b"".join(map(frame, messages))
    taken = Taken(lambda head: head[3] % 2 == 0)
    rest = data
    for cut in cuts:
        taken.feed(rest[:cut])
        rest = rest[cut:]
    taken.feed(rest)
    assert taken.all == data
    assert taken.whole == [frame(message) for message in messages if len(message) % 2 == 0]
    assert taken.heads == [frame(message)[:HEAD] for message in messages]
    assert taken.assembly.buffered == 0
