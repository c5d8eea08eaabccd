"""One connection that speaks Kafka: frames of both directions, each answer with its request, and what became of acks.

Bytes come in as `flows` has put them into order. An answer is told when its last byte is there; that it was delivered,
once the client's TCP has acknowledged this byte (on ackdrop's own side of a client: once it was sent).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ...core.attempts import Line
from ...core.identities import count_records
from ...core.raw_sasl import SASL_HANDSHAKE, RawSasl
from ...core.routing import topic_ids
from ...errors import WireError
from ...kafka.apis import API_NAMES, api_key, api_name
from ...kafka.batches import codec
from ...kafka.frames import FRAME_LIMIT
from ...kafka.headers import RequestHeader, client_of, request_header
from ...kafka.produce import ProduceAnswer, parse_request, parse_response
from . import details, sense
from .cutting import Cut, Cutter, Lost, Sense
from .events import Ended, Fault, Frame, Hole, How, Said, Sent, Told, Way, Where
from .links import Links
from .retries import Attempt
from .shared import Shared

PRODUCE, FETCH, METADATA, CREATE_TOPICS = 0, 1, 3, api_key("create_topics")
_MOST_READ = 16 << 20
"""Bytes of a produce request, or of an answer that names topics, that is read."""
_HEAD_ONLY = 512
MOST_PENDING = 20_000
"""Requests of one connection that wait for an answer."""
_PIECES = sense.REQUEST_HEAD + 1024


class Marked(NamedTuple):
    """A fault that ackdrop has written beside a packet: which frame it is about."""

    correlation_id: int
    way: str
    fault: Fault


@dataclass(slots=True, eq=False)
class Asked:
    """A request that waits for its answer."""

    at: float
    api_key: int
    version: int
    correlation_id: int
    client_id: str
    order: int = 0
    digest: bytes = b""
    attempts: list[Attempt] = field(default_factory=list)
    errors: dict[int, int] = field(default_factory=dict)


class Conversation:
    """`number` and hop as in `events`; `shared` is what the whole capture has in common."""

    def __init__(self, shared: Shared, where: Where, *, synced: bool, client_id: str | None = None) -> None:
        self.where = where
        self.line = Line(where.connection)
        self._shared = shared
        self._links: Links = shared.links
        self._sasl = RawSasl(lambda _: None)
        self._pending: OrderedDict[int, Asked] = OrderedDict()
        self._unacknowledged: deque[tuple[int, Asked]] = deque()
        self._requests = 0
        self._begun: set[Way] = {"request", "answer"} if synced else set()
        self._client_id = client_id
        self._now = 0.0
        self.marks: list[Marked] = []
        """What ackdrop says about frames that end in the packet that is read now."""
        self.requests = Cutter(
            head=sense.REQUEST_HEAD,
            limit=FRAME_LIMIT,
            wanted=self._wanted_request,
            sense=lambda data, at: sense.request(data, at, self._client_id),
            frame=self._request,
            lost=lambda lost: self._hole("request", lost),
        )
        self.answers = Cutter(
            head=sense.ANSWER_HEAD,
            limit=(1 << 31) - 5,
            wanted=self._wanted_answer,
            sense=self._sense_answer,
            frame=self._answer,
            lost=lambda lost: self._hole("answer", lost),
        )
        if not synced:
            self.requests.search()
            self.answers.search()

    @property
    def kept(self) -> int:
        """Bytes that are held."""
        return self.requests.kept + self.answers.kept

    # Bytes.

    def takes(self, way: Way, data: bytes, missing: int, now: float) -> None:
        """The next bytes of that direction, or how many of them are not there."""
        self._now = now
        cutter = self.requests if way == "request" else self.answers
        if not missing:
            cutter.data(data)
            return
        self._shared.missing += missing
        if way == "answer":
            self._missed()
        cutter.hole(missing)

    def acknowledged(self, offset: int, now: float) -> None:
        """The client's TCP has the answers up to this offset."""
        while self._unacknowledged and self._unacknowledged[0][0] <= offset:
            _, asked = self._unacknowledged.popleft()
            for attempt in self._own(asked):
                self._shared.judge.acknowledged(attempt, asked.errors.get(attempt.number), now)

    def side_ended(self, side: Literal["client", "broker", ""], how: How, now: float) -> None:
        """That side says that it sends nothing more. A client that does so is gone; a broker answers nothing more."""
        waiting = list(self._pending.values())
        if side == "client":
            waiting += [asked for _, asked in self._unacknowledged]
        for asked in waiting:
            for attempt in self._own(asked):
                self._shared.judge.lost(attempt, now, how)
        if side == "client":
            self._shared.judge.ended(self.line, now)

    def ended(self, by: Literal["client", "broker", ""], how: How, now: float) -> None:
        """Nothing more comes."""
        self._now = now
        for way, cutter in (("request", self.requests), ("answer", self.answers)):
            if begun := cutter.ends():
                self._hole("request" if way == "request" else "answer", Lost(0, begun, False))
        waiting = list(self._pending.values())
        unacknowledged = [asked for _, asked in self._unacknowledged]
        for asked in (*waiting, *unacknowledged):
            for attempt in self._own(asked):
                self._shared.judge.lost(attempt, now, how)
        if how in ("fin", "reset", "port"):
            self._shared.judge.ended(self.line, now)
        self._links.over(self.where)
        self._shared.tell(
            Ended(now, self.where, by, how, _named(waiting), _named(unacknowledged) if how != "capture" else ())
        )

    # Requests.

    def _wanted_request(self, head: bytes) -> int:
        size = int.from_bytes(head[:4], "big")
        if self._sasl.going_on and self._sasl.takes(memoryview(head)[:12]):
            return 0
        if size < sense.REQUEST_LEAST or len(head) < sense.REQUEST_HEAD:
            return -1
        key = int.from_bytes(head[4:6], "big", signed=True)
        if key < 0:
            return -1
        if key == PRODUCE:
            return size + 4 if size <= _MOST_READ else _PIECES
        return size + 4 if size <= details.READ_UP_TO else _PIECES

    def _request(self, cut: Cut) -> None:
        self._begun.add("request")
        if self._sasl.going_on:
            self._token("request", cut)
            return
        whole = len(cut.data) == cut.size
        header = self._header(cut.data, whole)
        if header is None:
            self._hole("request", Lost(cut.missing, cut.size - cut.missing, True))
            return
        if header.api_key == SASL_HANDSHAKE:
            self._sasl.handshake(header.api_version)
        self._client_id = header.client_id if header.client_id is not None else self._client_id
        asked = Asked(self._now, header.api_key, header.api_version, header.correlation_id, header.client_id or "")
        api = api_name(header.api_key)
        of: int | None = None
        if not whole:
            said = Said(problem=_incomplete(cut))
        elif header.api_key == PRODUCE:
            said, of = self._produce(cut.data, header, asked)
        else:
            said = details.of_request(api, header, cut.data, self._shared.topics.get)
        passed = self._links.request(self.where, asked, cut.data)
        self._tell("request", asked, cut, said, passed_on=passed, of=of)
        if said.acks != 0:
            self._await(asked)

    def _header(self, data: bytes, whole: bool) -> RequestHeader | None:
        try:
            if whole:
                return request_header(data)
        except WireError:
            return None
        client_id = client_of(data)
        if len(data) < sense.REQUEST_HEAD:
            return None
        key, version = int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
        return RequestHeader(key, version, int.from_bytes(data[8:12], "big", signed=True), client_id, None)

    def _produce(self, frame: bytes, header: RequestHeader, asked: Asked) -> tuple[Said, int | None]:
        try:
            request = parse_request(frame, header)
        except WireError as error:
            return Said(problem=error.message), None
        known = self._links.front(self.where, asked, frame)
        shares: list[Sent] = []
        for entry in request.entries:
            topic = entry.topic if entry.topic_id is None else self._shared.topic(entry.topic_id)
            if entry.batch is None:
                continue
            attempt = next((a for a in known or () if (a.topic, a.partition) == (topic, entry.partition)), None)
            if attempt is None and self.where.hop != "broker":
                raw = frame[entry.start : entry.end]
                attempt = self._shared.judge.sent(
                    self.where, self.line, header, request, entry, topic or "", raw, self._now
                )
            if attempt is not None:
                asked.attempts.append(attempt)
            batch = entry.batch
            shares.append(
                Sent(
                    topic=topic or "",
                    partition=entry.partition,
                    producer_id=batch.producer_id,
                    producer_epoch=batch.producer_epoch,
                    base_sequence=batch.base_sequence,
                    records=count_records(batch, frame[entry.start : entry.end])
                    if attempt is None
                    else attempt.records,
                    size=entry.end - entry.start,
                    codec=codec(batch.attributes),
                    attempt=None if attempt is None else attempt.number,
                    retry_of=None if attempt is None else attempt.retry_of,
                    first=_first(attempt),
                    ambiguous=attempt is not None and attempt.ambiguous,
                )
            )
        facts = (("transactional_id", request.transactional_id),) if request.transactional_id else ()
        topics = tuple((share.topic, share.partition) for share in shares)
        of = known[0].where.connection if known and known[0].where != self.where else None
        return Said(facts=facts, topics=topics, acks=request.acks, sent=tuple(shares)), of

    def _await(self, asked: Asked) -> None:
        self._requests += 1
        asked.order = self._requests
        self._pending[asked.correlation_id] = asked
        self._pending.move_to_end(asked.correlation_id)
        if len(self._pending) > MOST_PENDING:
            _, oldest = self._pending.popitem(last=False)
            self._unknown(oldest)

    # Answers.

    def _sense_answer(self, data: bytes, at: int) -> Sense:
        """Whether an awaited answer begins there; where it can be read, it has to be one to its end."""
        found = sense.answer(data, at, self._pending)
        if found is not Sense.YES:
            return found
        asked = self._pending[int.from_bytes(data[at + 4 : at + 8], "big", signed=True)]
        size = 4 + int.from_bytes(data[at : at + 4], "big")
        api = api_name(asked.api_key)
        if size > details.READ_UP_TO or asked.api_key not in API_NAMES:
            return found
        return found if details.is_answer(api, asked.version, data[at : at + size]) else Sense.NO

    def _wanted_answer(self, head: bytes) -> int:
        size = int.from_bytes(head[:4], "big")
        if self._sasl.going_on and not self._pending:
            return 0
        if len(head) < sense.ANSWER_HEAD:
            return -1
        asked = self._pending.get(int.from_bytes(head[4:8], "big", signed=True))
        if asked is None:
            return sense.ANSWER_HEAD if size <= FRAME_LIMIT else -1
        if asked.api_key in (PRODUCE, METADATA, CREATE_TOPICS):
            return size + 4 if size <= _MOST_READ else _HEAD_ONLY
        return size + 4 if size <= details.READ_UP_TO else _HEAD_ONLY

    def _answer(self, cut: Cut) -> None:
        self._begun.add("answer")
        if self._sasl.going_on and not self._pending:
            self._token("answer", cut)
            return
        correlation_id = int.from_bytes(cut.data[4:8], "big", signed=True) if len(cut.data) >= 8 else -1
        asked = self._pending.pop(correlation_id, None)
        if asked is None:
            unknown = Asked(self._now, -1, -1, correlation_id, self._client_id or "")
            self._tell("answer", unknown, cut, Said(problem="its request is not in the capture"))
            return
        self._pass_over(asked)
        if len(cut.data) < cut.size:
            said = self._head_of(asked, cut)
        elif asked.api_key == PRODUCE:
            said = self._produced(cut.data, asked)
        else:
            self._learn(asked, cut.data)
            said = self._read(asked, cut)
        passed = self._links.answer(self.where, asked, said)
        self._tell("answer", asked, cut, said, latency=self._now - asked.at, passed_on=passed)
        self._unacknowledged.append((cut.end, asked))
        if self.where.hop:
            self.acknowledged(cut.end, self._now)

    def _read(self, asked: Asked, cut: Cut) -> Said:
        if cut.size > details.READ_UP_TO:
            return Said()
        return details.of_answer(api_name(asked.api_key), asked.version, cut.data, self._shared.topics.get)

    def _head_of(self, asked: Asked, cut: Cut) -> Said:
        """Of an answer that is not read whole: to a Fetch, its error stands in front (v7 and later)."""
        if asked.api_key == FETCH and asked.version >= 7 and len(cut.data) >= 16 and not cut.missing:
            at = 13 if asked.version >= 12 else 12
            code = int.from_bytes(cut.data[at : at + 2], "big", signed=True)
            return Said(errors=(code,) if code else ())
        self._unknown(asked)
        return Said(problem=_incomplete(cut))

    def _produced(self, frame: bytes, asked: Asked) -> Said:
        try:
            answers = parse_response(frame, asked.version)
        except WireError as error:
            self._unknown(asked)
            return Said(problem=error.message)
        return self._judged(answers, asked)

    def _judged(self, answers: list[ProduceAnswer], asked: Asked) -> Said:
        told: list[Told] = []
        by_place = {(attempt.topic, attempt.partition): attempt for attempt in asked.attempts}
        for each in answers:
            topic = each.topic if each.topic_id is None else self._shared.topic(each.topic_id)
            told.append(Told(topic or "", each.partition, each.error, each.base_offset))
            attempt = by_place.get((topic or "", each.partition))
            if attempt is None:
                continue
            asked.errors[attempt.number] = each.error
            if self._links.is_brokers(attempt, self.where):
                self._shared.judge.answered(attempt, each.error, each.base_offset, self._now)
        errors = tuple(dict.fromkeys(each.error for each in told if each.error))
        return Said(topics=tuple((each.topic, each.partition) for each in told), errors=errors, told=tuple(told))

    def _learn(self, asked: Asked, frame: bytes) -> None:
        try:
            for name, topic_id in topic_ids(asked.api_key, asked.version, memoryview(frame)):
                self._shared.learn(topic_id, name)
        except WireError:
            return  # what it says is told with its problem

    def _pass_over(self, answered: Asked) -> None:
        """Answers come in the order of their requests: an earlier one that is still awaited never comes."""
        while self._pending:
            first = next(iter(self._pending.values()))
            if first.order > answered.order:
                return
            del self._pending[first.correlation_id]
            for attempt in self._own(first):
                self._shared.judge.lost(attempt, self._now, "passed")

    def _missed(self) -> None:
        """The capture lacks a part of the answers: those that are awaited may be in it."""
        for asked in self._pending.values():
            self._unknown(asked)

    def _unknown(self, asked: Asked) -> None:
        for attempt in self._own(asked):
            self._shared.judge.missed(attempt)

    def _own(self, asked: Asked) -> Iterator[Attempt]:
        """Attempts of this connection's client; those that only come by here are another one's."""
        return (attempt for attempt in asked.attempts if attempt.where == self.where)

    # What is told.

    def _token(self, way: Way, cut: Cut) -> None:
        bare = Asked(self._now, -1, -1, -1, self._client_id or "")
        self._tell(way, bare, cut, Said(problem="a SASL token"))

    def _tell(
        self,
        way: Way,
        asked: Asked,
        cut: Cut,
        said: Said,
        *,
        latency: float | None = None,
        passed_on: bool = False,
        of: int | None = None,
    ) -> None:
        faults = tuple(
            mark.fault for mark in self.marks if (mark.correlation_id, mark.way) == (asked.correlation_id, way)
        )
        if faults:
            self.marks = [mark for mark in self.marks if mark.fault not in faults]
            for attempt in asked.attempts:
                attempt.faults += faults
        whole = self._shared.keep_raw and len(cut.data) == cut.size
        self._shared.tell(
            Frame(
                at=self._now,
                where=self.where,
                way=way,
                api=api_name(asked.api_key) if asked.api_key >= 0 else "",
                api_key=asked.api_key,
                version=asked.version,
                correlation_id=asked.correlation_id,
                client_id=asked.client_id,
                size=cut.size,
                missing=cut.missing,
                said=replace(said, errors=said.errors[:20]) if len(said.errors) > 20 else said,
                latency=latency,
                faults=faults,
                passed_on=passed_on,
                of=of,
                raw=cut.data if whole else None,
            )
        )

    def _hole(self, way: Way, lost: Lost) -> None:
        if way == "answer":
            self._missed()
        if way in self._begun:  # what stands before the first frame belongs to what was before the capture
            self._shared.missing += lost.skipped
        self._shared.tell(Hole(self._now, self.where, way, lost.missing, lost.skipped, lost.found))


def _first(attempt: Attempt | None) -> tuple[int, int] | None:
    if attempt is None or not attempt.origins:
        return None
    return attempt.origins[-1].where.connection, attempt.origins[-1].correlation_id


def _named(asked: list[Asked]) -> tuple[tuple[str, int], ...]:
    return tuple((api_name(each.api_key), each.correlation_id) for each in asked[:100])


def _incomplete(cut: Cut) -> str:
    return f"{cut.missing} of its bytes are not in the capture" if cut.missing else "too large to be read"
