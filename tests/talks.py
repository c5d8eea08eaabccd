"""Packets as a network has them, for tests of what reads captures: made field by field, by nothing of ackdrop's."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, BROKER = ("10.0.0.2", 40000), ("10.0.0.1", 9092)
End = tuple[str, int]


def address(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


def tcp(source: End, target: End, seq: int, ack: int, flags: int, data: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", source[1], target[1], seq % 2**32, ack % 2**32, 0x50, flags, 1000, 0, 0) + data


def ipv4(source: End, target: End, payload: bytes, *, total: int | None = None, fragment: int = 0) -> bytes:
    size = 20 + len(payload) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x45, 0, size, 1, fragment, 64, 6, 0)
    return head + address(source[0]) + address(target[0]) + payload


class Packet:
    """A packet of a TCP connection: when, which way, where its data begins in that way's stream."""

    def __init__(self, at: float, source: End, target: End, seq: int, ack: int, flags: int, data: bytes) -> None:
        self.at, self.source, self.target = at, source, target
        self.seq, self.ack, self.flags, self.data = seq, ack, flags, data

    @property
    def bytes(self) -> bytes:
        return ipv4(self.source, self.target, tcp(self.source, self.target, self.seq, self.ack, self.flags, self.data))


class Talk:
    """One TCP connection. `client` and `broker` send; a side's bytes are acknowledged by the other's next packet, or by
    one of its own where `acked`."""

    def __init__(
        self, client: End = CLIENT, broker: End = BROKER, *, at: float = 0.0, starts: tuple[int, int] = (100, 5000)
    ) -> None:
        self.now = at
        self.packets: list[Packet] = []
        self._ends = (client, broker)
        self._next = list(starts)
        self._seen = list(starts)

    def open(self) -> Talk:
        """The handshake."""
        self._put(0, SYN)
        self._next[0] += 1
        self._seen[0] = self._next[0]
        self._put(1, SYN | ACK)
        self._next[1] += 1
        self._seen[1] = self._next[1]
        self._put(0, ACK)
        return self

    def client(self, data: bytes, *, acked: bool = True, after: float = 0.001) -> Talk:
        return self._send(0, data, acked, after)

    def broker(self, data: bytes, *, acked: bool = True, after: float = 0.001) -> Talk:
        return self._send(1, data, acked, after)

    def fin(self, side: int, *, after: float = 0.001) -> Talk:
        self.now += after
        self._put(side, FIN | ACK)
        self._next[side] += 1
        return self

    def rst(self, side: int, *, after: float = 0.001) -> Talk:
        self.now += after
        self._put(side, RST)
        return self

    def _send(self, side: int, data: bytes, acked: bool, after: float) -> Talk:
        self.now += after
        self._put(side, ACK | PSH, data)
        self._next[side] += len(data)
        if acked:
            self._seen[side] = self._next[side]
            self._put(1 - side, ACK)
        return self

    def _put(self, side: int, flags: int, data: bytes = b"") -> None:
        ack = self._seen[1 - side] if flags & ACK else 0
        self.packets.append(
            Packet(self.now, self._ends[side], self._ends[1 - side], self._next[side], ack, flags, data)
        )


def pcap(packets: Iterable[tuple[float, bytes]], *, link: int = 101, big: bool = False, nano: bool = False) -> bytes:
    order, unit = ">" if big else "<", 10**9 if nano else 10**6
    out = [struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for at, data in packets:
        ticks = 1_700_000_000 * unit + round(at * unit)
        out.append(struct.pack(f"{order}IIII", ticks // unit, ticks % unit, len(data), len(data)) + data)
    return b"".join(out)


def write(path: Path, *talks: Talk, extra: Sequence[tuple[float, bytes]] = ()) -> Path:
    """A capture file with these connections, in their order in time."""
    packets = [(packet.at, packet.bytes) for talk in talks for packet in talk.packets]
    path.write_bytes(pcap(sorted([*packets, *extra], key=lambda packet: packet[0])))
    return path
