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
from ..observations import Asked, Flow
from ..series import CELLS, PackedAttempts

if TYPE_CHECKING:
    from .scan import Open

_N = CELLS
_FEWEST, _MOST = 8, 4096
_FAR = 1 << 62


class Rows:
    """Attempts that have passed, as in `PackedAttempts`: `count` series in `cells` and `times`, and the check sums of
    `behind` attempts in `more`. Before them come those that were set aside."""

    def __init__(self) -> None:
        self.count = self.behind = 0
        self.room = _FEWEST
        self.room_behind = 0
        self.cells = array("q", bytes(8 * _N * _FEWEST))
        self.times = array("d", bytes(16 * _FEWEST))
        self.more = array("I", bytes(4))
        self._aside: list[tuple[bytes, bytes, bytes]] = []

    def make_room(self, behind: int) -> None:
        """Make room for a series with so many attempts behind its first one; for more at once than before, up to a
        limit."""
        if self.count:
            self._aside.append(self._used())
            if self.count == self.room and self.room < _MOST:
                self.room *= _FEWEST
                self.cells, self.times = array("q", bytes(8 * _N * self.room)), array("d", bytes(16 * self.room))
            self.count = self.behind = 0
        if behind > self.room_behind or self.room_behind < _MOST:
            self.room_behind = max(behind, min(_FEWEST * self.room_behind, _MOST))
            self.more = array("I", bytes(4 * (self.room_behind + 1)))

    def take(self) -> PackedAttempts | None:
        """All of them, which are here no more; None where there are none."""
        if not self.count:
            return None
        parts = [*self._aside, self._used()]
        self._aside = []
        self.count = self.behind = 0
        return (
            PackedAttempts(*parts[0]) if len(parts) == 1 else PackedAttempts(*map(b"".join, zip(*parts, strict=True)))
        )

    def _used(self) -> tuple[bytes, bytes, bytes]:
        cells, times = bytes(self.cells[: _N * self.count]), bytes(self.times[: 2 * self.count])
        return cells, times, bytes(self.more[: self.behind])


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
    see `Shape`. `track` is shared by all lanes of this producer and partition. `rows` are attempts that have passed and
    were not told yet.

    Where rules are armed (`armed`), those count that stand `at_requests` and `at_answers`: see `Foresight`, for `until`
    too. Where one of them may come to lie on the connection, a request has to be `whole` before it goes on. All of it
    is to be worked out anew when the engine's count of changes is not `foreseen` any more.

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
    """How far a producer (id and epoch) has come in a partition: the next sequence that it has not used yet. Open
    attempts of it are in these `opens` alone."""

    def __init__(self) -> None:
        self.following = 0
        self.opens: list[Open] = []


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
    without a producer id, with where they are open. `fresh` are the lanes that have rows. A frame has at most `limit`
    bytes. Nothing comes this way while it is `shut`. `producers`, `known` (check sums) and `lost_in` (partitions) say
    what the index of attempts knows; where a batch is of any of these, `unlike` is asked about it. It may say by the
    lane's `asked` that it need not be asked about that lane's producer again before the index has `noted` more, or
    lost records in the partition. `foresee` works out what the rules do on a lane; False says that this is not known
    beforehand. `changes` is the engine's. `let_pass` is set once rules have counted anything. `stamp` is that of lanes
    which were seen in the frame that is looked at: see `several`.
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
        self.checksums: dict[int, Open] = {}
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
        self.shut = False
