"""From a packet's bytes to its TCP segment: link layers, IPv4 and IPv6, peeled off by hand.

Known are Ethernet (with VLAN tags), Linux cooked captures (`tcpdump -i any`, both versions), BSD's loopback and bare IP
(link types of the tcpdump.org registry). What is no TCP segment is told by what it is, and counted.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import NamedTuple

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_ETHERNET, _NULL, _LOOP, _COOKED, _COOKED_2 = 1, 0, 108, 113, 276
_RAW = frozenset({12, 14, 101})
_ONLY_V4, _ONLY_V6 = 228, 229
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLANS = frozenset({0x8100, 0x88A8, 0x9100})
_BSD_IPV6 = frozenset({10, 24, 28, 30})
_TCP = 6
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_IPV6_FRAGMENT, _AUTHENTICATION = 44, 51
_PROTOCOLS = {1: "ICMP", 2: "IGMP", 17: "UDP", 50: "IPsec", 58: "ICMPv6", 89: "OSPF", 132: "SCTP"}

_SHORT = Struct(">H").unpack_from
_TCP_HEADER = Struct(">HHIIBB").unpack_from


class Segment(NamedTuple):
    """A TCP segment. `data` is what the capture holds of its `length` bytes; addresses are 4 or 16 bytes."""

    source: tuple[bytes, int]
    target: tuple[bytes, int]
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    length: int


def segment(link: int, packet: bytes, length: int) -> Segment | str:
    """The segment in a packet that had `length` bytes on the wire; else what the packet is instead, in a word or two.

    A length of 0 in an IP header is what segmentation offload leaves there: the packet's own length counts then.
    """
    try:
        at, protocol = _network(link, packet)
        if protocol == _IPV4:
            return _ipv4(packet, at, length)
        if protocol == _IPV6:
            return _ipv6(packet, at, length)
    except (StructError, IndexError):
        return "packets cut off in their headers"
    return f"link type {link}" if protocol < 0 else "ARP" if protocol == 0x0806 else "no IP"


def _network(link: int, packet: bytes) -> tuple[int, int]:
    """(where the network layer begins, its EtherType); -1 for a link type that is not known."""
    if link == _ETHERNET:
        at, protocol = 14, _SHORT(packet, 12)[0]
        while protocol in _VLANS:
            protocol, at = _SHORT(packet, at + 2)[0], at + 4
        return at, protocol
    if link == _COOKED:
        return 16, _SHORT(packet, 14)[0]
    if link == _COOKED_2:
        return 20, _SHORT(packet, 0)[0]
    if link in (_NULL, _LOOP):
        family = int.from_bytes(packet[:4], "big")
        family = family if family < 0x10000 else int.from_bytes(packet[:4], "little")
        return 4, _IPV4 if family == 2 else _IPV6 if family in _BSD_IPV6 else 0
    if link in _RAW:
        return 0, {4: _IPV4, 6: _IPV6}.get(packet[0] >> 4, 0)
    return 0, {_ONLY_V4: _IPV4, _ONLY_V6: _IPV6}.get(link, -1)


def _ipv4(packet: bytes, at: int, length: int) -> Segment | str:
    protocol = packet[at + 9]
    header = 4 * (packet[at] & 15)
    (total,) = _SHORT(packet, at + 2)
    (fragment,) = _SHORT(packet, at + 6)
    if packet[at] >> 4 != 4 or header < 20:
        return "broken IP headers"
    if protocol != _TCP:
        return _PROTOCOLS.get(protocol, f"IP protocol {protocol}")
    if fragment & 0x3FFF:
        return "IP fragments"
    end = at + total if total else length
    return _tcp(packet, at + header, end, packet[at + 12 : at + 16], packet[at + 16 : at + 20])


def _ipv6(packet: bytes, at: int, length: int) -> Segment | str:
    (payload,) = _SHORT(packet, at + 4)
    protocol, header = packet[at + 6], at + 40
    if packet[at] >> 4 != 6:
        return "broken IP headers"
    end = header + payload if payload else length
    while protocol in _EXTENSIONS or protocol == _AUTHENTICATION:
        size = packet[header + 1]
        step = 4 * (size + 2) if protocol == _AUTHENTICATION else 8 * (size + 1)
        protocol, header = packet[header], header + step
    if protocol == _IPV6_FRAGMENT:
        return "IP fragments"
    if protocol != _TCP:
        return _PROTOCOLS.get(protocol, f"IP protocol {protocol}")
    return _tcp(packet, header, end, packet[at + 8 : at + 24], packet[at + 24 : at + 40])


def _tcp(packet: bytes, at: int, end: int, source: bytes, target: bytes) -> Segment | str:
    source_port, target_port, sequence, acknowledged, offset, flags = _TCP_HEADER(packet, at)
    begin = at + 4 * (offset >> 4)
    if begin < at + 20 or end < begin:
        return "broken TCP headers"
    data = packet[begin:end]
    return Segment((source, source_port), (target, target_port), sequence, acknowledged, flags, data, end - begin)
