"""Produce requests for several partitions on the short way, and their answers.

A client puts the batches of all partitions that are ready into one request, in any order; so such a request has no
places that are known beforehand, and is walked through by its structure. Known are its head (client id, transactional
id, acks, timeout) and each of its partitions, from requests that went the long way. It is taken in only if all of its
batches may go the short way (the conditions are those of `scan`), and its answer only if it says nothing but success:
else nothing of it is, and nothing is counted.

Compiled as `scan` is (`several.pxd` has the types): some 2 µs a request with its answer then, and 0.2 µs a batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from struct import Struct
from typing import Any, Literal

from ..series import CELLS
from .batches import Batches, Head
from .lane import Lane, Rows, Shared
from .scan import Scanner, may_fire
from .unanswered import Together

_C = not __file__.endswith(".py")
_SHORT = Struct(">h").unpack_from
_INT = Struct(">i").unpack_from
_LONG = Struct(">q").unpack_from

_LEAST_BATCH = 61
_LAST_SEQUENCE = (1 << 31) - 1
_LOW = (1 << 32) - 1
_N = CELLS
_TOPIC_IDS = 13
_HEAD_AT = 12
_LONGEST_STEP = 512
"""More bytes than stand from the end of a batch to that of the next one's header: a topic's name has at most 249."""
_MOST_ANSWER = 1 << 16
"""An answer that is larger has to be there whole at once."""
_NONE, _BATCH, _LAST = 0, 1, 2


class Several:
    """The way of such requests on one connection. `reached` is called where rules are armed, with a request and the
    time at which it, or its answer, has come to where they are asked."""

    def __init__(
        self, shared: Shared, reached: Callable[[Batches, Literal["request", "response"], float], None]
    ) -> None:
        self._shared = shared
        self._reached = reached
        self._heads: dict[bytes, Head] = {}
        self._lengths: list[int] = []
        self._longest = 0
        self._head = Head(0)
        self._size = self._cursor = self._base = self._at = self._end = 0
        self._topics = self._left = self._found = self._correlation_id = 0
        self._finished = False
        self._partitions: dict[int, Lane] | None = None
        self._lanes: list[Lane] = []
        self._headers: list[bytes] = []
        self._room = 16
        self._cells = array("q", bytes(8 * _N * 16))
        self._checksums: set[int] = set()

    def learn(self, head: bytes, topic: bytes, lane: Lane) -> bool:
        """Requests that begin with this head may have batches for that lane's partition. Whether there was no lane for
        it yet."""
        known = self._heads.get(head)
        if known is None or known.version != lane.version:
            known = self._heads[head] = Head(lane.version)
            if len(head) not in self._lengths:
                self._lengths.append(len(head))
                self._longest = _HEAD_AT + max(self._lengths)
        lanes = known.topics.setdefault(topic, {})
        fresh = lane.flow.partition not in lanes
        lanes[lane.flow.partition] = lane
        return fresh

    def lane(self, head: bytes, topic: bytes, partition: int) -> Lane | None:
        """What was learnt of that partition."""
        known = self._heads.get(head)
        return None if known is None else known.topics.get(topic, {}).get(partition)

    def head(self, data: bytes, at: int) -> Head | None:
        """The head of the request at that offset, where it is there and known."""
        for length in self._lengths:
            head = self._heads.get(data[at + _HEAD_AT : at + _HEAD_AT + length])
            if head is not None:
                self._at = at + _HEAD_AT + length
                return head if head.version == _short(data, at + 6) else None
        return None

    # Requests.

    def requests(self, opened: Scanner, data: bytes, at: int, now: float) -> int:
        """Take in a whole request that begins at that offset; the offset behind it, the same where it is none."""
        if len(data) - at <= _LEAST_BATCH:
            return at
        length = _int(data, at)
        stop = at + 4 + length
        if stop > len(data) or _short(data, at + 4) != 0 or length > self._shared.limit:
            return at
        head = self.head(data, at)
        if head is None:
            return at
        self._start(head, stop)
        if self.walk(data, 0, stop, now) != stop or not self._finished:
            return at
        if self._lanes[0].armed is not None and not self._let_pass(self._lanes, self._cells, False):
            return at
        self._count(Batches(_int(data, at + 8), now, head, self._lanes, data), opened)
        return stop

    def begin(self, data: bytes, now: float) -> int:
        """How many bytes of the request that begins here, and is not whole, may go on: 0 where that is not known yet,
        -1 where it has to be whole first. More of them are to be given to `walk`, and `end` tells that all have come.
        """
        if len(data) < _HEAD_AT:
            return 0
        length = _int(data, 0)
        if _short(data, 4) != 0 or length <= _LEAST_BATCH or not len(data) - 4 < length <= self._shared.limit:
            return -1
        if len(data) < self._longest:
            return 0
        head = self.head(data, 0)
        if head is None:
            return -1
        self._correlation_id = _int(data, 8)
        self._start(head, 4 + length)
        count = self.walk(data, 0, len(data), now)
        if count > 0 and self._found == 0:
            return 0
        if count > 0 and self._lanes[0].armed is not None:
            return -1
        return count

    def end(self, opened: Scanner, frame: list[Any], now: float) -> bool:
        """All of a request has come in these parts: take it in. False where it is none for here."""
        if not self._finished or self._shared.shut:
            return False
        shared = self._shared
        shared.stamp += 1
        self._checksums.clear()
        for n in range(self._found):
            lane = self._lanes[n]
            if lane.stamp == shared.stamp or not self._may_go(self._headers[n], lane, n, now) or lane.armed is not None:
                return False
            lane.stamp = shared.stamp
        self._count(Batches(self._correlation_id, now, self._head, self._lanes, frame), opened)
        return True

    def _count(self, request: Batches, opened: Scanner) -> None:
        """From here on its batches have been there."""
        shared, cells = self._shared, self._cells
        numbered = shared.numbered
        for n in range(request.count):
            lane = request.lanes[n]
            numbered += 1
            cells[_N * n] = numbered
            cells[_N * n + 1] = request.correlation_id
            if lane.producer_id >= 0:
                lane.track.following = cells[_N * n + 2] + cells[_N * n + 3]
            else:
                shared.checksums[cells[_N * n + 4]] = opened
            request.size += cells[_N * n + 5]
        shared.numbered = numbered
        request.cells[:] = cells[: _N * request.count]
        self._lanes, self._headers = [], []
        if request.lanes[0].armed is not None:
            request.apart = True
            self._reached(request, "request", request.at)
        opened.add(request)

    # The walk through a request: offsets are those of its frame, or of what it is in.

    def _start(self, head: Head, size: int) -> None:
        """A request begins that ends at that offset; its head was just seen."""
        self._head, self._size, self._cursor = head, size, self._at
        self._topics, self._left, self._partitions = -1, 0, None
        self._found, self._finished = 0, False
        self._lanes, self._headers = [], []
        self._shared.stamp += 1
        self._checksums.clear()

    def walk(self, data: bytes, base: int, end: int, now: float) -> int:
        """Bytes of the request, from the offset `base` on, as far as `end` in them. How many of them belong to batches
        that may go this way; -1 where it turns out that the request may not."""
        while True:
            at = self._cursor - base
            if at > end or (at == end and base + end < self._size):
                return end
            topics, left, partitions = self._topics, self._left, self._partitions
            self._at, self._end, self._base = at, end, base
            step = self._next(data, now)
            if step == _LAST and base + self._at == self._size:
                self._finished = True
                return end
            if step != _BATCH:
                if step == _LAST or base + end == self._size or end - at >= _LONGEST_STEP:
                    self._lanes, self._headers = [], []
                    return -1
                self._topics, self._left, self._partitions = topics, left, partitions
                return at

    def _next(self, data: bytes, now: float) -> int:
        """Go on behind one batch to the next one, and look at its header."""
        head = self._head
        flexible = head.flexible
        if self._topics < 0:
            self._topics = self._counted(data, flexible)
        elif flexible and not self._tagless(data):
            return _NONE
        if self._left == 0:
            if self._partitions is not None and flexible and not self._tagless(data):
                return _NONE
            if self._topics == 0:
                return _LAST if self._found > 0 and (not flexible or self._tagless(data)) else _NONE
            self._partitions = self._topic(data, head)
            self._left = self._counted(data, flexible)
            if self._partitions is None or self._topics < 0 or self._left < 1:
                return _NONE
            self._topics -= 1
        if self._end - self._at < 8:
            return _NONE
        lane = self._partitions.get(_int(data, self._at))  # type: ignore[union-attr]
        self._at += 4
        size = self._counted(data, flexible)
        if lane is None or lane.stamp == self._shared.stamp or not self._fits(data, lane, size, now):
            return _NONE
        lane.stamp = self._shared.stamp
        self._lanes.append(lane)
        self._headers.append(data)
        self._found += 1
        self._left -= 1
        self._cursor = self._base + self._at + size
        return _BATCH

    def _fits(self, data: bytes, lane: Lane, size: int, now: float) -> bool:
        """Whether the batch of that size at the present place may go this way."""
        begin = self._at
        if size < _LEAST_BATCH or self._end - begin < _LEAST_BATCH or size > self._size - self._base - begin:
            return False
        records = _int(data, begin + 57)
        if data[begin + 16] != 2 or _int(data, begin + 8) + 12 != size or records < 1:
            return False
        if _long(data, begin + 43) != lane.producer_id or _short(data, begin + 51) != lane.epoch:
            return False
        if self._found == self._room:
            self._cells = array("q", bytes(self._cells) + bytes(8 * _N * self._room))
            self._room *= 2
        cell = _N * self._found
        self._cells[cell + 1] = begin
        self._cells[cell + 2] = _int(data, begin + 53)
        self._cells[cell + 3] = records
        self._cells[cell + 4] = _int(data, begin + 17) & _LOW
        self._cells[cell + 5] = size
        self._cells[cell + 6] = self._base + begin
        return self._may_go(data, lane, self._found, now)

    def _may_go(self, data: bytes, lane: Lane, n: int, now: float) -> bool:
        """Whether the n-th batch, whose header is in these bytes, can be no retry, and what rules do is known."""
        shared, cell = self._shared, _N * n
        sequence, crc = self._cells[cell + 2], self._cells[cell + 4]
        if lane.producer_id >= 0:
            if sequence < lane.track.following or sequence + self._cells[cell + 3] > _LAST_SEQUENCE:
                return False
            known = lane.producer_id in shared.producers and lane.asked != shared.index.noted
        else:
            if crc in shared.checksums or crc in self._checksums:
                return False
            self._checksums.add(crc)
            known = crc in shared.known
        if not known:
            known = bool(shared.lost_in) and lane.where in shared.lost_in
        if known and not shared.unlike(lane, data, self._cells[cell + 1], now):
            return False
        stale = now >= lane.until or lane.foreseen != shared.changes[0]
        return not stale or bool(shared.foresee(lane, now))

    def _let_pass(self, lanes: list[Lane], cells: array[int], answered: bool) -> bool:
        """Let the rules count a request with these batches, or its answer; False, and nothing is counted, where one may
        fire."""
        for n, lane in enumerate(lanes):
            gates = lane.at_answers if answered else lane.at_requests
            if gates and may_fire(gates, cells[_N * n + 3], cells[_N * n + 5]):
                return False
        counted: set[int] = set()
        for n, lane in enumerate(lanes):
            records, size = cells[_N * n + 3], cells[_N * n + 5]
            for gate in lane.at_answers if answered else lane.at_requests:
                if gate.least_records <= records <= gate.most_records and gate.least_size <= size <= gate.most_size:
                    self._shared.let_pass = True
                    gate.untold[0] += 1
                    gate.matches[0] += 1
                    total, seen = gate.once
                    if total not in counted:
                        gate.total[0] += 1
                    if seen not in counted:
                        gate.seen[0] += 1
                    counted.update(gate.once)
        return True

    # Answers.

    def answers(self, opened: Scanner, data: bytes, at: int, now: float) -> int:
        """The same for a whole answer to the oldest request that is open, which is one that was taken in here."""
        request: Batches = opened.oldest_together()  # type: ignore[assignment]
        if len(data) - at < 8 or _int(data, at + 4) != request.correlation_id:
            return at
        stop = at + 4 + _int(data, at)
        if stop > len(data):
            return at
        self._at, self._end = at + 8, stop
        if not (self._may_pass(request, now) and self._succeeded(data, request)):
            return at
        if request.apart and not self._let_pass(request.lanes, request.cells, True):
            return at
        if request.apart:
            self._reached(request, "response", now)
        for n in range(request.count):
            lane = request.lanes[n]
            request.cells[_N * n + 6] = lane.offset
            if lane.producer_id < 0:
                del self._shared.checksums[request.cells[_N * n + 4]]
            self._passed(request, lane, n, now)
        self._shared.unasked.requests += 1
        request.frame, request.told_at = None, now
        opened.take_together(True)
        return stop

    def _may_pass(self, request: Batches, now: float) -> bool:
        """Whether it is known what the rules do about its answer."""
        self._shared.stamp += 1
        for lane in request.lanes:
            lane.stamp = self._shared.stamp
            if (now >= lane.until or lane.foreseen != self._shared.changes[0]) and not self._shared.foresee(lane, now):
                return False
        return True

    def _succeeded(self, data: bytes, request: Batches) -> bool:
        """Whether the answer at the present place tells of each batch that it was taken, and nothing else."""
        head = request.head
        flexible, each = head.flexible, 4 + 2 + 8 + head.numbers
        if flexible and not self._tagless(data):
            return False
        missing = request.count
        topics = self._counted(data, flexible)
        while topics > 0:
            topics -= 1
            partitions = self._topic(data, head)
            left = self._counted(data, flexible)
            if partitions is None or left < 1:
                return False
            while left > 0:
                left -= 1
                if self._end - self._at < each:
                    return False
                lane = partitions.get(_int(data, self._at))
                offset = _long(data, self._at + 6)
                if lane is None or lane.stamp != self._shared.stamp or _short(data, self._at + 4) != 0 or offset < 0:
                    return False
                lane.stamp, lane.offset = 0, offset
                missing -= 1
                self._at += each
                if head.version >= 8 and not self._no_messages(data, flexible):
                    return False
            if flexible and not self._tagless(data):
                return False
        if missing != 0 or self._end - self._at < 4 or _int(data, self._at) != 0:
            return False
        self._at += 4
        return (not flexible or self._tagless(data)) and self._at == self._end

    def _no_messages(self, data: bytes, flexible: bool) -> bool:
        """Whether neither errors of records nor a message are told here."""
        if flexible:
            if not data.startswith(b"\1\0\0", self._at):
                return False
            self._at += 3
        else:
            if not data.startswith(b"\0\0\0\0\xff\xff", self._at):
                return False
            self._at += 6
        return True

    def _passed(self, request: Batches, lane: Lane, n: int, now: float) -> None:
        """The n-th batch is an attempt that has passed."""
        rows: Rows = self._shared.unasked  # where rules are armed, they were told of the request
        series = rows.begin(lane, 0)
        for i in range(_N):
            rows.cells[_N * series + i] = request.cells[_N * n + i]
        rows.times[2 * series] = request.at
        rows.times[2 * series + 1] = now

    def expects(self, request: Together, data: bytes, at: int) -> bool:
        """Whether the answer of which only the beginning is there may be that to this request."""
        left = len(data) - at
        if left < 4:
            return True
        size = _int(data, at)
        if not 8 <= size <= _MOST_ANSWER or left >= 4 + size:
            return False
        return left < 8 or _int(data, at + 4) == request.correlation_id

    # Steps.

    def _counted(self, data: bytes, compact: bool) -> int:
        """The number of elements, or of bytes, that stands here; -1 for null, and where none does."""
        if compact:
            value = shift = 0
            while self._at < self._end and shift < 35:
                byte = data[self._at]
                self._at += 1
                value |= (byte & 127) << shift
                if byte < 128:
                    return value - 1
                shift += 7
            return -1
        if self._end - self._at < 4:
            return -1
        self._at += 4
        return _int(data, self._at - 4)

    def _topic(self, data: bytes, head: Head) -> dict[int, Lane] | None:
        """The lanes of the topic that stands here; None where none are known."""
        if head.version >= _TOPIC_IDS:
            size = 16
        elif head.flexible:
            size = self._counted(data, True)
        else:
            if self._end - self._at < 2:
                return None
            size = _short(data, self._at)
            self._at += 2
        if size < 0 or size > self._end - self._at:
            return None
        self._at += size
        return head.topics.get(data[self._at - size : self._at])

    def _tagless(self, data: bytes) -> bool:
        """Whether no tagged fields stand here: a byte that says so."""
        if self._at >= self._end or data[self._at] != 0:
            return False
        self._at += 1
        return True


def _short(data: bytes, at: int) -> int:
    return c_short(data, at) if _C else _SHORT(data, at)[0]  # type: ignore # noqa: F821


def _int(data: bytes, at: int) -> int:
    return c_int(data, at) if _C else _INT(data, at)[0]  # type: ignore # noqa: F821


def _long(data: bytes, at: int) -> int:
    return c_long(data, at) if _C else _LONG(data, at)[0]  # type: ignore # noqa: F821
