"""What a connection speaks, told by its bytes and not by its ports.

Where its beginning is in the capture, the first bytes of the client say it. Where it is not, it is Kafka's if segments
begin like requests, and what goes the other way answers one of them, or more of them name the same client: a single
one that makes sense may do so by chance.
"""

from __future__ import annotations

from ...errors import WireError
from ...kafka.frames import spoken
from ...kafka.headers import request_header
from ...kafka.produce import parse_request
from . import sense
from .cutting import Sense
from .halves import Piece

KAFKA, TLS, OTHER = "Kafka", "TLS", "another protocol"

_MOST_LOOKED_AT = 256 << 10
"""Bytes of a connection that are looked at to know what it speaks."""
_MOST_CANDIDATES = 200
_TRANSACTIONS, _FLEXIBLE = 3, 9
"""The versions of Produce that brought a transactional id, and compact lengths."""
_TLS_RECORDS = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")


class Recognition:
    """Looks at the pieces of both directions, 0 and 1, until it is known. `client` is the one that asks, None where
    that is not known yet."""

    def __init__(self, client: int | None) -> None:
        self.client = client
        self.begins = client is not None
        """Whether the client's first bytes are there."""
        self.pieces: list[tuple[int, Piece, float]] = []
        self.size = 0
        self._first = b""
        self._holed = False
        self._asked: list[tuple[int, int, str]] = []

    def looks(self, way: int, piece: Piece, now: float) -> str:
        """The next piece of a direction: what it speaks, empty where that is still open."""
        self.pieces.append((way, piece, now))
        self.size += len(piece.data) + 1
        found = self._beginning(way, piece) if self.begins else self._middle(way, piece)
        return found or (self.last() if self.size > _MOST_LOOKED_AT else "")

    @property
    def name(self) -> str | None:
        """What the client calls itself, where its beginning is not there."""
        return next((name for way, _, name in self._asked if way == self.client and name), None)

    def last(self) -> str:
        """Nothing more comes."""
        if self.begins and self._first:
            return KAFKA if _first_request(self._first, whole=False) is Sense.YES else OTHER
        ways = {way for way, piece, _ in self.pieces if piece.data}
        named = [each for each in self._asked if each[2]]
        if named and len(ways) == 1:
            self.client = named[0][0]
            return KAFKA
        return OTHER if ways else ""

    def _beginning(self, way: int, piece: Piece) -> str:
        if way != self.client:
            return ""
        if piece.missing and not self._first:
            self.begins = False
            return ""
        self._holed = self._holed or bool(piece.missing)
        self._first += b"" if self._holed else piece.data
        data = self._first
        if data[:2] in _TLS_RECORDS:
            return TLS
        found = _first_request(data, whole=not self._holed)
        if found is Sense.YES:
            return KAFKA
        return _other(data) if found is Sense.NO else ""

    def _middle(self, way: int, piece: Piece) -> str:
        data = piece.data
        if len(data) >= 5 and data[:2] in _TLS_RECORDS and data[2] <= 4:
            return TLS
        if (
            self.client in (None, 1 - way)
            and len(data) >= 8
            and any(asks != way and data[4:8] == cid.to_bytes(4, "big") for asks, cid, _ in self._asked)
        ):
            self.client = 1 - way
            return KAFKA
        if self.client == 1 - way or _first_request(data, whole=False) is not Sense.YES:
            return _other(data) if data[:4] in (b"HTTP", b"GET ", b"POST") else ""
        header = sense.named(data)
        if header[1] and any(asks == way and name == header[1] and cid != header[0] for asks, cid, name in self._asked):
            self.client = way
            return KAFKA
        if len(self._asked) < _MOST_CANDIDATES:
            self._asked.append((way, *header))
        return ""


def _other(data: bytes) -> str:
    return spoken(int.from_bytes(data[:4], "big", signed=True)) or OTHER if len(data) >= 4 else OTHER


def _first_request(data: bytes, *, whole: bool) -> Sense:
    """Whether this begins with a request. One to produce has to be one to its end: other protocols begin with zeros,
    too, and so do answers, whose correlation id stands in the place of API and version. `whole`: the rest of it is
    still to come."""
    found = sense.request(data, confirm=False)
    if found is not Sense.YES or data[4:6] != b"\0\0":
        return found
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < end:
        return Sense.MORE if whole and len(data) < _MOST_LOOKED_AT else _begun_produce(data)
    try:
        parse_request(data[:end], request_header(data[:end]))
    except WireError:
        return Sense.NO
    return Sense.YES


def _begun_produce(data: bytes) -> Sense:
    """Of a request to produce whose end is not there: its client has a name, and what follows makes sense. An answer
    has a topic in this place, and behind it counts that would be an empty transactional id."""
    name = sense.named(data)[1]
    version = int.from_bytes(data[6:8], "big")
    at = sense.REQUEST_HEAD + len(name.encode())
    if not name or len(data) < at + 10:
        return Sense.NO
    if version >= _FLEXIBLE:
        sane = data[at] == 0 and data[at + 1] != 1
        at += 1 + max(data[at + 1], 1)
    else:
        length = int.from_bytes(data[at : at + 2], "big", signed=True) if version >= _TRANSACTIONS else -1
        sane = length == -1 or length > 0
        at += max(length, 0) + (2 if version >= _TRANSACTIONS else 0)
    acks = int.from_bytes(data[at : at + 2], "big", signed=True)
    return Sense.YES if sane and acks in (-1, 0, 1) else Sense.NO
