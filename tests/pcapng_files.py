"""Captures as tests read them: block by block and packet by packet, with nothing of ackdrop or scapy; and tshark."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FIN, SYN, RST, ACK = 1, 2, 4, 16


@dataclass(frozen=True)
class Read:
    """A packet as it stands in a file."""

    interface: int
    at: int
    data: bytes
    inbound: bool
    comments: tuple[str, ...]


@dataclass
class File:
    """A file: what made it, its interfaces (name, description), and its packets."""

    application: str = ""
    interfaces: list[tuple[str, str]] = field(default_factory=list)
    packets: list[Read] = field(default_factory=list)


def read(content: bytes) -> File:
    """The whole of a file; every length in it has to be right."""
    found, at = File(), 0
    while at < len(content):
        kind, total = struct.unpack_from("<II", content, at)
        assert total % 4 == 0
        assert struct.unpack_from("<I", content, at + total - 4) == (total,)
        body = content[at + 8 : at + total - 4]
        assert len(body) == total - 12
        at += total
        if kind == 0x0A0D0D0A:
            assert struct.unpack_from("<IHHq", body) == (0x1A2B3C4D, 1, 0, -1)
            found.application = dict(_options(body[16:]))[4].decode()
        elif kind == 1:
            link, _, snap = struct.unpack_from("<HHI", body)
            options = dict(_options(body[8:]))
            assert (link, snap, options[9]) == (101, 0, b"\6")
            found.interfaces.append((options[2].decode(), options[3].decode()))
        else:
            assert kind == 6
            found.packets.append(_packet(body))
    return found


def _packet(body: bytes) -> Read:
    number, high, low, size, whole = struct.unpack_from("<IIIII", body)
    assert size == whole
    options = list(_options(body[20 + size + -size % 4 :]))
    flags = struct.unpack("<I", dict(options)[2])[0]
    comments = tuple(value.decode() for code, value in options if code == 1)
    return Read(number, high << 32 | low, body[20 : 20 + size], flags == 1, comments)


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while True:
        code, size = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert at + 4 == len(data)
            return
        yield code, data[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4


@dataclass(frozen=True)
class Tcp:
    """A TCP segment in its IP packet, whose lengths and checksums were right."""

    source: tuple[bytes, int]
    target: tuple[bytes, int]
    sequence: int
    acknowledged: int
    flags: int
    content: bytes


def tcp(packet: bytes) -> Tcp:
    """The segment in a packet; every length and both checksums have to be right."""
    if packet[0] >> 4 == 4:
        assert packet[0] == 0x45
        assert struct.unpack_from(">H", packet, 2) == (len(packet),)
        assert words(packet[:20]) == 0xFFFF
        source, target, segment = packet[12:16], packet[16:20], packet[20:]
        assert packet[9] == 6
    else:
        assert packet[0] == 0x60
        assert struct.unpack_from(">H", packet, 4) == (len(packet) - 40,)
        source, target, segment = packet[8:24], packet[24:40], packet[40:]
        assert packet[6] == 6
    assert words(source + target + struct.pack(">II", 6, len(segment)) + segment) == 0xFFFF
    ports, sequence, acknowledged, word = struct.unpack_from(">4sIIH", segment)
    here, there = struct.unpack(">HH", ports)
    return Tcp((source, here), (target, there), sequence, acknowledged, word & 0x3F, segment[(word >> 12) * 4 :])


def words(data: bytes) -> int:
    """The one's-complement sum of the 16-bit words, as RFC 1071 adds them up: 0xFFFF where a checksum is right."""
    total = 0
    for (word,) in struct.iter_unpack(">H", data + bytes(len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def tool(name: str) -> str:
    """Where a program of Wireshark's is; the test is skipped without it, and fails in CI, which has it."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed (Debian: tshark)")
    return path


def tshark(path: Path, *arguments: str) -> list[str]:
    """What tshark prints of a capture, line by line. It must have nothing to complain about."""
    command = [tool("tshark"), "-n", "-r", str(path), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    problems = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    assert not problems
    return done.stdout.splitlines()


def fields(path: Path, names: Sequence[str], *arguments: str) -> list[dict[str, str]]:
    """The values of these fields in every packet; several values of one field with `|` between."""
    wanted = [part for name in names for part in ("-e", name)]
    lines = tshark(path, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", *wanted, *arguments)
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]
