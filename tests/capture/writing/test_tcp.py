"""Connections as TCP: their bytes come out again, with numbers and checksums that are right."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.capture.writing import pcapng
from ackdrop.capture.writing.tcp import MOST, Conversation, Endpoint, Segment

from ...pcapng_files import ACK, FIN, RST, SYN, Tcp, fields, tcp

NEAR, FAR = Endpoint(ip_address("127.0.0.1"), 19092), Endpoint(ip_address("127.0.0.2"), 40000)
SIX = Endpoint(ip_address("::1"), 19092), Endpoint(ip_address("fe80::2"), 40000)
ADDRESSES = st.sampled_from([(NEAR, FAR), SIX, (NEAR, SIX[1])])
CHUNKS = st.lists(
    st.tuples(
        st.booleans(), st.binary(max_size=40) | st.integers(MOST - 1, 2 * MOST + 1).map(lambda size: b"x" * size)
    ),
    max_size=12,
)


def told(segments: list[Segment]) -> list[tuple[bool, Tcp]]:
    return [(segment.inbound, tcp(segment.packet)) for segment in segments]


@settings(max_examples=60, deadline=None)
@given(ADDRESSES, st.integers(0, 2**32 - 1), CHUNKS, st.booleans())
def test_what_went_each_way_comes_out_again_with_numbers_that_fit(
    ends: tuple[Endpoint, Endpoint], start: int, chunks: list[tuple[bool, bytes]], reset: bool
) -> None:
    talk = Conversation(*ends, start)
    segments = talk.handshake(inbound=True)
    for inbound, content in chunks:
        segments += talk.data(inbound, content)
    segments += [*talk.end(True, reset=reset), *talk.end(False, reset=reset)]
    assert talk.over
    assert not list(talk.data(True, b"late"))
    expected = {True: start, False: start}
    streams = {True: b"", False: b""}
    for inbound, segment in told(segments):
        assert segment.sequence == expected[inbound] % 2**32
        if segment.flags & ACK:
            assert segment.acknowledged == expected[not inbound] % 2**32
        expected[inbound] += len(segment.content) + bool(segment.flags & (SYN | FIN))
        streams[inbound] += segment.content
    assert streams == {way: b"".join(content for inbound, content in chunks if inbound is way) for way in (True, False)}


@pytest.mark.parametrize("inbound", [True, False])
def test_a_connection_begins_as_who_connected_began_it(inbound: bool) -> None:
    syn, syn_ack, ack = told(Conversation(NEAR, FAR, 5).handshake(inbound=inbound))
    assert [way for way, _ in (syn, syn_ack, ack)] == [inbound, not inbound, inbound]
    assert [each.flags for _, each in (syn, syn_ack, ack)] == [SYN, SYN | ACK, ACK]
    first = (FAR, NEAR) if inbound else (NEAR, FAR)
    assert (syn[1].source, syn[1].target) == tuple((end.address.packed, end.port) for end in first)


def test_ends_are_told_once_and_the_last_one_is_confirmed() -> None:
    talk = Conversation(NEAR, FAR, 5)
    assert [each.flags for _, each in told(talk.end(True, reset=False))] == [FIN | ACK]
    assert talk.end(True, reset=False) == []
    assert len(list(talk.data(False, b"answer"))) == 1
    assert [each.flags for _, each in told(talk.end(False, reset=False))] == [FIN | ACK, ACK]
    assert talk.end(False, reset=True) == []


def test_a_reset_ends_both_sides() -> None:
    talk = Conversation(NEAR, FAR, 5)
    assert [each.flags for _, each in told(talk.end(False, reset=True))] == [RST | ACK]
    assert talk.over
    assert talk.end(True, reset=False) == []


def test_segments_fit_into_packets_and_say_how_far_they_reach() -> None:
    for near, far in ((NEAR, FAR), SIX):
        segments = list(Conversation(near, far, 0).data(True, bytes(3 * MOST - 1)))
        assert [segment.end for segment in segments] == [MOST, 2 * MOST, 3 * MOST - 1]
        assert max(len(segment.packet) for segment in segments) <= 0xFFFF


def test_a_gap_moves_the_numbers() -> None:
    talk = Conversation(NEAR, FAR, 100)
    talk.skip(True, 50)
    (segment,) = talk.data(True, b"ab")
    assert (tcp(segment.packet).sequence, segment.end) == (150, 52)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("10.1.2.3", 9), "10.1.2.3"),
        (("::ffff:10.1.2.3", 9, 0, 0), "10.1.2.3"),
        (("fe80::1%eth0", 9, 0, 2), "fe80::1"),
    ],
)
def test_endpoints_are_what_sockets_tell(name: tuple[str | int, ...], expected: str) -> None:
    assert Endpoint.of(name) == Endpoint(ip_address(expected), 9)


def test_wireshark_finds_no_flaw(tmp_path: Path) -> None:
    content = [pcapng.section("x", "y", "z"), pcapng.interface("client", "c"), pcapng.interface("broker", "b")]
    moment = 1_700_000_000_000_000
    request = struct.pack(">ihhih", 10 + 3, 18, 0, 7, 3) + b"abc"
    for number, ends in enumerate([(NEAR, FAR), SIX]):
        talk = Conversation(*ends, 2**32 - 20)
        segments = talk.handshake(inbound=True)
        for size in (1, len(request) - 1):
            segments += talk.data(True, request[:size])
            request = request[size:] or request
        segments += talk.data(False, bytes(70_001))
        segments += [*talk.end(True, reset=False), *talk.end(False, reset=number == 1)]
        for segment in segments:
            moment += 1
            content.append(pcapng.packet(number, moment, segment.packet, inbound=segment.inbound))
    path = tmp_path / "capture.pcapng"
    path.write_bytes(b"".join(content))
    wanted = ["frame.time_epoch", "tcp.analysis.flags", "tcp.checksum.status", "ip.checksum.status", "tcp.stream"]
    rows = fields(path, [*wanted, "frame.interface_name", "_ws.malformed"])
    assert {row["tcp.analysis.flags"] + row["_ws.malformed"] for row in rows} == {""}
    assert {row["tcp.checksum.status"] for row in rows} == {"1"}
    assert {(row["tcp.stream"], row["ip.checksum.status"], row["frame.interface_name"]) for row in rows} == {
        ("0", "1", "client"),
        ("1", "", "broker"),
    }
    assert rows[0]["frame.time_epoch"] == "1700000000.000001000"
