"""The one loop that is run for every produce request, and the one for every answer: numbers and bytes, nothing else.

This module is compiled by Cython where a C compiler is there when ackdrop is installed (`scan.pxd` has the types), and
is the same uncompiled where none is: some 2 µs a request then, 0.1 µs compiled. What is open is kept in arrays, so
nothing is allocated for a frame. Everything is read at places that a `Shape` names, and held against the length of the
frame before; whatever differs in anything ends the loop, and goes the long way (`quick`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import inf
from struct import Struct
from typing import Any, Protocol, SupportsBytes

from ..faults import foresight
from ..faults.rule import Frame
from ..kafka.shapes import AFTER_CORRELATION_ID, Shape
from ..observations import Asked, Flow, PackedAttempts

COMPILED = not __file__.endswith(".py")
"""Whether this is the compiled form."""
_C = COMPILED

_HEAD = Struct(">ihhi").unpack_from
_ANSWER = Struct(">ii").unpack_from
_INT = Struct(">i").unpack_from
_LONG = Struct(">q").unpack_from
_BATCH = Struct(">8xi4xBIhi16xqhii").unpack_from

_LEAST_BATCH = 61
_LAST_SEQUENCE = (1 << 31) - 1
_TOLD = 8
"""How many of the last attempts that have passed are kept."""
_N = 7
"""Number, correlation id, base sequence, records, check sum, size of the batch; where the batch begins, or, of one that
has passed, its base offset."""
_FEWEST, _MOST = 8, 4096
_FAR = 1 << 62
_SIGN, _WORD, _LOW = 1 << 31, 1 << 32, (1 << 32) - 1


Kept = bytes | Sequence[SupportsBytes]
"""What a request came in: bytes that it is in, or parts that it is."""


class Rows:
    """Attempts that have passed: seven integers and two times each, in `cells` and `times`, of which `count` are used;
    before them come those that `set_aside` has made room for."""

    def __init__(self) -> None:
        self.count = 0
        self.room = _FEWEST
        self.cells = array("q", bytes(8 * _N * _FEWEST))
        self.times = array("d", bytes(16 * _FEWEST))
        self.aside: list[tuple[bytes, bytes]] = []

    def set_aside(self) -> None:
        """Make room: for more at once than before, up to a limit."""
        self.aside.append((bytes(self.cells), bytes(self.times)))
        self.count = 0
        if self.room < _MOST:
            self.room *= _FEWEST
            self.cells, self.times = array("q", bytes(8 * _N * self.room)), array("d", bytes(16 * self.room))

    def take(self) -> PackedAttempts | None:
        """All of them, which are here no more; None where there are none."""
        count = self.count
        aside = [*self.aside, (bytes(self.cells[: _N * count]), bytes(self.times[: 2 * count]))]
        self.aside = []
        self.count = 0
        taken = PackedAttempts(b"".join(cells for cells, _ in aside), b"".join(times for _, times in aside))
        return taken if taken.times else None


class Gate:
    """A rule that counts what passes on a lane: `foresight.Gate`, in numbers. `limit` is the count that may fire."""

    def __init__(self, gate: foresight.Gate) -> None:
        self.total, self.untold, self.seen, self.matches = gate.counted
        self.trigger = gate.trigger
        self.limit = 0
        self.look = gate.look
        records, size = gate.records, gate.size
        self.least_records, self.most_records = _bounds(records.low, records.high)
        self.least_size, self.most_size = _bounds(size.low, size.high)


def _bounds(low: int | None, high: int | None) -> tuple[int, int]:
    return min(low or 0, _FAR), _FAR if high is None else min(high, _FAR)


class Lane:
    """One producer's way to one partition on one connection. `topic_id` is set where its requests have that in place of
    the name; `request` is what rules know of all of them.

    `batch_at`, `offset_at` are counted from the beginning of a frame, `behind` and `answer_behind` back from its end:
    see `Shape`. `track` is shared by all lanes of this producer and partition. `rows` are attempts that have passed and
    were not told yet.

    Where rules are armed (`armed`), those count that stand `at_requests` and `at_answers`: see `Foresight`, for `until`
    and `whole` too. All of it is to be worked out anew when the engine's count of changes is not `foreseen` any more.

    `apart`, `stamp` and `offset` are those of requests for several partitions: see `several`.
    """

    def __init__(self, flow: Flow, request: Frame, shape: Shape, topic_id: bytes | None, track: Track) -> None:
        self.flow = flow
        self.request = request
        self.where = (flow.topic, flow.partition)
        self.topic_id = topic_id
        self.prefix = shape.prefix
        self.version = shape.version
        self.compact = shape.compact
        self.batch_at = AFTER_CORRELATION_ID + len(shape.prefix)
        self.suffix = shape.suffix
        self.behind = len(shape.suffix)
        self.answer_size = shape.answer_size
        self.answer_prefix = shape.answer_prefix
        self.offset_at = 8 + len(shape.answer_prefix)
        self.answer_suffix = shape.answer_suffix
        self.answer_behind = len(shape.answer_suffix)
        self.producer_id = flow.producer_id
        self.epoch = flow.producer_epoch
        self.track = track
        self.asked = -1
        self.rows = Rows()
        self.apart: Rows | None = None
        self.stamp = self.offset = 0
        self.armed: Asked | None = None
        self.whole = False
        self.foreseen, self.until = -1, inf
        self.at_requests: tuple[Gate, ...] = ()
        self.at_answers: tuple[Gate, ...] = ()

    def like(self, other: Lane) -> bool:
        """Whether both are for the same requests."""
        mine = self.flow, self.topic_id, self.version, self.prefix, self.suffix
        return mine == (other.flow, other.topic_id, other.version, other.prefix, other.suffix)


class Track:
    """How far a producer (id and epoch) has come in a partition: the next sequence that it has not used yet."""

    def __init__(self) -> None:
        self.following = 0


class Index(Protocol):
    """What the index of attempts knows."""

    producers: dict[int, Any]
    checksums: dict[int, int]
    noted: int

    @property
    def lost_in(self) -> dict[tuple[str, int], Any]: ...


class Shared:
    """What all connections of a wire have in common.

    `numbered` counts attempts, `unsettled` the requests whose answer may come, whichever way they went; `open` and
    `bytes` are the open attempts of all `Open`, and the bytes of their batches; `checksums` those of open batches
    without a producer id. `fresh` are the lanes that have rows. A frame has at most `limit` bytes. `producers`, `known`
    (check sums) and `lost_in` (partitions) say what the index of attempts knows; where a batch is of any of these,
    `unlike` is asked about it. It may say by the lane's `asked` that it need not be asked about that lane's producer
    again before the index has `noted` more. `foresee` works out what the rules do on a lane; False says that this is
    not known beforehand. `changes` is the engine's. `let_pass` is set once rules have counted anything.
    """

    def __init__(
        self,
        limit: int,
        index: Index,
        unlike: Callable[[Lane, bytes, int, float], bool],
        changes: array[int],
        foresee: Callable[[Lane, float], bool],
    ) -> None:
        self.numbered = self.unsettled = 0
        self.open = self.bytes = 0
        self.checksums: set[int] = set()
        self.fresh: list[Lane] = []
        self.limit = limit
        self.index = index
        self.producers = index.producers
        self.known = index.checksums
        self.lost_in = index.lost_in
        self.unlike = unlike
        self.changes = changes
        self.foresee = foresee
        self.let_pass = False


class Together(Protocol):
    """A request for several partitions that is open, or has passed: see `several.Batches`."""

    count: int
    size: int
    at: float
    correlation_id: int

    def told(self) -> list[tuple[list[int], float, float, Lane]]:
        """What `Open.told` says of it; none where it has not passed."""


class Beside(Protocol):
    """What is asked about frames that the loops leave: see `several.Several`."""

    def requests(self, opened: Open, data: bytes, at: int, now: float) -> int:
        """Take in a whole request that begins at that offset; the offset behind it, the same where it is none."""

    def answers(self, opened: Open, data: bytes, at: int, now: float) -> int:
        """The same for a whole answer to the oldest request that is open, which is one of those taken in there."""

    def expects(self, request: Together, data: bytes, at: int) -> bool:
        """Whether the answer of which only the beginning is there may be that to this request."""


class Open:
    """The requests of one connection whose answer is open, the oldest first; and the last ones that have passed.

    `first` and `last` count all that came: those from `first` on are open, up to the one before `last`. `lanes` are
    found by the bytes behind a request's correlation id, of one of these `lengths`. Nothing is taken in unless requests
    (`takes_requests`), or answers (`takes_answers`), may come this way now. So many answers (`answered`) and bytes have
    come so. What the loops leave is asked about `beside`; a request that was taken in there has no lane here, and
    stands in place of its frame.
    """

    def __init__(self, shared: Shared) -> None:
        self.first = self.last = self.answered = 0
        self.takes_requests = self.takes_answers = False
        self.request_bytes = self.answer_bytes = 0
        self.lanes: dict[bytes, Lane] = {}
        self.lengths: list[int] = []
        self.beside: Beside | None = None
        self._shared = shared
        self._last: Lane | None = None
        self._mask = 2 * _FEWEST - 1
        self._cells = array("q", bytes(8 * _N * 2 * _FEWEST))
        self._times = array("d", bytes(16 * 2 * _FEWEST))
        self._lanes: list[Lane | None] = [None] * (2 * _FEWEST)
        self._frames: list[Any] = [None] * (2 * _FEWEST)

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
        if not self.takes_requests:
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

    def request(self, head: bytes, size: int, now: float, lane: Lane, frames: Kept) -> bool:
        """Take in one request of that lane and so many bytes, whose end is as it should be. `head` is its beginning, to
        the end of its batch's header at least; `frames` all of it, in parts. False where it is none for here."""
        return self._requests(head, 0, size, now, lane, frames) == size

    def _requests(self, data: bytes, at: int, end: int, now: float, known: Lane | None, frames: Kept) -> int:
        shared = self._shared
        first = self.last
        lane = known if known is not None else self._last
        while end - at > _LEAST_BATCH:
            if _C:
                length, key, version = _int(data, at), _short(data, at + 4), _short(data, at + 6)
                correlation_id = _int(data, at + 8)
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
                    byte = data[begin]
                    begin += 1
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                size -= 1
            else:
                size = _int(data, begin) if _C else _INT(data, begin)[0]
                begin += 4
            if size != stop - lane.behind - begin or size < _LEAST_BATCH:
                break
            if _C:
                claimed, magic, crc = _int(data, begin + 8), data[begin + 16], _int(data, begin + 17) & _LOW
                producer_id, epoch = _long(data, begin + 43), _short(data, begin + 51)
                sequence, records = _int(data, begin + 53), _int(data, begin + 57)
            else:
                claimed, magic, crc, _, _, producer_id, epoch, sequence, records = _BATCH(data, begin)
            if magic != 2 or claimed + 12 != size or records < 0:
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
            if producer_id in shared.producers if producer_id >= 0 else crc in shared.known:
                if lane.asked != shared.index.noted and not shared.unlike(lane, data, begin, now):
                    break
            elif shared.lost_in and lane.where in shared.lost_in and not shared.unlike(lane, data, begin, now):
                break
            if (now >= lane.until or lane.foreseen != shared.changes[0]) and not shared.foresee(lane, now):
                break
            if lane.at_requests:
                if not _let_pass(lane.at_requests, records, size):
                    break
                shared.let_pass = True
            if producer_id >= 0:
                lane.track.following = sequence + records
            else:
                shared.checksums.add(crc)
            if self.last - self.first + _TOLD > self._mask:
                self._grow()
            shared.numbered += 1
            shared.bytes += size
            slot = self.last & self._mask
            cell = _N * slot
            self._cells[cell] = shared.numbered
            self._cells[cell + 1] = correlation_id
            self._cells[cell + 2] = sequence
            self._cells[cell + 3] = records
            self._cells[cell + 4] = crc
            self._cells[cell + 5] = size
            self._cells[cell + 6] = begin
            self._times[2 * slot] = now
            self._lanes[slot] = lane
            self._frames[slot] = frames
            self.last += 1
            at = stop
        self._last = lane
        shared.open += self.last - first
        shared.unsettled += self.last - first
        return at

    def answers(self, data: bytes, now: float) -> int:
        """Take in whole answers of success at the beginning of these bytes; the offset of the first that is none."""
        if not self.takes_answers:
            return 0
        at = self._answers(data, 0, now)
        while self.beside is not None and at < len(data) and self.oldest_together() is not None:
            behind = self.beside.answers(self, data, at, now)
            if behind == at:
                break
            at = self._answers(data, behind, now)
        self.answer_bytes += at
        return at

    def _answers(self, data: bytes, at: int, now: float) -> int:
        shared = self._shared
        first = self.first
        end = len(data)
        while self.first < self.last and end - at >= 8:
            slot = self.first & self._mask
            cell = _N * slot
            lane = self._lanes[slot]
            if _C:
                length, correlation_id = _int(data, at), _int(data, at + 4)
            else:
                length, correlation_id = _ANSWER(data, at)
            if lane is None or length != lane.answer_size or correlation_id != self._cells[cell + 1]:
                break
            stop = at + 4 + length
            if stop > end:
                break
            base_offset = _long(data, at + lane.offset_at) if _C else _LONG(data, at + lane.offset_at)[0]
            if base_offset < 0 or not data.startswith(lane.answer_prefix, at + 8):
                break
            if not data.startswith(lane.answer_suffix, stop - lane.answer_behind):
                break
            if (now >= lane.until or lane.foreseen != shared.changes[0]) and not shared.foresee(lane, now):
                break
            if lane.at_answers:
                if not _let_pass(lane.at_answers, self._cells[cell + 3], self._cells[cell + 5]):
                    break
                shared.let_pass = True
            if lane.producer_id < 0:
                shared.checksums.discard(self._cells[cell + 4])
            self._frames[slot] = None
            self._cells[cell + 6] = base_offset
            self._times[2 * slot + 1] = now
            rows = lane.rows
            if rows.count == 0:
                shared.fresh.append(lane)
            elif rows.count == rows.room:
                rows.set_aside()
            row = _N * rows.count
            for i in range(_N):
                rows.cells[row + i] = self._cells[cell + i]
            rows.times[2 * rows.count] = self._times[2 * slot]
            rows.times[2 * rows.count + 1] = now
            rows.count += 1
            self.first += 1
            shared.bytes -= self._cells[cell + 5]
            at = stop
        shared.open -= self.first - first
        shared.unsettled -= self.first - first
        self.answered += self.first - first
        return at

    def add(self, request: Together) -> None:
        """A request for several partitions is open."""
        if self.last - self.first + _TOLD > self._mask:
            self._grow()
        slot = self.last & self._mask
        self._cells[_N * slot + 1] = request.correlation_id
        self._lanes[slot] = None
        self._frames[slot] = request
        self.last += 1
        self._shared.open += request.count
        self._shared.bytes += request.size
        self._shared.unsettled += 1

    def oldest_together(self) -> Together | None:
        """The oldest that is open, where it is a request for several partitions."""
        slot = self.first & self._mask
        request: Together | None = self._frames[slot]
        return request if self.first < self.last and self._lanes[slot] is None else None

    def take_together(self, passed: bool) -> None:
        """That one is not open any more: it has `passed`, or goes the long way."""
        slot = self.first & self._mask
        request = self._frames[slot]
        self._shared.open -= request.count
        self._shared.bytes -= request.size
        self._shared.unsettled -= 1
        self.first += 1
        if passed:
            self.answered += 1
            if self.first > _TOLD:  # nobody asks for so old a one any more
                self._frames[(self.first - 1 - _TOLD) & self._mask] = None
        else:
            self._frames[slot] = None

    def expects(self, data: bytes, at: int) -> bool:
        """Whether the answer of which only the beginning is there may be one for here."""
        left = len(data) - at
        lane = self._lanes[self.first & self._mask]
        if self.first == self.last:
            return False
        if lane is None:
            request = self.oldest_together()
            return self.beside is not None and request is not None and self.beside.expects(request, data, at)
        if left < 8:
            return left < 4 or bool(_INT(data, at)[0] == lane.answer_size)
        size, correlation_id = _ANSWER(data, at)
        expected = self._cells[_N * (self.first & self._mask) + 1]
        return bool(size == lane.answer_size and correlation_id == expected and left < 4 + size)

    def oldest(self) -> tuple[list[int], float, Lane, Kept]:
        """Take out the oldest that is open, which is one that the loop has taken in: its cells, its time, its lane, and
        what its batch is in."""
        slot = self.first & self._mask
        lane, frames, self._frames[slot] = self._lanes[slot], self._frames[slot], None
        assert lane is not None
        cells = [self._cells[_N * slot + i] for i in range(_N)]
        time = self._times[2 * slot]
        self._cells[_N * slot + 6] = -1
        self.first += 1
        shared = self._shared
        shared.open -= 1
        shared.unsettled -= 1
        shared.bytes -= cells[5]
        shared.checksums.discard(cells[4])
        return cells, time, lane, frames

    def told(self) -> list[tuple[list[int], float, float, Lane]]:
        """The last ones that have passed, once: their cells, both times, and their lanes."""
        found: list[tuple[list[int], float, float, Lane]] = []
        for index in range(max(0, self.first - _TOLD), self.first):
            slot = index & self._mask
            lane, self._lanes[slot] = self._lanes[slot], None
            request, self._frames[slot] = self._frames[slot], None
            if request is not None:
                found += request.told()
            elif lane is not None and self._cells[_N * slot + 6] >= 0:
                cells = [self._cells[_N * slot + i] for i in range(_N)]
                found.append((cells, self._times[2 * slot], self._times[2 * slot + 1], lane))
        return found

    def _grow(self) -> None:
        """Make room for as many again; those that are there get the places that their numbers have then."""
        before = self._mask
        cells, times, lanes, frames = self._cells, self._times, self._lanes, self._frames
        room = 2 * (before + 1)
        self._mask = room - 1
        self._cells, self._times = array("q", bytes(8 * _N * room)), array("d", bytes(16 * room))
        self._lanes, self._frames = [None] * room, [None] * room
        for index in range(max(0, self.first - _TOLD), self.last):
            old, new = index & before, index & self._mask
            for i in range(_N):
                self._cells[_N * new + i] = cells[_N * old + i]
            self._times[2 * new], self._times[2 * new + 1] = times[2 * old], times[2 * old + 1]
            self._lanes[new], self._frames[new] = lanes[old], frames[old]


def _let_pass(gates: tuple[Gate, ...], records: int, size: int) -> bool:
    """Let all these rules count a request (an answer); False, and nothing is counted, where one of them may fire."""
    for gate in gates:
        fits = gate.least_records <= records <= gate.most_records and gate.least_size <= size <= gate.most_size
        if fits and gate.trigger[0] + 1 >= gate.limit:
            gate.limit = gate.look()
            if gate.trigger[0] + 1 >= gate.limit:
                return False
    for gate in gates:
        if gate.least_records <= records <= gate.most_records and gate.least_size <= size <= gate.most_size:
            gate.total[0] += 1
            gate.untold[0] += 1
            gate.seen[0] += 1
            gate.matches[0] += 1
    return True


def _short(data: bytes, at: int) -> int:
    value = data[at]
    value = value << 8 | data[at + 1]
    return value - 0x10000 if value >= 0x8000 else value


def _int(data: bytes, at: int) -> int:
    value = data[at]
    value = value << 8 | data[at + 1]
    value = value << 8 | data[at + 2]
    value = value << 8 | data[at + 3]
    return value - _WORD if value >= _SIGN else value


def _long(data: bytes, at: int) -> int:
    return (_int(data, at) << 32) + (_int(data, at + 4) & _LOW)
