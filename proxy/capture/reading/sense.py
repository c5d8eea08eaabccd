"""Whether bytes are a Kafka request or answer: to know a connection by what it says and not by its port, and to find
the next frame behind a hole."""

from __future__ import annotations

from collections.abc import Container
from struct import Struct

from ...kafka.apis import API_NAMES
from ...kafka.frames import FRAME_LIMIT
from .cutting import MOST_SEARCHED, Sense

REQUEST_HEAD = 14
"""Bytes that decide about a request: length, API key, version, correlation id, length of the client id."""
ANSWER_HEAD = 8
REQUEST_LEAST = 10
"""The least that a request's length can say."""

_REQUEST = Struct(">ihhih").unpack_from
_ANSWER = Struct(">ii").unpack_from
_SIZE = Struct(">i").unpack_from
_HIGHEST_VERSION = 20
"""Above every version that an API has had."""
_LONGEST_CLIENT_ID = 1024


def request(data: bytes, at: int = 0, client_id: str | None = None, *, confirm: bool = True) -> Sense:
    """Whether a request begins there, from this client where one is named. `confirm`: the place is not known to be the
    beginning of one, so what follows has to make sense, too, and no name may be odd."""
    there = len(data) - at
    if there < REQUEST_HEAD:
        return Sense.MORE if there < 4 or _sane(_SIZE(data, at)[0]) else Sense.NO
    size, key, version, _, length = _REQUEST(data, at)
    if not _sane(size) or key not in API_NAMES or not 0 <= version <= _HIGHEST_VERSION:
        return Sense.NO
    if not -1 <= length <= min(_LONGEST_CLIENT_ID, size - REQUEST_LEAST):
        return Sense.NO
    if client_id is not None and max(length, 0) != len(client_id.encode()):
        return Sense.NO
    raw = data[at + REQUEST_HEAD : at + REQUEST_HEAD + max(length, 0)]
    if there < REQUEST_HEAD + length:
        return Sense.MORE if not confirm or min(raw, default=32) >= 32 else Sense.NO
    named = _text(raw, printable=confirm)
    if named is None or (client_id is not None and named != client_id):
        return Sense.NO
    after = at + 4 + size
    if not confirm or after == len(data):
        return Sense.YES
    if after > len(data):
        return Sense.YES if named else Sense.MORE if 4 + size <= MOST_SEARCHED else Sense.NO
    return request(data, after, client_id or named, confirm=False)


def named(data: bytes) -> tuple[int, str]:
    """The correlation id and the client id of a request that begins like this; it makes sense as one."""
    _, _, _, correlation_id, length = _REQUEST(data)
    return correlation_id & 0xFFFFFFFF, _text(data[REQUEST_HEAD : REQUEST_HEAD + max(length, 0)], printable=False) or ""


def answer(data: bytes, at: int, awaited: Container[int]) -> Sense:
    """Whether an answer to one of these correlation ids begins there. Four small bytes are easily met by chance, so it
    has to be there as a whole, with nothing or another such answer behind it."""
    there = len(data) - at
    if there < ANSWER_HEAD:
        return Sense.MORE if there < 4 or 4 <= _SIZE(data, at)[0] <= FRAME_LIMIT else Sense.NO
    size, correlation_id = _ANSWER(data, at)
    if not 4 <= size <= FRAME_LIMIT or correlation_id not in awaited:
        return Sense.NO
    after = at + 4 + size
    if after > len(data):
        return Sense.MORE if 4 + size <= MOST_SEARCHED else Sense.NO
    if after + ANSWER_HEAD > len(data):
        return Sense.YES if after == len(data) else Sense.MORE
    size, correlation_id = _ANSWER(data, after)
    return Sense.YES if 4 <= size <= FRAME_LIMIT and correlation_id in awaited else Sense.NO


def _sane(size: int) -> bool:
    return REQUEST_LEAST <= size <= FRAME_LIMIT


def _text(raw: bytes, *, printable: bool) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() or not printable else None
