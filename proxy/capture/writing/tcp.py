"""The bytes of one connection as TCP segments over IP: ports, numbers, checksums, the handshake and the ends.

A proxy sees what was read and sent, and nothing of the segments below; so each portion becomes one segment, and whoever
sends is taken to have received all that was sent to it before. Wireshark then finds a connection without a flaw.

Checksums are one's-complement sums of 16-bit words (RFC 1071). Since 2^16 is 1 modulo 65535, that is the bytes as one
large number, modulo 65535.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import NamedTuple

MOST = 65_475
"""Bytes of one segment: what fits into an IP packet of 65,535 bytes behind the headers of IPv6 and TCP."""

_MODULUS = 0xFFFF
_NUMBERS = 1 << 32
_TCP = Struct(">HHIIHHHH")
_IP4 = Struct(">HHHHBBH4s4s")
_IP6 = Struct(">IHBB16s16s")
_IS_TCP, _HOPS = 6, 64
_DO_NOT_FRAGMENT = 0x4000
_FIN, _SYN, _RST, _PUSH, _ACK = 1, 2, 4, 8, 16
_WINDOW = 0xFFFF
_SYN_OPTIONS = Struct(">BBHBBBB").pack(2, 4, MOST, 1, 3, 3, 14)
"""The largest segment, and a window of 1 GiB: nobody who sends seems to be held up by it (RFC 9293, RFC 7323)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An end of a connection."""

    address: IPv4Address | IPv6Address
    port: int

    @classmethod
    def of(cls, name: tuple[str | int, ...]) -> Endpoint:
        """Of what a socket tells of itself; an IPv4 address that is mapped into IPv6 is one of IPv4."""
        address = ip_address(str(name[0]).partition("%")[0])
        return cls(getattr(address, "ipv4_mapped", None) or address, int(name[1]))


class Segment(NamedTuple):
    """A whole IP packet, in two parts: its headers and its content, which is large and shall not be copied again.

    `inbound`: it came from the far end. `end` is how many bytes of its direction have gone by with it.
    """

    inbound: bool
    headers: bytes
    content: bytes
    end: int

    @property
    def packet(self) -> bytes:
        return self.headers + self.content


class Conversation:
    """A connection between the proxy (`near`) and a client or a broker (`far`), as it goes on.

    Both ends count from `start`.
    """

    def __init__(self, near: Endpoint, far: Endpoint, start: int) -> None:
        if near.address.version != far.address.version:  # one of them is not known any more
            near, far = _as_six(near), _as_six(far)
        self._ends = {True: _Direction(far, near, start), False: _Direction(near, far, start)}

    @property
    def over(self) -> bool:
        """Whether nothing more can come: both sides have ended, or one has reset it."""
        return all(end.finished for end in self._ends.values())

    def handshake(self, *, inbound: bool) -> list[Segment]:
        """SYN, SYN-ACK, ACK; `inbound`: the far end connected to us."""
        return [
            self._segment(inbound, _SYN, acknowledges=False),
            self._segment(not inbound, _SYN | _ACK),
            self._segment(inbound, _ACK),
        ]

    def data(self, inbound: bool, content: bytes) -> Iterator[Segment]:
        """What came from the far end, or was sent to it; none once that direction has ended."""
        for at in range(0, 0 if self._ends[inbound].finished else len(content), MOST):
            portion = content if len(content) <= MOST else content[at : at + MOST]
            last = at + MOST >= len(content)
            yield self._segment(inbound, _ACK | _PUSH if last else _ACK, portion)

    def acknowledgement(self, inbound: bool) -> Segment:
        """A segment without content."""
        return self._segment(inbound, _ACK)

    def end(self, inbound: bool, *, reset: bool) -> list[Segment]:
        """That side says its end: FIN, or RST, which ends both. None where it has done so before."""
        if self._ends[inbound].finished:
            return []
        segment = self._segment(inbound, _RST | _ACK if reset else _FIN | _ACK)
        self._ends[inbound].finished = True
        if reset:
            self._ends[not inbound].finished = True
            return [segment]
        if self.over:  # the other side's kernel confirms the last FIN
            return [segment, self._segment(not inbound, _ACK)]
        return [segment]

    def skip(self, inbound: bool, count: int) -> None:
        """So many bytes of that direction are not known."""
        self._ends[inbound].number += count
        self._ends[inbound].passed += count

    def _segment(self, inbound: bool, flags: int, content: bytes = b"", *, acknowledges: bool = True) -> Segment:
        end = self._ends[inbound]
        headers = end.headers(flags, self._ends[not inbound].number if acknowledges else 0, content)
        end.number += len(content) + (1 if flags & (_SYN | _FIN) else 0)
        end.passed += len(content)
        return Segment(inbound, headers, content, end.passed)


class _Direction:
    """What goes one way. `number` is the next sequence number, not yet wrapped around; `passed` counts the content."""

    def __init__(self, source: Endpoint, target: Endpoint, start: int) -> None:
        self.number = start
        self.passed = 0
        self.finished = False
        self._ports = source.port, target.port
        self._addresses = source.address.packed, target.address.packed
        self._four = source.address.version == 4
        self._fixed = sum(map(_sum, self._addresses)) + _IS_TCP + source.port + target.port + _WINDOW

    def headers(self, flags: int, acknowledged: int, content: bytes) -> bytes:
        """Those of IP and TCP."""
        options = _SYN_OPTIONS if flags & _SYN else b""
        length = _TCP.size + len(options) + len(content)
        word = (_TCP.size + len(options)) // 4 << 12 | flags
        number, acknowledged = self.number % _NUMBERS, acknowledged % _NUMBERS
        checksum = _complement(self._fixed + length + word + number + acknowledged + _sum(options) + _sum(content))
        head = _TCP.pack(*self._ports, number, acknowledged, word, _WINDOW, checksum, 0)
        return b"".join((self._ip(length), head, options))

    def _ip(self, length: int) -> bytes:
        source, target = self._addresses
        if not self._four:
            return _IP6.pack(6 << 28, length, _IS_TCP, _HOPS, source, target)
        fields = 0x4500, _IP4.size + length, 0, _DO_NOT_FRAGMENT, _HOPS, _IS_TCP
        checksum = _complement(_sum(_IP4.pack(*fields, 0, source, target)))
        return _IP4.pack(*fields, checksum, source, target)


def _sum(data: bytes) -> int:
    """A number that is as large as the sum of the 16-bit words, modulo 65535; the last byte of an odd count stands
    before a zero."""
    return int.from_bytes(data, "big") % _MODULUS << (8 if len(data) % 2 else 0)


def _complement(total: int) -> int:
    return _MODULUS - (total % _MODULUS or _MODULUS)


def _as_six(end: Endpoint) -> Endpoint:
    address = end.address
    return Endpoint(IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed), end.port) if address.version == 4 else end
