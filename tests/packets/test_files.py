"""Capture files of every kind are opened; one that is broken gives what is whole, and says where it ends."""

from __future__ import annotations

import gzip
import io
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UsageError
from ackdrop.packets.files import CutOff, Packet, packets

from ..talks import pcap

AT = 1_700_000_000_000_000_000
TWO = [(0.25, b"first packet"), (1.5, b"second")]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    size = 12 + len(body) + -len(body) % 4
    return struct.pack(f"{order}II", kind, size) + body + bytes(-len(body) % 4) + struct.pack(f"{order}I", size)


def pack_option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(*blocks: bytes, order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order) + b"".join(blocks)


def interface(name: bytes = b"", *options: bytes, link: int = 101, order: str = "<") -> bytes:
    named = pack_option(2, name, order) if name else b""
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + named + b"".join(options) + bytes(4), order)


def enhanced(number: int, ticks: int, data: bytes, *comments: str, order: str = "<") -> bytes:
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) + 1)
    options = b"".join(pack_option(1, comment.encode(), order) for comment in comments)
    return block(6, head + data + bytes(-len(data) % 4) + (options + bytes(4) if options else b""), order)


def read(tmp_path: Path, content: bytes) -> list[Packet | CutOff]:
    (tmp_path / "a").write_bytes(content)
    return list(packets(tmp_path / "a"))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_pcap_in_either_byte_order_and_resolution(tmp_path: Path, big: bool, nano: bool, packed: bool) -> None:
    content = pcap(TWO, big=big, nano=nano)
    assert read(tmp_path, gzip.compress(content) if packed else content) == [
        Packet(AT + 250_000_000, 0, "", 101, b"first packet", 12, ()),
        Packet(AT + 1_500_000_000, 0, "", 101, b"second", 6, ()),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_interfaces_and_comments(tmp_path: Path, order: str) -> None:
    content = section(
        interface(b"client", order=order),
        interface(b"broker", pack_option(9, b"\x09", order), link=1, order=order),
        enhanced(1, AT + 5, b"abc", "one", "two", order=order),
        enhanced(0, AT // 1000 + 7, b"defg", order=order),
        order=order,
    )
    assert read(tmp_path, content) == [
        Packet(AT + 5, 1, "broker", 1, b"abc", 4, ("one", "two")),
        Packet(AT + 7000, 0, "client", 101, b"defg", 5, ()),
    ]


def test_sections_have_interfaces_of_their_own_and_times_an_offset(tmp_path: Path) -> None:
    offset = pack_option(14, struct.pack("<q", 100))
    content = section(interface(b"a"), enhanced(0, 1, b"x")) + section(
        interface(b"b", offset, link=1), enhanced(0, 2, b"y")
    )
    assert read(tmp_path, content) == [
        Packet(1000, 0, "a", 101, b"x", 2, ()),
        Packet(100_000_002_000, 0, "b", 1, b"y", 2, ()),
    ]


def test_a_simple_packet_has_no_time(tmp_path: Path) -> None:
    content = section(block(1, struct.pack("<HHI", 101, 0, 96)), block(3, struct.pack("<I", 3) + b"abc"))
    (found,) = read(tmp_path, content)
    assert isinstance(found, Packet)
    assert (found.at, found.data, found.length) == (None, b"abc", 3)


def test_standard_input_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(pcap(TWO))

    monkeypatch.setattr(sys, "stdin", Input())
    assert [found.data for found in packets(None) if isinstance(found, Packet)] == [b"first packet", b"second"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"hello world, I am text", "no capture file"),
        (b"PK\x03\x04" + bytes(50), "no capture file, but a zip archive"),
        (b"SQLite format 3\0" + bytes(50), "an SQLite database"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "the head of the capture cannot be read"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0garbage!", "the head of the capture cannot be read"),
        (b"\x1f\x8bnot gzip at all", "the head of the capture cannot be read"),
    ],
)
def test_what_is_no_capture_is_an_error_with_a_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as found:
        read(tmp_path, content)
    assert said in found.value.message
    assert str(tmp_path / "a") in found.value.message
    assert found.value.remedy
    assert "tcpdump" in found.value.remedy


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        list(packets(tmp_path / "none"))


PCAPNG = section(interface(b"a"), enhanced(0, 1, b"x" * 30, "said"), enhanced(0, 2, b"y" * 30))


@pytest.mark.parametrize("content", [pcap(TWO), PCAPNG, gzip.compress(pcap(TWO))], ids=["pcap", "pcapng", "gzip"])
def test_a_file_that_is_cut_off_gives_what_is_whole_and_says_where(tmp_path: Path, content: bytes) -> None:
    for size in range(len(content) - 1, len(content) - 40, -1):
        *found, last = read(tmp_path, content[:size])
        if isinstance(last, CutOff):
            assert last.file == str(tmp_path / "a")
            assert last.why
        else:
            found.append(last)
        whole = [b"first packet", b"second"] if content is not PCAPNG else [b"x" * 30, b"y" * 30]
        told = [each.data for each in found if isinstance(each, Packet)]
        assert told == whole[: len(told)]
        assert told or size < 80 - 24


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([pcap(TWO), PCAPNG, PCAPNG + PCAPNG, gzip.compress(PCAPNG)]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
)
def test_a_broken_file_is_an_error_or_an_early_end_and_never_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(content)
    for at, value in changes:
        changed[at % len(changed)] = value
    try:
        found = read(tmp_path_factory.getbasetemp(), bytes(changed))
    except UsageError:
        return
    assert all(isinstance(each, Packet) for each in found[:-1])


def test_scapys_words_do_not_reach_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        assert isinstance(read(tmp_path, PCAPNG[:-7])[-1], CutOff)
    assert capfd.readouterr() == ("", "")
