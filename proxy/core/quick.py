"""The short way through a connection: produce requests that no fault can touch, and their answers, many at a time.

Of a run of whole frames each is looked at once, at places that are known from the first request of its kind (its
`Shape`), and the run is handed on in one piece. A frame of which the beginning is known goes on as it comes, however
large it is. Whatever is not as expected is left to the long way (`requests`, `answers`), after all that is open here
was made what it would be there: see `lanes`.

Who decides that nothing can touch a frame is the connection: nothing waits, nothing has ended. Rules may be armed, as
long as it is known that they do no more than count: see `faults.foresight`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from ..kafka.batch_headers import RECORDS_AT, batch_header
from ..kafka.headers import RequestHeader
from ..kafka.produce import ProduceRequest
from ..kafka.shapes import AFTER_CORRELATION_ID, shape_of
from .exchanges import Exchange
from .judging import request_of
from .parts import Parts
from .produce import PRODUCE, flow_of
from .scan import Lane, Open

_HEAD = Struct(">ihhi").unpack_from
_SIZE = Struct(">i").unpack_from
_MOST_LENGTHS = 8
_LONGEST_SIZE = 5


def whole_size(data: bytes) -> int:
    """How many bytes the frame that begins here has in all."""
    size: int = _SIZE(data)[0]
    return 4 + size


class OpenRequest(NamedTuple):
    """An attempt whose answer is open, and its batch."""

    number: int
    at: float
    correlation_id: int
    lane: Lane
    batch: bytes


class Quick:
    """The short way of one connection. `gone_by` records a request that went on, and has to be told the long way; and
    whether rules were armed.

    `open` says of bytes how many go on at once, as they are; the rest is for the long way.
    """

    def __init__(self, parts: Parts, gone_by: Callable[[memoryview, float, bool], None]) -> None:
        self._parts = parts
        self._wire = parts.wire
        self._gone_by = gone_by
        self._lanes = parts.wire.lanes
        self.open = Open(self._lanes.shared)
        parts.exchanges.behind = self
        self._begun: list[bytes] = []
        self._lane: Lane | None = None
        self._size = self._got = 0
        self.long = 0
        """How many requests went on as they came, and then had to be told the long way."""

    def __bool__(self) -> bool:
        """Whether anything may go this way."""
        return bool(self.open.lanes)

    @property
    def waiting(self) -> bool:
        """Whether answers are open, behind all that wait in `exchanges`."""
        return self.open.first < self.open.last

    @property
    def passing(self) -> bool:
        """Whether a request is on its way of which some bytes are still to come."""
        return self._lane is not None

    @property
    def buffered(self) -> int:
        """Bytes that are kept of a request that is on its way."""
        return self._got

    # What the long way tells.

    def learn(
        self, frame: memoryview, header: RequestHeader, request: ProduceRequest, topic: str, software: str
    ) -> None:
        """A produce request has gone the long way, and others like it may come."""
        shape = shape_of(frame, header, request) if request.acks else None
        (entry,) = request.entries
        batch = entry.batch
        if shape is None or batch is None or batch.magic != 2:
            return
        flow = flow_of(self._parts.number, header, software, request, topic, entry.partition, batch)
        if self._lanes.full or len(self.open.lengths) >= _MOST_LENGTHS:
            self.forget()
        if self._lanes.full:
            return
        self._lanes.count += shape.prefix not in self.open.lanes
        track = self._lanes.track(topic, entry.partition, batch)
        self.open.learn(Lane(flow, request_of(flow, self._parts.node, self._parts.tls), shape, entry.topic_id, track))
        self._lanes.joins(self)

    def forget(self) -> None:
        """What was learnt of requests holds no more."""
        self._lanes.tell_all()
        self._lanes.count -= len(self.open.lanes)
        self.open.learn(None)

    # Requests.

    def begins(self, lane: Lane, data: bytes) -> None:
        """A frame of that lane begins here; from now on it is on its way."""
        self._lane, self._size, self._got = lane, whole_size(data), len(data)
        self._begun = [data]
        self.open.request_bytes += len(data)

    def lane_of(self, data: bytes, now: float) -> Lane | None:
        """The lane of the frame that begins here; None where that is not known, or the frame is whole."""
        if len(data) < AFTER_CORRELATION_ID:
            return None
        size, key, version, _ = _HEAD(data)
        if key != PRODUCE or not RECORDS_AT < size <= self._wire.settings.frame_limit or 4 + size <= len(data):
            return None
        for length in self.open.lengths:
            lane = self.open.lanes.get(data[AFTER_CORRELATION_ID : AFTER_CORRELATION_ID + length])
            if lane is not None and lane.version == version:
                stale = now >= lane.until or lane.foreseen != self._lanes.shared.changes[0]
                return None if stale and not self._lanes.foresee(lane, now) else lane
        return None

    def go_on(self, data: memoryview, now: float) -> int:
        """More bytes of a request that is on its way: it has so many of these."""
        lane = self._lane
        assert lane is not None
        part = bytes(data[: self._size - self._got])
        self._begun.append(part)
        self._got += len(part)
        self.open.request_bytes += len(part)
        if self._got == self._size:
            begun, self._begun, self._lane, self._got = self._begun, [], None, 0
            head = self._head(begun, lane.batch_at + _LONGEST_SIZE + RECORDS_AT)
            ends_well = b"".join(begun[-2:]).endswith(lane.suffix)
            if not (ends_well and self.open.request(head, self._size, now, lane, begun)):
                self.long += 1
                self._gone_by(memoryview(b"".join(begun)), now, lane.armed is not None)
        return len(part)

    @staticmethod
    def _head(parts: list[bytes], size: int) -> bytes:
        """The first bytes of them."""
        head = parts[0][:size]
        for part in parts[1:]:
            if len(head) >= size:
                break
            head += part[: size - len(head)]
        return head

    def short(self, data: bytes) -> bool:
        """Whether more bytes are needed to know whether its lane is known."""
        if len(data) < 4:
            return True
        size = _SIZE(data)[0]
        if not RECORDS_AT < size <= self._wire.settings.frame_limit or len(data) >= 4 + size:
            return False
        if len(data) < AFTER_CORRELATION_ID:
            return True
        return _HEAD(data)[1] == PRODUCE and len(data) < AFTER_CORRELATION_ID + max(self.open.lengths, default=0)

    def short_answer(self, data: bytes) -> bool:
        """Whether more bytes are needed to know whether this answer may go this way."""
        return self.open.expects(data, 0)

    # Back to the long way.

    def leave(self) -> None:
        """Something may end: what is open goes the long way, and what has passed is told."""
        self._remember()
        self.restore_all()
        self._lanes.tell_all()

    def _remember(self) -> None:
        """Let it be known which attempts have passed last: those that come now have to be behind them."""
        for cells, at, told_at, lane in self.open.told():
            self._parts.traffic.was_told(lane, cells, at, told_at)

    def restore_next(self) -> None:
        """Let the oldest attempt whose answer is open be one of the long way."""
        request = self.take()
        if request is not None:
            self.restore(request)

    def restore_all(self) -> None:
        """Let all of them be."""
        while (request := self.take()) is not None:
            self.restore(request)

    def take(self) -> OpenRequest | None:
        """The oldest attempt whose answer is open, which is so here no more; whoever takes it has to `restore` it."""
        if not self.waiting:
            return None
        self._remember()
        oldest = self.open.oldest()
        assert oldest is not None
        (number, correlation_id, _, _, _, size, begin), at, lane, frames = oldest
        whole = frames if isinstance(frames, bytes) else b"".join(frames)
        return OpenRequest(number, at, correlation_id, lane, whole[begin : begin + size])

    def restore(self, request: OpenRequest) -> None:
        """Let an attempt that was taken be one of the long way."""
        number, at, correlation_id, lane, raw = request
        batch = batch_header(raw, 0, len(raw))
        self.open.takes_answers = False
        in_flight = self._parts.traffic.restored(lane, number, at, correlation_id, batch, raw)
        client_id = lane.flow.client_id
        self._parts.exchanges.put(Exchange(correlation_id, PRODUCE, lane.version, client_id, produce=in_flight))
