"""A TCP segment is found below every link layer that captures of Kafka come in."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.capture.reading.link import ACK, Segment, segment

from ...talks import BROKER, CLIENT, ipv4, tcp

DATA = b"content"
FOUR = ipv4(CLIENT, BROKER, tcp(CLIENT, BROKER, 7, 9, ACK, DATA))
SIXES = bytes(15) + b"\1", bytes(15) + b"\2"
ETHER = bytes(12)


def ipv6(payload: bytes, protocol: int = 6, *, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", 6 << 28, size, protocol, 64) + SIXES[0] + SIXES[1] + payload


SIX = ipv6(tcp(CLIENT, BROKER, 7, 9, ACK, DATA))
PADDED = FOUR + bytes(6)

LINKS = {
    "ethernet": (1, ETHER + b"\x08\0" + FOUR),
    "ethernet, padded to its least length": (1, ETHER + b"\x08\0" + PADDED),
    "one VLAN tag": (1, ETHER + b"\x81\0\0\5\x08\0" + FOUR),
    "two VLAN tags": (1, ETHER + b"\x88\xa8\0\5\x81\0\0\6\x08\0" + FOUR),
    "linux cooked": (113, bytes(14) + b"\x08\0" + FOUR),
    "linux cooked, version 2": (276, b"\x08\0" + bytes(18) + FOUR),
    "raw": (101, FOUR),
    "raw, as BSD has it": (12, FOUR),
    "raw IPv4": (228, FOUR),
    "null, little endian": (0, b"\2\0\0\0" + FOUR),
    "null, big endian": (0, b"\0\0\0\2" + FOUR),
    "loop": (108, b"\0\0\0\2" + FOUR),
}


@pytest.mark.parametrize("name", LINKS)
def test_ipv4_below_any_link_layer(name: str) -> None:
    link, packet = LINKS[name]
    expected = Segment((bytes((10, 0, 0, 2)), 40000), (bytes((10, 0, 0, 1)), 9092), 7, 9, ACK, DATA, len(DATA))
    assert segment(link, packet, len(packet)) == expected


@pytest.mark.parametrize(
    ("link", "packet"),
    [
        (1, ETHER + b"\x86\xdd" + SIX),
        (101, SIX),
        (229, SIX),
        (0, b"\x1e\0\0\0" + SIX),
        (101, ipv6(b"\6\0" + bytes(6) + tcp(CLIENT, BROKER, 7, 9, ACK, DATA), 0)),
        (101, ipv6(b"\x3c\0" + bytes(6) + b"\6\1" + bytes(14) + tcp(CLIENT, BROKER, 7, 9, ACK, DATA), 43)),
    ],
    ids=["ethernet", "raw", "raw IPv6", "null", "hop-by-hop options", "two extension headers"],
)
def test_ipv6_with_and_without_extension_headers(link: int, packet: bytes) -> None:
    expected = Segment((SIXES[0], 40000), (SIXES[1], 9092), 7, 9, ACK, DATA, len(DATA))
    assert segment(link, packet, len(packet)) == expected


@pytest.mark.parametrize(
    "packet", [ipv4(CLIENT, BROKER, tcp(CLIENT, BROKER, 7, 9, ACK, DATA), total=0), ipv6(SIX[40:], length=0)]
)
def test_a_length_of_0_is_what_segmentation_offload_leaves(packet: bytes) -> None:
    found = segment(101, packet, len(packet))
    assert isinstance(found, Segment)
    assert (found.data, found.length) == (DATA, len(DATA))


def test_what_the_snap_length_has_cut_off_is_counted() -> None:
    found = segment(101, FOUR[:-3], len(FOUR))
    assert isinstance(found, Segment)
    assert (found.data, found.length) == (DATA[:-3], len(DATA))


@pytest.mark.parametrize(
    ("link", "packet", "what"),
    [
        (1, ETHER + b"\x08\6" + bytes(28), "ARP"),
        (1, ETHER + b"\x88\xcc" + bytes(28), "no IP"),
        (147, FOUR, "link type 147"),
        (101, FOUR[:9] + b"\x11" + FOUR[10:], "UDP"),
        (101, FOUR[:9] + b"\xfd" + FOUR[10:], "IP protocol 253"),
        (101, FOUR[:6] + b"\x20\0" + FOUR[8:], "IP fragments"),
        (101, FOUR[:6] + b"\0\x10" + FOUR[8:], "IP fragments"),
        (101, ipv6(bytes(8), 44), "IP fragments"),
        (101, b"\x41" + FOUR[1:], "broken IP headers"),
        (101, FOUR[:32] + b"\x10" + FOUR[33:], "broken TCP headers"),
        (101, FOUR[:30], "packets cut off in their headers"),
        (1, b"", "packets cut off in their headers"),
    ],
)
def test_what_is_no_segment_is_told_by_what_it_is(link: int, packet: bytes, what: str) -> None:
    assert segment(link, packet, len(packet)) == what


@given(st.sampled_from([0, 1, 101, 113, 276, 228, 229]), st.binary(max_size=90))
def test_bytes_that_are_anything_are_a_segment_or_told(link: int, packet: bytes) -> None:
    found = segment(link, packet, len(packet))
    assert isinstance(found, str) or 0 <= len(found.data) <= max(found.length, 0)
