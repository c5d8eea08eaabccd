"""Capture files: pcap and pcapng, of either byte order, in micro- or nanoseconds, packed with gzip or not.

Scapy's raw readers read them, one packet at a time. Around them stands what they leave out: the number of a packet's
interface, sections of their own in one file, time offsets, a place for each error, and a bound for what a broken length
may ask to be read at once. What scapy would say to the terminal is kept, and told as the reason why a file ends early.
"""

from __future__ import annotations

import io
import logging
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import Any, BinaryIO, NamedTuple

from scapy.error import Scapy_Exception, log_runtime
from scapy.utils import RawPcapNgReader, RawPcapReader

from ..errors import UsageError

_MOST_AT_ONCE = 16 << 20
"""Bytes: above the largest packet that any capture holds, and far below what a broken length can claim."""

_LARGEST = 262_140
"""The most that scapy reads of a packet: no capture holds larger ones."""

_GZIP = 31
"""What zlib calls gzip's form."""
_AT_ONCE = 64 << 10

_PCAPNG = b"\x0a\x0d\x0d\x0a"
_PCAP = frozenset({b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1"})
_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"SQLi": "an SQLite database, such as a run's ledger.db",
    b"\xa1\xb2\xcd\x34": "a pcap file in a changed form of its own",
    b"\x34\xcd\xb2\xa1": "a pcap file in a changed form of its own",
}
_MAKE_ONE = "give a file that tcpdump -w, tshark -w or dumpcap has written, or ackdrop itself with --capture"
_BROKEN = (EOFError, OSError, OverflowError, zlib.error, Scapy_Exception, StructError, ValueError, MemoryError)
_TIME_OFFSET = 14


class Packet(NamedTuple):
    """A packet as a capture file holds it.

    `at` is in nanoseconds since 1970, None where the file has no time for it. `interface` is its number in the file,
    `name` what it is called there. `link` is the link type (the registry of tcpdump.org). `data` may be less than the
    `length` bytes that were on the wire. `inbound` says which way it went, where the file does.
    """

    at: int | None
    interface: int
    name: str
    link: int
    data: bytes
    length: int
    comments: tuple[str, ...]
    inbound: bool | None = None


class CutOff(NamedTuple):
    """A file that ends in the middle, or makes no sense from some byte on: what stood before it is good."""

    file: str
    at: int
    why: str


def packets(file: Path | None) -> Iterator[Packet | CutOff]:
    """The packets of a file (None: standard input), in its order; at the end perhaps why it ends early.

    Raises UsageError for a file that cannot be opened, or that is no capture.
    """
    name = "standard input" if file is None else str(file)
    with _opened(file, name) as source, _quiet() as said:
        reader = _reader(source, name)
        yield from _all(reader, source, name, said)


def _all(reader: Any, source: _Source, name: str, said: _Kept) -> Iterator[Packet | CutOff]:
    convert = _from_pcapng if isinstance(reader, RawPcapNgReader) else _from_pcap
    while True:
        begins = source.at
        said.texts.clear()
        try:
            data, about = reader._read_packet(size=_MOST_AT_ONCE)
            packet = convert(reader, data, about)
        except _BROKEN as error:
            why = _why(error, said, source, begins)
            if why:
                yield CutOff(name, begins, why)
            return
        if source.short:
            yield CutOff(name, begins, "the last packet is cut off")
            return
        yield packet


def _from_pcap(reader: Any, data: bytes, about: Any) -> Packet:
    if about.caplen > _LARGEST:
        raise ValueError(f"a packet claims {about.caplen} bytes")
    at = about.sec * 1_000_000_000 + about.usec * (1 if reader.nano else 1000)
    return Packet(at, 0, "", reader.linktype & 0xFFFF, data, about.wirelen, ())


def _from_pcapng(reader: Any, data: bytes, about: Any) -> Packet:
    at = None
    if about.tshigh is not None and about.tsresol:
        ticks = about.tshigh << 32 | about.tslow
        at = ticks * 1_000_000_000 // about.tsresol + reader.offsets.get(reader.number, 0)
    comments = tuple(text.decode("utf-8", "replace") for text in about.comments or ())
    name = (about.ifname or b"").rstrip(b"\0").decode("utf-8", "replace")
    inbound = {1: True, 2: False}.get(about.direction)
    return Packet(at, reader.number, name, about.linktype, data, about.wirelen, comments, inbound)


class _Sections(RawPcapNgReader):
    """Knows the number of the interface of the packet that was read last, and begins anew at each section."""

    def __init__(self, filename: Any, fdesc: Any = None, magic: Any = None) -> None:
        self.number = 0
        self.offsets: dict[int, int] = {}
        super().__init__(filename, fdesc, magic)

    def _read_block_shb(self) -> None:
        self.interfaces.clear()
        self.offsets.clear()
        super()._read_block_shb()

    def _read_block_idb(self, block: bytes, _: int) -> None:
        super()._read_block_idb(block, _)
        offset = self._read_options(block[8:]).get(_TIME_OFFSET)
        if isinstance(offset, bytes) and len(offset) == 8:
            big = self.endian in ">!"
            self.offsets[len(self.interfaces) - 1] = (
                int.from_bytes(offset, "big" if big else "little", signed=True) * 1_000_000_000
            )

    def _read_block_epb(self, block: bytes, size: int) -> Any:
        self.number = self._number("I", block)
        return super()._read_block_epb(block, size)

    def _read_block_pkt(self, block: bytes, size: int) -> Any:
        self.number = self._number("H", block)
        return super()._read_block_pkt(block, size)

    def _read_block_spb(self, block: bytes, size: int) -> Any:
        self.number = 0
        return super()._read_block_spb(block, size)

    def _number(self, form: str, block: bytes) -> int:
        return int(Struct(self.endian + form).unpack_from(block)[0])


def _reader(source: _Source, name: str) -> Any:
    try:
        magic = source.read(4)
        if magic == _PCAPNG:
            return _new(_Sections, name, source, magic)
        if magic in _PCAP:
            return _new(RawPcapReader, name, source, magic)
    except _BROKEN as error:
        raise UsageError(f"{name}: the head of the capture cannot be read ({error})", remedy=_MAKE_ONE) from None
    if not magic:
        raise UsageError(f"{name}: the file is empty", remedy=_MAKE_ONE)
    what = next((told for begin, told in _OTHERS.items() if (magic + source.more).startswith(begin)), None)
    raise UsageError(f"{name}: no capture file{f', but {what}' if what else ''}", remedy=_MAKE_ONE)


def _new(kind: Any, name: str, source: _Source, magic: bytes) -> Any:
    """A reader for what is open already. Calling the class would open a file by its name."""
    reader = kind.__new__(kind, kind.__name__, kind.__bases__, kind.__dict__)
    reader.__init__(name, source, magic)
    return reader


def _why(error: BaseException, said: _Kept, source: _Source, begins: int) -> str:
    """Why the file ends here; empty where it simply ends."""
    if said.texts:
        return said.texts[-1]
    if source.at > begins:
        return str(error) or "the file is cut off in the middle of a packet"
    return "" if isinstance(error, EOFError) else str(error)


class _Source(io.RawIOBase):
    """A stream of bytes that counts what was read, reads as much as was asked for, and never very much at once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.at = 0
        self.short = False
        """Whether the stream ended within what was asked for."""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise OSError(f"a length of {size} bytes makes no sense")
        data: bytes = self._stream.read(size)
        self.at += len(data)
        self.short = len(data) < size
        return data

    @property
    def more(self) -> bytes:
        """The next few bytes, to tell what a file is."""
        data: bytes = self._stream.read(4)
        return data


class _Unpacked:
    """What gzip has packed (RFC 1952), as far as it is there: where it is cut off, all before that can be read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._data = bytearray()
        self._packed = b""
        self._member = zlib.decompressobj(_GZIP)

    def read(self, size: int) -> bytes:
        while len(self._data) < size and self._more():
            pass
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def _more(self) -> bool:
        """Unpack a little more; False at the end."""
        if self._member.eof:
            self._packed, self._member = self._member.unused_data, zlib.decompressobj(_GZIP)
            if not self._packed and not self._fill():
                return False
        elif not self._packed and not self._fill():
            return False
        self._data += self._member.decompress(self._packed, _AT_ONCE)
        self._packed = self._member.unconsumed_tail
        return True

    def _fill(self) -> bool:
        self._packed = self._stream.read(_AT_ONCE)
        return bool(self._packed)


@contextmanager
def _opened(file: Path | None, name: str) -> Iterator[_Source]:
    try:
        raw: BinaryIO = sys.stdin.buffer if file is None else file.open("rb")
        stream: Any = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)
        packed = stream.peek(2)[:2] == b"\x1f\x8b"
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror or error})", remedy=_MAKE_ONE) from None
    try:
        yield _Source(_Unpacked(stream) if packed else stream)
    finally:
        if file is not None:
            raw.close()


class _Kept(logging.Filter):
    """Takes what scapy has to say, so that it does not go to the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        self.texts.append(record.getMessage().removeprefix("PcapNg: ").removeprefix("Pcap: "))
        return False


@contextmanager
def _quiet() -> Iterator[_Kept]:
    kept = _Kept()
    log_runtime.filters.insert(0, kept)  # before scapy's own, which lets go of what is said often
    try:
        yield kept
    finally:
        log_runtime.removeFilter(kept)
