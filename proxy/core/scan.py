"""The one loop that is run for every produce request, and the one for every answer: numbers and bytes, nothing else.

This module is compiled by Cython where a C compiler is there when ackdrop is installed (`scan.pxd` has the types), and
is the same uncompiled where none is: some 2 µs a request then, 0.03 µs compiled. Everything is read at places that a
`Shape` names, and held against the length of the frame before; whatever differs in anything ends the loop, and goes the
long way (`quick`). What is taken in is kept in arrays (`unanswered`).

Where one request follows from the one before, as nearly all do that come together, they are a series (`..series`): it
takes a place in the arrays, each request no more than its check sum, and of its head and its batch's header only that
is read by which it may differ from the one before; all else has to be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Protocol

from .lane import Gate, Lane, Shared
from .unanswered import PLACES, Together, Unanswered, WhatItCameIn

COMPILED = not __file__.endswith(".py")
"""Whether this is the compiled form."""
_C = COMPILED

_HEAD = Struct(">ihhi").unpack_from
_ANSWER = Struct(">ii").unpack_from
_SHORT = Struct(">h").unpack_from
_INT = Struct(">i").unpack_from
_LONG = Struct(">q").unpack_from
_BATCH = Struct(">8xi4xBIhi16xqhii").unpack_from

_LEAST_BATCH = 61
_LAST_SEQUENCE = (1 << 31) - 1
_O = PLACES
_FAR = 1 << 62
_LOW = (1 << 32) - 1


class Beside(Protocol):
    """What is asked about frames that the loops leave: see `several.Several`."""

    def requests(self, opened: Scanner, data: bytes, at: int, now: float) -> int:
        """Take in a whole request that begins at that offset; the offset behind it, the same where it is none."""

    def answers(self, opened: Scanner, data: bytes, at: int, now: float) -> int:
        """The same for a whole answer to the oldest request that is open, which is one of those taken in there."""

    def expects(self, request: Together, data: bytes, at: int) -> bool:
        """Whether the answer of which only the beginning is there may be that to this request."""


class Scanner(Unanswered):
    """What takes in the requests of one connection, and their answers.

    `lanes` are found by the bytes behind a request's correlation id, of one of these `lengths`. Nothing is taken in
    unless requests (`takes_requests`), or answers (`takes_answers`), may come this way now. So many bytes of each have
    come so. What the loops leave is asked about `beside`.
    """

    def __init__(self, shared: Shared, restore: Callable[[], None]) -> None:
        super().__init__(shared, restore)
        self.takes_requests = self.takes_answers = False
        self.request_bytes = self.answer_bytes = 0
        self.lanes: dict[bytes, Lane] = {}
        self.lengths: list[int] = []
        self.beside: Beside | None = None
        self._last: Lane | None = None

    def learn(self, lane: Lane | None) -> None:
        """There is a lane more, or there are none any more."""
        self._last = None
        if lane is None:
            self.lanes.clear()
            self.lengths.clear()
        else:
            self.lanes[lane.prefix] = lane
            if len(lane.prefix) not in self.lengths:
                self.lengths.insert(0, len(lane.prefix))

    def requests(self, data: bytes, now: float) -> int:
        """Take in whole requests at the beginning of these bytes; the offset of the first that is none for here."""
        if not self.takes_requests or self._shared.shut:
            return 0
        end = len(data)
        at = self._requests(data, 0, end, now, None, data)
        while self.beside is not None and end - at > _LEAST_BATCH:
            behind = self.beside.requests(self, data, at, now)
            if behind == at:
                break
            at = self._requests(data, behind, end, now, None, data)
        self.request_bytes += at
        return at

    def request(self, head: bytes, size: int, now: float, lane: Lane, frames: WhatItCameIn | None) -> bool:
        """Take in one request of that lane and so many bytes, whose end is as it should be. `head` is its beginning, to
        the end of its batch's header at least; `frames` all of it, in parts. False where it is none for here. The rules
        have been asked about it.

        Without `frames` there is no more of it yet than its `head`, and this asks them: it may go on as it comes, and
        the rules have counted it, unless it may be a retry, or one of them may fire."""
        return not self._shared.shut and self._requests(head, 0, size, now, lane, frames) == size

    def _requests(
        self, data: bytes, at: int, end: int, now: float, known: Lane | None, frames: WhatItCameIn | None
    ) -> int:
        shared = self._shared
        raw = data
        lane = known if known is not None else self._last
        while end - at > _LEAST_BATCH:
            if _C:
                length, key, version = _int(raw, at), _short(raw, at + 4), _short(raw, at + 6)
                correlation_id = _int(raw, at + 8)
            else:
                length, key, version, correlation_id = _HEAD(data, at)
            stop = at + 4 + length
            if stop > end or key != 0 or length > shared.limit:
                break
            if known is None and (lane is None or not data.startswith(lane.prefix, at + 12)):
                lane = None
                for prefix in self.lengths:
                    lane = self.lanes.get(data[at + 12 : at + 12 + prefix])
                    if lane is not None:
                        break
            if lane is None or version != lane.version:
                break
            begin = at + lane.batch_at
            if begin + 1 + _LEAST_BATCH > stop - lane.behind:
                break
            if lane.compact:
                size = shift = 0
                while shift < 35:
                    byte = raw[begin]
                    begin += 1
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                size -= 1
            else:
                size = _int(raw, begin) if _C else _INT(data, begin)[0]
                begin += 4
            if size != stop - lane.behind - begin or size < _LEAST_BATCH:
                break
            if _C:
                claimed, magic, crc = _int(raw, begin + 8), raw[begin + 16], _int(raw, begin + 17) & _LOW
                producer_id, epoch = _long(raw, begin + 43), _short(raw, begin + 51)
                sequence, records = _int(raw, begin + 53), _int(raw, begin + 57)
            else:
                claimed, magic, crc, _, _, producer_id, epoch, sequence, records = _BATCH(data, begin)
            if magic != 2 or claimed + 12 != size or records < 1:
                break
            if producer_id != lane.producer_id or epoch != lane.epoch:
                break
            if known is None and lane.behind and not data.startswith(lane.suffix, stop - lane.behind):
                break
            if producer_id >= 0:
                if sequence < lane.track.following or sequence + records > _LAST_SEQUENCE:
                    break
            elif crc in shared.checksums:
                break
            if producer_id >= 0:
                asks = producer_id in shared.producers and lane.asked != shared.index.noted
            else:
                asks = crc in shared.known
            lost = bool(shared.lost_in) and lane.where in shared.lost_in
            if asks or lost:
                if not shared.unlike(lane, data, begin, now):
                    break
                asks = lost or lane.asked != shared.index.noted
            room = 1
            if known is None or frames is None:
                if (now >= lane.until or lane.foreseen != shared.changes[0]) and not shared.foresee(lane, now):
                    break
                room = pass_by(lane.at_requests, records, size)
                if room < 1:
                    break
            if frames is None:
                _let_pass(shared, lane.at_requests, records, size, 1)
                return stop
            slot = self._place()
            cell = _O * slot
            self._cells[cell] = shared.numbered + 1
            self._cells[cell + 1] = correlation_id
            self._cells[cell + 2] = sequence
            self._cells[cell + 3] = records
            self._cells[cell + 5] = size
            self._cells[cell + 6] = begin
            self._cells[cell + 7] = 4 + length
            self._times[slot] = now
            self._lanes[slot] = lane
            self._frames[slot] = frames
            self._keep(crc)
            if producer_id < 0:
                shared.checksums[crc] = self
            count = 1 if asks else self._in_step(raw, at, end, lane, slot, room)
            if known is None:
                _let_pass(shared, lane.at_requests, records, size, count)
            if producer_id >= 0:
                lane.track.following = sequence + count * records
            self._cells[cell + 4] = count
            self._end += 1
            shared.numbered += count
            shared.bytes += count * size
            shared.open += count
            shared.unsettled += count
            at += count * (4 + length)
        self._last = lane
        return at

    def _in_step(self, raw: bytes, at: int, end: int, lane: Lane, slot: int, most: int) -> int:
        """How many requests come one behind the other, of which each follows from the one before; at most so many. The
        first begins at `at`; it has that place already, and is taken in."""
        shared = self._shared
        cell = _O * slot
        correlation_id, sequence = self._cells[cell + 1], self._cells[cell + 2]
        records, size = self._cells[cell + 3], self._cells[cell + 5]
        begin, whole = self._cells[cell + 6] - at, self._cells[cell + 7]
        step = records if sequence >= 0 else 0
        count = 1
        while count < most and end - at >= 2 * whole:
            at += whole
            correlation_id += 1
            sequence += step
            batch = at + begin
            if _int(raw, at + 8) != correlation_id or _int(raw, batch + 53) != sequence:
                break
            if sequence + records > _LAST_SEQUENCE or _int(raw, batch + 57) != records:
                break
            if not _same(raw, at, raw, at - whole, 8) or not _same(raw, at + 12, raw, at + 12 - whole, begin + 5):
                break
            if not _same(raw, batch + 43, raw, batch + 43 - whole, 10):
                break
            if not _same(raw, batch + size, raw, batch + size - whole, lane.behind):
                break
            crc = _int(raw, batch + 17) & _LOW
            if lane.producer_id < 0 and (crc in shared.checksums or crc in shared.known):
                break
            if lane.producer_id < 0:
                shared.checksums[crc] = self
            self._keep(crc)
            count += 1
        return count

    def answers(self, data: bytes, now: float) -> int:
        """Take in whole answers of success at the beginning of these bytes; the offset of the first that is none."""
        if not self.takes_answers or self._shared.shut:
            return 0
        at = self._answers(data, 0, now)
        while self.beside is not None and self.first < self.stop and self.oldest_together() is not None:
            behind = self.beside.answers(self, data, at, now)
            if behind == at:
                break
            at = self._answers(data, behind, now)
        self.answer_bytes += at
        return at

    def _answers(self, data: bytes, at: int, now: float) -> int:
        first = self.first
        raw = data
        end = len(data)
        while self._begin < self._end and self.first < self.stop:
            slot = self._begin & self._mask
            lane = self._lanes[slot]
            if lane is None:
                break
            count = self._answered(raw, at, end, now, lane, _O * slot)
            if not count:
                break
            self._pass(lane, slot, count, now, _long(raw, at + lane.offset_at))
            at += count * (4 + lane.answer_size)
        self.answered += self.first - first
        return at

    def _answered(self, raw: bytes, at: int, end: int, now: float, lane: Lane, cell: int) -> int:
        """How many requests of the series at that place are answered with success here, and with offsets that follow
        from each other."""
        shared = self._shared
        whole = 4 + lane.answer_size
        if end - at < whole:
            return 0
        if (now >= lane.until or lane.foreseen != shared.changes[0]) and not shared.foresee(lane, now):
            return 0
        correlation_id, records, size = self._cells[cell + 1], self._cells[cell + 3], self._cells[cell + 5]
        most = min(self._cells[cell + 4], pass_by(lane.at_answers, records, size))
        count = expected = 0
        while count < most and end - at >= whole:
            if _int(raw, at) != lane.answer_size or _int(raw, at + 4) != correlation_id + count:
                break
            base_offset = _long(raw, at + lane.offset_at)
            if base_offset < 0 or (count and base_offset != expected):
                break
            if not _same(raw, at + 8, lane.answer_prefix, 0, lane.offset_at - 8):
                break
            if not _same(raw, at + whole - lane.answer_behind, lane.answer_suffix, 0, lane.answer_behind):
                break
            expected = base_offset + records
            count += 1
            at += whole
        _let_pass(shared, lane.at_answers, records, size, count)
        return count

    def expects(self, data: bytes, at: int) -> bool:
        """Whether the answer of which only the beginning is there may be one for here."""
        left = len(data) - at
        lane = self._lanes[self._begin & self._mask]
        if self._begin == self._end or self.first >= self.stop:
            return False
        if lane is None:
            request = self.oldest_together()
            return self.beside is not None and request is not None and self.beside.expects(request, data, at)
        if left < 8:
            return left < 4 or bool(_INT(data, at)[0] == lane.answer_size)
        size, correlation_id = _ANSWER(data, at)
        expected = self._cells[_O * (self._begin & self._mask) + 1]
        return bool(size == lane.answer_size and correlation_id == expected and left < 4 + size)


def may_fire(gates: tuple[Gate, ...], records: int, size: int) -> bool:
    """Whether one of these rules may fire on a request with such a batch, or on its answer."""
    return pass_by(gates, records, size) < 1


def pass_by(gates: tuple[Gate, ...], records: int, size: int) -> int:
    """How many requests with such a batch each, or answers, these rules let pass before one of them may fire."""
    most = _FAR
    for gate in gates:
        if gate.least_records <= records <= gate.most_records and gate.least_size <= size <= gate.most_size:
            if gate.trigger[0] + 1 >= gate.limit:
                gate.limit = gate.look()
            most = min(most, gate.limit - 1 - gate.trigger[0])
    return most


def _let_pass(shared: Shared, gates: tuple[Gate, ...], records: int, size: int, count: int) -> None:
    """Let all these rules count so many requests (answers)."""
    for gate in gates:
        if gate.least_records <= records <= gate.most_records and gate.least_size <= size <= gate.most_size:
            shared.let_pass = True
            gate.total[0] += count
            gate.untold[0] += count
            gate.seen[0] += count
            gate.matches[0] += count


# In C these are loads and a comparison: see scan.pxd.


def _same(one: bytes, at: int, other: bytes, where: int, size: int) -> bool:
    """Whether so many bytes are the same at both places."""
    if _C:
        return c_same(one, at, other, where, size)  # type: ignore # noqa: F821
    return one[at : at + size] == other[where : where + size]


def _short(data: bytes, at: int) -> int:
    return c_short(data, at) if _C else _SHORT(data, at)[0]  # type: ignore # noqa: F821


def _int(data: bytes, at: int) -> int:
    return c_int(data, at) if _C else _INT(data, at)[0]  # type: ignore # noqa: F821


def _long(data: bytes, at: int) -> int:
    return c_long(data, at) if _C else _LONG(data, at)[0]  # type: ignore # noqa: F821
