"""The short way through a connection: produce requests that no fault can touch, and their answers, many at a time.

Of a run of whole frames each is looked at once, at places that are known from the first request of its kind (its
`Shape`), and the run is handed on in one piece. A frame of which the beginning is known goes on as it comes, however
large it is. Whatever is not as expected is left to the long way (`requests`, `answers`). What is open here stays so,
and is made what it would be there once that makes a difference: see `lanes`, `exchanges`.

Who decides that nothing can touch a frame is the connection: nothing waits, nothing has ended. Rules may be armed, as
long as it is known that they do no more than count: see `faults.foresight`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple
from weakref import WeakSet

from ..kafka.batch_headers import RECORDS_AT
from ..kafka.headers import RequestHeader
from ..kafka.produce import ProduceEntry, ProduceRequest
from ..kafka.shapes import AFTER_CORRELATION_ID, head_of, shape_of, topic_key
from .exchanges import Exchange
from .judging import request_of
from .lane import Lane, Track
from .large import Large
from .parts import Parts
from .produce import PRODUCE, flow_of
from .scan import Scanner
from .several import Several

_HEAD = Struct(">ihhi").unpack_from
_SIZE = Struct(">i").unpack_from
_MOST_LENGTHS = 8
_FIRST = 3
"""The first version with batches of magic 2."""
_NO_PLACE = 1 << 62


def whole_size(data: bytes) -> int:
    """How many bytes the frame that begins here has in all."""
    size: int = _SIZE(data)[0]
    return 4 + size


class OpenBatch(NamedTuple):
    """An attempt whose answer is open, and its batch."""

    number: int
    lane: Lane
    batch: bytes


class OpenRequest(NamedTuple):
    """A request whose answer is open, and its batches. `reached` says that its way to the rules was told."""

    at: float
    correlation_id: int
    batches: list[OpenBatch]
    reached: bool


class Quick:
    """The short way of one connection. `gone_by` records a request that went on, and has to be told the long way:
    whether rules were armed, and how many of its bytes have gone.

    `open` says of bytes how many go on at once, as they are; the rest is for the long way.
    """

    def __init__(self, parts: Parts, gone_by: Callable[[memoryview, float, bool, int], None]) -> None:
        self._parts = parts
        self._wire = parts.wire
        self._gone_by = gone_by
        self._lanes = parts.wire.lanes
        self.open = Scanner(self._lanes.shared, parts.exchanges.restore)
        self._several: Several | None = None
        self._learnt = 0
        self._tracks: WeakSet[Track] = WeakSet()
        parts.exchanges.short = self
        parts.traffic.passed = self.open
        self.large = Large(self.open, self._lanes.shared)
        self.long = 0
        """How many requests went on as they came, and then had to be told the long way."""

    def __bool__(self) -> bool:
        """Whether anything may go this way."""
        return self._several is not None

    @property
    def waiting(self) -> bool:
        """Whether answers are open."""
        return self.open.first < self.open.last

    @property
    def place(self) -> int:
        """How many came before the oldest attempt whose answer is open."""
        return self.open.first

    @property
    def next_place(self) -> int:
        """How many have come."""
        return self.open.last

    def stop(self, place: int | None) -> None:
        """Another answer comes before those to attempts with this place and later ones."""
        self.open.stop = _NO_PLACE if place is None else place

    @property
    def passing(self) -> bool:
        """Whether a request is on its way of which some bytes are still to come."""
        return self.large.passing

    @property
    def buffered(self) -> int:
        """Bytes that are kept of a request that is on its way."""
        return self.large.size - self.large.missing if self.passing else 0

    # What the long way tells.

    def learn(self, frame: memoryview, header: RequestHeader, request: ProduceRequest, software: str) -> None:
        """A produce request has gone the long way, and others like it, or for some of its partitions, may come."""
        if request.acks == 0 or header.api_version < _FIRST:
            return
        for entry in request.entries:
            topic = self._parts.traffic.name(entry)
            if topic is not None and entry.batch is not None and entry.batch.magic == 2:
                self._learn(frame, header, request, entry, topic, software)

    def _learn(
        self,
        frame: memoryview,
        header: RequestHeader,
        request: ProduceRequest,
        entry: ProduceEntry,
        topic: str,
        software: str,
    ) -> None:
        assert entry.batch is not None
        shape = shape_of(frame, header, request, entry)
        flow = flow_of(self._parts.number, header, software, request, topic, entry.partition, entry.batch)
        track = self._lanes.track(topic, entry.partition, entry.batch)
        lane = Lane(flow, request_of(flow, self._parts.node, self._parts.tls), shape, entry.topic_id, track)
        head, key = head_of(frame, header), topic_key(entry)
        known = None if self._several is None else self._several.lane(head, key, entry.partition)
        if known is not None and known.like(lane):
            return
        if self._lanes.full:
            self.forget()
        if self._lanes.full:
            return
        if self._several is None:
            self._several = self.open.beside = Several(self._lanes.shared, self._lanes.reached)
        if lane.producer_id >= 0 and track not in self._tracks:
            self._tracks.add(track)
            track.opens.append(self.open)
        if self._several.learn(head, key, lane):
            self._lanes.count += 1
            self._learnt += 1
        if len(lane.prefix) in self.open.lengths or len(self.open.lengths) < _MOST_LENGTHS:
            self.open.learn(lane)

    def forget(self) -> None:
        """What was learnt of requests holds no more."""
        self._parts.exchanges.restore()
        self._lanes.tell_all()
        for track in self._tracks:
            track.opens.remove(self.open)
        self._tracks.clear()
        self._lanes.count -= self._learnt
        self._learnt = 0
        self.open.learn(None)
        self._several = self.open.beside = None

    # Requests.

    def go_on(self, data: memoryview, now: float) -> tuple[int, bytes]:
        """More bytes of a request that is on its way: it has so many of these, and what goes on now."""
        large = self.large
        part = bytes(data[: large.missing])
        if large.several is None:
            large.let_by(part)
            if large.complete and not self._took(now):
                self._long_way(now, large.size - len(part))
                return len(part), b""
            return len(part), part
        large.unfit = large.unfit or not self._goes_on
        goes = large.hold(part, now)
        if large.several is not None and not large.missing:
            self._long_way(now, large.got)
        return len(part), goes

    def came_whole(self, now: float) -> None:
        """The request that is on its way has come to its end, and all of it has gone on."""
        if self.large.lane is not None and not self._took(now):
            self._long_way(now, self.large.size)

    @property
    def _goes_on(self) -> bool:
        """Whether bytes to the broker go on at once."""
        return self._parts.to_broker.plain and self._parts.ends.takes_requests

    def _took(self, now: float) -> bool:
        """Whether the request that has come to its end goes this way."""
        return self._goes_on and self.large.end(now)

    def _long_way(self, now: float, gone: int) -> None:
        """The request that has come to its end does not."""
        lane = self.large.lane
        self.long += 1
        self._gone_by(memoryview(self.large.take()), now, lane is not None and lane.armed is not None, gone)

    def short(self, data: bytes, now: float) -> bool:
        """Whether more bytes are needed to know whether it may go on as it comes."""
        if len(data) < 4:
            return True
        size = _SIZE(data)[0]
        if not RECORDS_AT < size <= self._wire.settings.frame_limit or len(data) >= 4 + size:
            return False
        if len(data) < AFTER_CORRELATION_ID:
            return True
        if _HEAD(data)[1] != PRODUCE:
            return False
        several = self._several
        few = len(data) < AFTER_CORRELATION_ID + max(self.open.lengths, default=0)
        return few or self.large.short(data, now) or (several is not None and several.begin(data, now) == 0)

    def begins_known(self, data: bytes) -> bool:
        """Whether a request begins here that is not whole, and may go this way once it is: its head is known."""
        if self._several is None or len(data) < AFTER_CORRELATION_ID:
            return False
        size, key, _, _ = _HEAD(data)
        begun = key == PRODUCE and len(data) < 4 + size <= self._wire.settings.frame_limit
        return begun and self._several.head(data, 0) is not None

    def short_answer(self, data: bytes) -> bool:
        """Whether more bytes are needed to know whether this answer may go this way."""
        return self.open.expects(data, 0)

    # Back to the long way.

    def restored(self) -> Exchange:
        """Let the oldest request whose answer is open be one of the long way."""
        self._parts.traffic.remember()  # those before it are the last ones only now
        place = self.open.first
        request = self._taken()
        in_flight = self._parts.traffic.restored(request)
        version, client_id = in_flight.api_version, in_flight.client_id
        return Exchange(request.correlation_id, PRODUCE, version, client_id, produce=in_flight, place=place)

    def _taken(self) -> OpenRequest:
        """The oldest request whose answer is open, which is so here no more."""
        together = self.open.oldest_together()
        if together is not None:
            self.open.take_together(False)
            batches = [OpenBatch(*each) for each in together.taken(self._lanes.shared)]
            return OpenRequest(together.at, together.correlation_id, batches, together.apart)
        (number, correlation_id, _, _, _, size, begin), at, lane, frames = self.open.oldest()
        whole = frames if isinstance(frames, bytes) else b"".join(map(bytes, frames))
        return OpenRequest(at, correlation_id, [OpenBatch(number, lane, whole[begin : begin + size])], False)
