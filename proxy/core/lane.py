"""What the loops of the short way have of a producer's way to a partition, and of all of them: numbers, and what a
request has to be like.

Compiled as `scan` is (`lane.pxd` has the types).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from ..faults import foresight
from ..faults.rule import Frame
from ..kafka.shapes import AFTER_CORRELATION_ID, Shape
from ..observations import Asked, Flow, Passed
from ..series import AT_ONCE, BEHIND, CELLS, CRC, PackedAttempts

if TYPE_CHECKING:
    from .unanswered import Unanswered

_N, _CRC, _BEHIND = CELLS, CRC, BEHIND
_MOST = AT_ONCE
_FAR = 1 << 62


class Rows:
    """Attempts that have passed and were not told yet, of all lanes: `count` series in the order in which they passed,
    with `cells` and `times` as in `PackedAttempts` and the check sums of `behind` attempts in `more`. `which` says of
    each series of which lane it is, by its place in `flows`. They are of so many `requests`.

    Where rules are `armed`, it is kept what they know besides of each flow.
    """

    def __init__(self, armed: bool) -> None:
        self.armed = armed
        self.turn = int(armed)
        self.count = self.behind = self.requests = 0
        self.flows: list[Flow] = []
        self.asked: list[Any] = []
        self.which = array("q", bytes(8 * _MOST))
        self.cells = array("q", bytes(8 * _N * _MOST))
        self.times = array("d", bytes(16 * _MOST))
        self.more = array("I", bytes(4 * _MOST))
        self._aside: list[Passed] = []

    def begin(self, lane: Lane, behind: int) -> int:
        """There is a series more, of that lane and with so many attempts behind its first one: its place."""
        if self.count and self.count + self.behind + behind >= _MOST:
            self._aside.append(self._by_lanes())
        if lane.turn != self.turn:
            lane.turn = self.turn
            lane.place = len(self.flows)
            self.flows.append(lane.flow)
            self.asked.append(lane.armed)
        if self.behind + behind > len(self.more):
            self.more = array("I", bytes(4 * behind))  # it is empty: else these would have been set aside
        self.which[self.count] = lane.place
        self.count += 1
        return self.count - 1

    def take(self) -> list[Passed]:
        """All of them, which are here no more."""
        taken, self._aside = self._aside, []
        if self.count:
            taken.append(self._by_lanes())
        return taken

    def _by_lanes(self) -> Passed:
        """What is here, lane by lane."""
        count, behind, lanes = self.count, self.behind, len(self.flows)
        cells, times, more = self.cells, self.times, self.more
        of_each = counts = array("q", bytes(8 * lanes))
        for i in range(count):
            counts[self.which[i]] += 1
        if lanes > 1:
            cells, times = array("q", bytes(8 * _N * count)), array("d", bytes(16 * count))
            more = array("I", bytes(4 * behind + 4))
            self._sort(counts, cells, times, more)
        passed = Passed(
            tuple(self.flows),
            tuple(self.asked) if self.armed else None,
            tuple(of_each),
            PackedAttempts(bytes(cells[: _N * count]), bytes(times[: 2 * count]), bytes(more[:behind])),
            self.requests,
        )
        self.turn += 2  # no lane has a place here any more
        self.count = self.behind = self.requests = 0
        self.flows, self.asked = [], []
        return passed

    def _sort(self, counts: array[int], cells: array[int], times: array[float], more: array[int]) -> None:
        """Put the series of each lane, of which there are so many, one behind the other into these."""
        lanes = len(self.flows)
        place, place_behind = array("q", bytes(8 * lanes)), array("q", bytes(8 * lanes))
        for i in range(self.count if self.behind else 0):
            place_behind[self.which[i]] += self.cells[_N * i + _CRC] >> _BEHIND
        at = at_behind = 0
        for lane in range(lanes):
            behind = place_behind[lane]
            place[lane], place_behind[lane] = at, at_behind
            at += counts[lane]
            at_behind += behind
        source = 0
        for i in range(self.count):
            lane = self.which[i]
            at, behind = place[lane], self.cells[_N * i + _CRC] >> _BEHIND
            place[lane] += 1
            for j in range(_N):
                cells[_N * at + j] = self.cells[_N * i + j]
            times[2 * at], times[2 * at + 1] = self.times[2 * i], self.times[2 * i + 1]
            at_behind = place_behind[lane]
            for j in range(behind):
                more[at_behind + j] = self.more[source + j]
            place_behind[lane] += behind
            source += behind


class Gate:
    """A rule that counts what passes on a lane: `foresight.Gate`, in numbers. `limit` is the count that may fire. In
    two of the counters a frame counts once, for however many partitions it is: `once` says which they are."""

    def __init__(self, gate: foresight.Gate) -> None:
        self.total, self.untold, self.seen, self.matches = gate.counted
        self.once = id(gate.counted[0]), id(gate.counted[2])
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
    see `Shape`. `track` is shared by all lanes of this producer and partition. `place` is where it stands among the
    flows of `Rows`, while those have this `turn`.

    Where rules are armed (`armed`), those count that stand `at_requests` and `at_answers`: see `Foresight`, for `until`
    too. Where one of them may come to lie on the connection, a request has to be `whole` before it goes on. All of it
    is to be worked out anew when the engine's count of changes is not `foreseen` any more.

    `stamp` and `offset` are those of requests for several partitions: see `several`.
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
        self.turn = -1
        self.place = 0
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
    """How far a producer (id and epoch) has come in a partition: the next sequence that it has not used yet. Open
    attempts of it are in these `opens` alone."""

    def __init__(self) -> None:
        self.following = 0
        self.opens: list[Unanswered] = []


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
    `bytes` are the open attempts of all `Unanswered`, and the bytes of their batches; `checksums` those of open batches
    without a producer id, with where they are open. What has passed is in `asked` where rules were armed and know
    requests of one batch each, and else in `unasked`. A frame has at most `limit` bytes. Nothing comes this way
    while it is `shut`. `producers`, `known` (check sums) and `lost_in` (partitions) say what the index of attempts
    knows; where a batch is of any of these, `unlike` is asked about it. It may say by the lane's `asked` that it
    need not be asked about that lane's producer again before the index has `noted` more, or lost records in the
    partition. `foresee` works out what the rules do on a lane; False says that this is not known beforehand.
    `changes` is the engine's. `let_pass` is set once rules have counted anything. `stamp` is that of lanes which
    were seen in the frame that is looked at: see `several`.
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
        self.stamp = 0
        self.checksums: dict[int, Unanswered] = {}
        self.asked, self.unasked = Rows(True), Rows(False)
        self.limit = limit
        self.index = index
        self.producers = index.producers
        self.known = index.checksums
        self.lost_in = index.lost_in
        self.unlike = unlike
        self.changes = changes
        self.foresee = foresee
        self.let_pass = False
        self.shut = False
