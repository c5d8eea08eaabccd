"""Bytes of a frame, changed as a fault says. The frame keeps its size unless it is cut."""

from __future__ import annotations

from struct import Struct

from ..faults.chance import draw
from ..faults.verdicts import Garble
from ..kafka.batch_headers import crc_at
from ..kafka.primitives import Buffer
from .produce import Share

_INT = Struct(">i")
_CORRELATION = 0x40000000
_REQUEST_ID, _ANSWER_ID = 8, 4


def shortened(frame: Buffer, size: int) -> bytes:
    """The first `size` bytes; at most all but one, for a whole frame is not cut."""
    return bytes(frame[: min(size, len(frame) - 1)])


def garbled_request(frame: Buffer, verdict: Garble, body: int, shares: list[Share]) -> bytes:
    """A request frame with changed bytes; `body` is where its body begins, `shares` are the batches that were hit."""
    changed = bytearray(frame)
    if verdict.field == "crc":
        for share in shares:
            changed[crc_at(frame, share.entry.start)] ^= 0xFF
        return bytes(changed)
    return _garbled(changed, verdict, _REQUEST_ID, body)


def garbled_answer(frame: Buffer, verdict: Garble) -> bytes:
    """An answer frame with changed bytes."""
    return _garbled(bytearray(frame), verdict, _ANSWER_ID, 8)


def _garbled(changed: bytearray, verdict: Garble, id_at: int, body: int) -> bytes:
    if verdict.field == "length":
        (length,) = _INT.unpack_from(changed, 0)
        _INT.pack_into(changed, 0, min(length + verdict.size, 2**31 - 1))
    elif verdict.field == "correlation_id":
        (number,) = _INT.unpack_from(changed, id_at)
        _INT.pack_into(changed, id_at, number ^ _CORRELATION)
    else:
        for at in _places(body, len(changed), verdict):
            changed[at] ^= 0xFF
    return bytes(changed)


def _places(body: int, end: int, verdict: Garble) -> list[int]:
    """So many different places in the body as chance has it, or all of a smaller one."""
    room = max(0, end - body)
    places: dict[int, None] = {}
    for n in range(100 * verdict.size):
        if len(places) >= min(verdict.size, room):
            break
        places[body + int(draw(0, repr(verdict.chance), n) * room)] = None
    return list(places)
