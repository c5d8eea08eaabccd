"""One direction of TCP: in whatever order and pieces its segments come, each byte comes out once, or is a hole."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.capture.reading.halves import Half, Piece

Segment = tuple[int, bytes]
STARTS = st.sampled_from([0, 1, 2**31 - 5, 2**32 - 7, 2**32 - 1])


def told(pieces: list[Piece]) -> tuple[bytes, list[tuple[int, int]]]:
    """The bytes with zeros for holes, and (offset, size) of each hole."""
    data, holes = b"", []
    for piece in pieces:
        if piece.missing:
            holes.append((len(data), piece.missing))
            data += b"\0" * piece.missing
        else:
            data += piece.data
    return data, holes


def fed(half: Half, start: int, segments: list[Segment]) -> list[Piece]:
    half.begin(start)
    out: list[Piece] = []
    for at, data in segments:
        out += half.takes((start + at) % 2**32, data, len(data), 0.0)
    return [*out, *half.rest()]


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Segment]]:
    """A stream, and segments of it: in pieces, twice, overlapping, in any order; together they are all of it."""
    data = draw(st.binary(min_size=1, max_size=60)).replace(b"\0", b"\1")
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=6)) | {0, len(data)})
    parts = [(a, data[a:b]) for a, b in pairwise(cuts)]
    again = draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(1, 20)), max_size=4))
    parts += [(at, data[at : at + size]) for at, size in again]
    return data, draw(st.permutations(parts))


@settings(max_examples=150, deadline=None)
@given(STARTS, streams())
def test_all_of_it_in_any_order_is_the_stream(start: int, stream: tuple[bytes, list[Segment]]) -> None:
    data, segments = stream
    half = Half()
    assert told(fed(half, start, segments)) == (data, [])
    assert (half.offset, half.missing, half.waiting) == (len(data), 0, 0)


@settings(max_examples=150, deadline=None)
@given(STARTS, streams(), st.data())
def test_what_is_lost_is_a_hole_of_its_size_and_nothing_else_is(
    start: int, stream: tuple[bytes, list[Segment]], draw: st.DataObject
) -> None:
    data, segments = stream
    kept = [segment for segment in segments if draw.draw(st.booleans())]
    there = {at + n for at, part in kept for n in range(len(part))}
    end = max(there, default=-1) + 1
    out, holes = told(fed(Half(), start, kept))
    assert out == bytes(data[n] if n in there else 0 for n in range(end))
    assert {at + n for at, size in holes for n in range(size)} == set(range(end)) - there


def test_a_segment_cut_off_by_the_snap_length_leaves_a_hole_of_what_it_lacks() -> None:
    half = Half()
    half.begin(0)
    assert [*half.takes(0, b"abc", 10, 0.0)] == [Piece(b"abc", 0), Piece(b"", 7)]
    assert [*half.takes(10, b"d", 1, 0.0)] == [Piece(b"d", 0)]


def test_a_hole_that_the_receiver_has_acknowledged_is_none_that_is_waited_for() -> None:
    half = Half()
    half.begin(0)
    half.acks(0)
    assert [*half.takes(5, b"f", 1, 0.0)] == []
    assert [*half.takes(6, b"g", 1, 100.0)] == []  # the receiver waits for it, too
    half.acks(7)
    assert [*half.takes(7, b"h", 1, 100.2)] == [Piece(b"", 5), Piece(b"f", 0), Piece(b"g", 0), Piece(b"h", 0)]


def test_without_the_other_direction_a_hole_is_waited_for_as_long_as_tcp_sends_again() -> None:
    half = Half()
    half.begin(0)
    assert [*half.takes(5, b"f", 1, 0.0)] == []
    assert [*half.takes(6, b"g", 1, 2.0)] == []
    assert next(half.takes(7, b"h", 1, 3.1)) == Piece(b"", 5)


def test_what_waits_behind_a_hole_is_bounded() -> None:
    half = Half()
    half.begin(0)
    half.acks(0)
    out: list[Piece] = []
    for n in range(3000):
        out += half.takes(10 + 10_000 * n, b"x" * 10_000, 10_000, 0.0)
        assert half.waiting <= (4 << 20) + 10_000
    assert out[0] == Piece(b"", 10)


def test_keep_alives_and_repeats_say_nothing_new() -> None:
    half = Half()
    half.begin(0)
    assert [*half.takes(0, b"abc", 3, 0.0)] == [Piece(b"abc", 0)]
    assert [*half.takes(2, b"c", 1, 0.0)] == []
    assert [*half.takes(2, b"", 0, 0.0)] == []
    assert [*half.takes(1, b"bcd", 3, 0.0)] == [Piece(b"d", 0)]
