"""Frames are found whatever pieces they come in; a hole costs the frames that it touches, and is told."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.capture.reading import sense
from ackdrop.capture.reading.cutting import Cut, Cutter, Lost

Step = bytes | int


def request(cid: int, body: bytes = b"", client: bytes = b"me") -> bytes:
    message = struct.pack(">hhih", 3, 1, cid, len(client)) + client + body
    return struct.pack(">i", len(message)) + message


class Cutting:
    """A cutter for requests, and what it tells."""

    def __init__(self, keep: int = 1 << 20) -> None:
        self.frames: list[Cut] = []
        self.lost: list[Lost] = []
        self.cutter = Cutter(
            head=sense.REQUEST_HEAD,
            limit=1 << 26,
            wanted=lambda head: keep if len(head) >= sense.REQUEST_HEAD else -1,
            sense=lambda data, at: sense.request(data, at, "me"),
            frame=self.frames.append,
            lost=self.lost.append,
        )

    def feed(self, *steps: Step) -> Cutting:
        for step in steps:
            if isinstance(step, int):
                self.cutter.hole(step)
            else:
                self.cutter.data(step)
        return self


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), max_size=30),
    st.integers(0, 99),
)
def test_frames_in_any_pieces(bodies: list[bytes], sizes: list[int], keep: int) -> None:
    frames = [request(n, body) for n, body in enumerate(bodies)]
    stream, cutting = b"".join(frames), Cutting(keep)
    for size in sizes:
        cutting.feed(stream[:size])
        stream = stream[size:]
    cutting.feed(stream)
    assert [(cut.data, cut.size, cut.missing) for cut in cutting.frames] == [
        (frame[:keep], len(frame), 0) for frame in frames
    ]
    assert [cut.end for cut in cutting.frames] == [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    assert (cutting.lost, cutting.cutter.ends()) == ([], 0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.binary(min_size=4, max_size=60), min_size=2, max_size=6),
    st.integers(0, 300),
    st.integers(1, 200),
    st.integers(1, 50),
)
def test_a_hole_costs_the_frames_that_it_touches_alone(bodies: list[bytes], at: int, size: int, step: int) -> None:
    frames = [request(n, body) for n, body in enumerate(bodies)]
    frames.append(request(1000, b"behind all holes"))
    stream = b"".join(frames)
    at = min(at, len(stream) - len(frames[-1]) - 1)
    end = min(at + size, len(stream) - len(frames[-1]))
    cutting = Cutting()
    for part in (stream[:at], end - at, stream[end:]):
        if isinstance(part, int):
            cutting.feed(part)
        else:
            for n in range(0, len(part), step):
                cutting.feed(part[n : n + step])
    cutting.cutter.ends()
    ends = [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    whole = {frame for frame, stop in zip(frames, ends, strict=True) if stop <= at or stop - len(frame) >= end}
    told = [cut.data for cut in cutting.frames if not cut.missing]
    assert set(told) == whole
    assert told[-1] == frames[-1]
    missing = sum(cut.missing for cut in cutting.frames) + sum(lost.missing for lost in cutting.lost)
    assert missing == end - at
    known = sum(cut.size for cut in cutting.frames) + sum(lost.missing + lost.skipped for lost in cutting.lost)
    assert known == len(stream)
    assert all(lost.found for lost in cutting.lost)


def test_a_hole_within_a_large_frame_keeps_the_place() -> None:
    frame, after = request(1, b"x" * 500), request(2)
    cutting = Cutting().feed(frame[:100], 300, frame[400:], after)
    assert [(cut.size, cut.missing, len(cut.data)) for cut in cutting.frames] == [(516, 300, 100), (len(after), 0, 16)]
    assert cutting.lost == []


def test_bytes_that_are_no_frame_are_passed_until_there_is_one() -> None:
    cutting = Cutting().feed(request(1), b"\xff\xff\xff\xffgarbage", request(2))
    assert [cut.data for cut in cutting.frames] == [request(1), request(2)]
    assert cutting.lost == [Lost(0, 11, True)]


def test_one_that_begins_in_the_middle_finds_the_first_boundary() -> None:
    cutting = Cutting()
    cutting.cutter.search()
    cutting.feed(request(1, b"y" * 40)[20:], request(2), request(3))
    assert [cut.data for cut in cutting.frames] == [request(2), request(3)]
    assert cutting.lost == [Lost(0, 36, True)]


@pytest.mark.parametrize("piece", [b"\xff" * 1000, b"\0" * 1000])
def test_what_never_makes_sense_is_given_up_with_little_kept(piece: bytes) -> None:
    cutting = Cutting().feed(b"\xff" * 20)
    for _ in range(1200):
        cutting.feed(piece)
        assert cutting.cutter.kept < 70_000
    assert cutting.cutter.dead
    assert [lost.found for lost in cutting.lost] == [False]
    assert cutting.cutter.offset == 20 + 1_200_000
