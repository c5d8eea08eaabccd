"""Produce requests and their answers: attempts on the way in, what became of them on the way out.

One attempt is one partition's share of a produce request, whatever it holds: the broker answers a partition as a whole,
with one error and one base offset. From version 3 on that is one batch; before, it may be a message set of several
messages, of which the attempt says the number and the size of all, and the check sum of the first. A partition without
records is no attempt. A copy that ackdrop itself sends is an attempt of its own, and no retry.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import UndecodableError
from ..kafka.batch_headers import LENGTH_ENDS, BatchHeader, batch_header
from ..kafka.headers import RequestHeader
from ..kafka.produce import ProduceAnswer, ProduceEntry, ProduceRequest, parse_request, parse_response
from ..observations import Ack, Acked, Answered, Attempt, Flow, Forwarded, IndexLetGo
from .attempts import Line, OpenAttempt
from .commands import AskStarts
from .identities import count_records
from .judging import entry_of
from .recording import reached

if TYPE_CHECKING:
    from .quick import OpenBatch, OpenRequest
    from .unanswered import Unanswered
    from .wire import Wire

PRODUCE = 0

SUCCESS = frozenset({0, 46})
"""Answers that a client takes for a success: DUPLICATE_SEQUENCE_NUMBER (46) says that the batch is in the log already.
Brokers before Kafka 1.0 sent it (KIP-98)."""


@dataclass(slots=True)
class Share:
    """One partition's share of a produce request that is in flight. `open` is None for a copy of ours."""

    number: int
    seen: Attempt
    entry: ProduceEntry
    open: OpenAttempt | None
    answer: ProduceAnswer | None = None


@dataclass(slots=True)
class InFlight:
    """A produce request whose answer has not come. `settled` is set once every share's fate is recorded.

    `injected` marks a copy that ackdrop itself sent: its answer goes to no client. `removed` holds, by attempt, the
    errors that ackdrop answers for shares of which the broker never hears.
    """

    client_id: str
    api_version: int
    correlation_id: int
    acks: int
    shares: list[Share]
    transactional_id: str | None = None
    injected: bool = False
    settled: bool = False
    removed: dict[int, int] = field(default_factory=dict)


class ProduceTraffic:
    """The produce traffic of one connection."""

    def __init__(self, wire: Wire, connection: int) -> None:
        self._wire = wire
        self._connection = connection
        self._line = Line(connection)
        self.passed: Unanswered | None = None
        """What goes the short way on the same connection."""

    def unknown(self, request: ProduceRequest) -> list[AskStarts]:
        """What has to be asked of the broker before this request may pass: start offsets, and names of topic ids."""
        if not self._wire.settings.ask_starts or self._wire.full():
            return []
        missing: dict[tuple[str, bytes | None], list[int]] = {}
        for entry in request.entries:
            topic = self.name(entry)
            if topic is None or (topic, entry.partition) not in self._wire.starts:
                key = ("", entry.topic_id) if topic is None else (topic, None)
                missing.setdefault(key, []).append(entry.partition)
        return [AskStarts(topic, topic_id, tuple(found)) for (topic, topic_id), found in missing.items()]

    # Requests.

    def request(
        self, frame: memoryview, header: RequestHeader, request: ProduceRequest, software: str, now: float
    ) -> InFlight:
        """Record a request that has come. `sent` or `lost` says what becomes of it."""
        self._wire.produced(now)
        in_flight = InFlight(
            client_id=header.client_id or "",
            api_version=header.api_version,
            correlation_id=header.correlation_id,
            acks=request.acks,
            shares=[],
            transactional_id=request.transactional_id,
        )
        for entry in request.entries:
            if entry.batch is not None:
                in_flight.shares.append(self._share(frame, header, request, entry, software, now))
        self._tell_let_go(now)
        return in_flight

    def _share(
        self,
        frame: memoryview,
        header: RequestHeader,
        request: ProduceRequest,
        entry: ProduceEntry,
        software: str,
        now: float,
    ) -> Share:
        batch = entry.batch
        assert batch is not None
        topic = self.name(entry) or f"id:{(entry.topic_id or b'').hex()}"
        wire = self._wire
        wire.seen(topic, entry.partition, now)
        raw = bytes(frame[entry.start : entry.end])
        wire.lanes.settle((topic, entry.partition), batch)
        flow = flow_of(self._connection, header, software, request, topic, entry.partition, batch)
        number = wire.next_attempt()
        attempt = wire.attempts.begin(number, self._line, flow.client_id, (topic, entry.partition), batch, raw, now)
        seen = self._seen(flow, header.correlation_id, attempt)
        if wire.detained:
            wire.detained.began(attempt.number, attempt.origins)
        wire.observe(seen)
        return Share(attempt.number, seen, entry, attempt)

    def _seen(self, flow: Flow, correlation_id: int, attempt: OpenAttempt) -> Attempt:
        """An attempt as it is told."""
        batch = attempt.batch
        return Attempt(
            number=attempt.number,
            at=attempt.at,
            connection=self._connection,
            correlation_id=correlation_id,
            client_id=flow.client_id,
            software=flow.software,
            api_version=flow.api_version,
            acks=flow.acks,
            transactional_id=flow.transactional_id,
            topic=flow.topic,
            partition=flow.partition,
            producer_id=flow.producer_id,
            producer_epoch=flow.producer_epoch,
            base_sequence=batch.base_sequence,
            records=count_records(batch, attempt.raw),
            crc=batch.crc,
            size=len(attempt.raw),
            retry_of=attempt.repeats,
            tries=attempt.tries,
            ambiguous=attempt.ambiguous,
        )

    def restored(self, request: OpenRequest) -> InFlight:
        """A request that went on at its time, and is recorded only now, since something may happen to it. It was known
        then that none of its batches repeats anything."""
        wire, cid, lane = self._wire, request.correlation_id, request.batches[0].lane
        shares = [self._restored(each, cid, request.at) for each in request.batches]
        if lane.armed is not None and not request.reached:
            entries = tuple(map(entry_of, shares))
            reached(wire, replace(lane.request, correlation_id=cid, entries=entries), request.at)
        flow = lane.flow
        return InFlight(flow.client_id, flow.api_version, cid, flow.acks, shares, flow.transactional_id)

    def _restored(self, opened: OpenBatch, correlation_id: int, at: float) -> Share:
        number, lane, raw = opened
        flow, batch = lane.flow, batch_header(raw, 0, len(raw))
        attempt = self._wire.attempts.begin_unlike(number, self._line, flow.client_id, lane.where, batch, raw, at)
        seen = self._seen(flow, correlation_id, attempt)
        self._wire.observe(seen)
        self._wire.observe(Forwarded(at, number))
        topic = flow.topic if lane.topic_id is None else None
        entry = ProduceEntry(topic, lane.topic_id, flow.partition, batch, 0, len(raw))
        return Share(number, seen, entry, attempt)

    def remember(self) -> None:
        """Let it be known whose success the client was told last, of those that went the short way: it may not have
        read it. What is told later has to be behind them."""
        for cells, at, told_at, lane in () if self.passed is None else self.passed.told():
            number, _, sequence, records, crc, size, _ = cells
            pid, epoch = lane.producer_id, lane.epoch
            batch = BatchHeader(0, size - LENGTH_ENDS, 2, crc, 0, 0, -1, -1, pid, epoch, sequence, records)
            self._wire.attempts.told(number, self._line, lane.flow.client_id, lane.where, batch, at, told_at)

    def name(self, entry: ProduceEntry) -> str | None:
        """The topic's name, where it is known."""
        return entry.topic if entry.topic_id is None else self._wire.topic_names.get(entry.topic_id)

    def unasked(self, in_flight: InFlight, now: float) -> None:
        """A request with acks=0: its client waits for nothing."""
        in_flight.settled = True
        self.remember()
        for share in in_flight.shares:
            self._acked(share, "none", None, now)
            if share.open is not None:
                self._wire.attempts.delivered(share.open, now)

    # Answers.

    def answer(self, frame: bytes | memoryview, in_flight: InFlight, now: float) -> None:
        """Record what the broker answered, to each partition once. Raises UndecodableError where the answer cannot be
        read."""
        shares = {(share.entry.topic_id or share.seen.topic, share.seen.partition): share for share in in_flight.shares}
        for answer in parse_response(frame, in_flight.api_version):
            share = shares.get((answer.topic_id or answer.topic or "", answer.partition))
            if share is not None and share.answer is None:
                share.answer = answer
                self._wire.observe(Answered(now, share.number, answer.error, answer.base_offset))

    def delivered(self, in_flight: InFlight, codes: dict[int, int], ack: Ack, now: float) -> None:
        """The answer went to the client, with these errors written into it."""
        index = self._wire.attempts
        self.remember()
        for share in in_flight.shares:
            broker = share.answer.error if share.answer else None
            error = codes.get(share.number, broker)
            self._acked(share, ack, error, now)
            if share.open is not None and error in SUCCESS:
                index.delivered(share.open, now)
                if self._wire.detained:
                    self._wire.detained.acked(share.seen, now)
            elif share.open is not None:
                index.failed(share.open)
        in_flight.settled = True
        self._tell_let_go(now)

    def lost(self, in_flight: InFlight, ack: Ack, now: float) -> None:
        """The answer will not reach the client."""
        if in_flight.settled:
            return
        for share in in_flight.shares:
            self._acked(share, ack, None, now)
        in_flight.settled = True
        self.abandoned(in_flight, now)

    def abandoned(self, in_flight: InFlight, now: float) -> None:
        """The client will not read the answer any more, whenever it comes: what it sends again is a retry."""
        for share in in_flight.shares:
            if share.open is not None:
                self._wire.attempts.lost(share.open)
        self._tell_let_go(now)

    def client_gone(self, now: float) -> None:
        """The client is not there any more, or was cut off."""
        self.remember()
        self._wire.attempts.ended(self._line, now)

    # Copies of ours.

    def copied(self, original: InFlight, connection: int, now: float) -> InFlight:
        """Record a copy of a request that goes out on that connection; `sent` or `lost` says what becomes of it."""
        copy = replace(original, shares=[], injected=True, settled=False, removed={})
        for share in original.shares:
            if share.number in original.removed:
                continue
            number = self._wire.next_attempt()
            seen = replace(
                share.seen,
                number=number,
                at=now,
                connection=connection,
                retry_of=share.number,
                ambiguous=False,
                injected=True,
            )
            self._wire.observe(seen)
            copy.shares.append(Share(number, seen, share.entry, None))
        return copy

    def went(self, in_flight: InFlight, now: float, sent: bool) -> None:
        """The request, or a copy of it, went on to the broker, or never will."""
        if sent:
            self.sent(in_flight, now)
        else:
            self.lost(in_flight, "none", now)

    def sent(self, in_flight: InFlight, now: float) -> None:
        """The request, or a copy of it, went on to the broker. With acks=0 nothing more is heard of it."""
        self.forwarded(in_flight, now)
        if in_flight.acks == 0:
            self.unasked(in_flight, now)

    def forwarded(self, in_flight: InFlight, now: float) -> None:
        """The request, or what a fault has left of it, went on to the broker."""
        for share in in_flight.shares:
            if share.number not in in_flight.removed:
                self._wire.observe(Forwarded(now, share.number))

    def _acked(self, share: Share, ack: Ack, error: int | None, now: float) -> None:
        self._wire.observe(Acked(now, share.number, ack, error))

    def _tell_let_go(self, now: float) -> None:
        count = self._wire.attempts.take_let_go()
        if count:
            self._wire.observe(IndexLetGo(now, count))


def flow_of(
    connection: int,
    header: RequestHeader,
    software: str,
    request: ProduceRequest,
    topic: str,
    partition: int,
    batch: BatchHeader,
) -> Flow:
    """The flow to which this batch of a request belongs."""
    return Flow(
        connection=connection,
        client_id=header.client_id or "",
        software=software,
        api_version=header.api_version,
        acks=request.acks,
        transactional_id=request.transactional_id,
        topic=topic,
        partition=partition,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
    )


def read_request(frame: memoryview, header: RequestHeader) -> ProduceRequest | UndecodableError:
    """The request, or why it cannot be read."""
    try:
        return parse_request(frame, header)
    except UndecodableError as error:
        return error
