"""One connection that speaks Kafka: frames of both directions, each answer with its request.

Bytes come in as `flow` has put them into order. An answer is told when its last byte is there; that it was delivered,
once the client's TCP has acknowledged this byte (on ackdrop's own side of a client: once it was sent).
"""

from __future__ import annotations

from typing import Literal

from ...core.raw_sasl import SASL_HANDSHAKE, RawSasl
from ...core.routing import topic_ids
from ...errors import WireError
from ...kafka.apis import API_NAMES, api_key, api_name
from ...kafka.frames import FRAME_LIMIT
from ...kafka.headers import RequestHeader, client_of, request_header
from . import details, sense
from .cutting import Cut, Cutter, Lost, Sense
from .events import Ended, Frame, Hole, How, Said, Way, Where
from .exchange import Asked, Exchanges, Marked
from .produced import PRODUCE, Produced
from .shared import Shared

FETCH, METADATA, CREATE_TOPICS = 1, 3, api_key("create_topics")
_MOST_READ = 16 << 20
"""Bytes of a produce request, or of an answer that names topics, that is read."""
_HEAD_ONLY = 512
_BEGINNING = sense.REQUEST_HEAD + 1024
"""Bytes of a request that is not read: enough for its header."""


class Conversation:
    """`where` as in `events`; `shared` is what the whole capture has in common. `synced`: its beginning is there."""

    def __init__(self, shared: Shared, where: Where, *, synced: bool, client_id: str | None = None) -> None:
        self.where = where
        self._shared = shared
        self._exchanges = Exchanges(where, shared.judge)
        self._produced = Produced(shared, where, self._exchanges)
        self._sasl = RawSasl(lambda _: None)
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
            self._exchanges.missed()
        cutter.hole(missing)

    def acknowledged(self, offset: int, now: float) -> None:
        """The client's TCP has the answers up to this offset."""
        self._exchanges.acknowledged(offset, now)

    def side_ended(self, side: Literal["client", "broker", ""], how: How, now: float) -> None:
        """That side says that it sends nothing more."""
        self._exchanges.side_ended(side, how, now)

    def ended(self, by: Literal["client", "broker", ""], how: How, now: float) -> None:
        """Nothing more comes."""
        self._now = now
        if begun := self.requests.ends():
            self._hole("request", Lost(0, begun, False))
        if begun := self.answers.ends():
            self._hole("answer", Lost(0, begun, False))
        unanswered, unacknowledged = self._exchanges.over(how, now)
        self._shared.links.over(self.where)
        self._shared.tell(Ended(now, self.where, by, how, unanswered, unacknowledged))

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
            return size + 4 if size <= _MOST_READ else _BEGINNING
        return size + 4 if size <= details.READ_UP_TO else _BEGINNING

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
            said = self._not_whole(cut, asked)
        elif header.api_key == PRODUCE:
            said, of = self._produced.request(cut.data, header, asked)
        else:
            said = details.of_request(api, header, cut.data, self._shared.topics.get)
        passed = self._shared.links.request(self.where, asked, cut.data)
        self._tell("request", asked, cut, said, passed_on=passed, of=of)
        if said.acks != 0:
            self._exchanges.add(asked)

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

    # Answers.

    def _sense_answer(self, data: bytes, at: int) -> Sense:
        """Whether an awaited answer begins there; where it can be read, it has to be one to its end."""
        found = sense.answer(data, at, self._exchanges)
        asked = self._exchanges.get(int.from_bytes(data[at + 4 : at + 8], "big", signed=True))
        if found is not Sense.YES or asked is None:
            return found
        size = 4 + int.from_bytes(data[at : at + 4], "big")
        api = api_name(asked.api_key)
        if size > details.READ_UP_TO or asked.api_key not in API_NAMES:
            return found
        return found if details.is_answer(api, asked.version, data[at : at + size]) else Sense.NO

    def _wanted_answer(self, head: bytes) -> int:
        size = int.from_bytes(head[:4], "big")
        if self._sasl.going_on and not len(self._exchanges):
            return 0
        if len(head) < sense.ANSWER_HEAD:
            return -1
        asked = self._exchanges.get(int.from_bytes(head[4:8], "big", signed=True))
        if asked is None:
            return sense.ANSWER_HEAD if size <= FRAME_LIMIT else -1
        if asked.api_key in (PRODUCE, METADATA, CREATE_TOPICS):
            return size + 4 if size <= _MOST_READ else _HEAD_ONLY
        return size + 4 if size <= details.READ_UP_TO else _HEAD_ONLY

    def _answer(self, cut: Cut) -> None:
        self._begun.add("answer")
        if self._sasl.going_on and not len(self._exchanges):
            self._token("answer", cut)
            return
        correlation_id = int.from_bytes(cut.data[4:8], "big", signed=True) if len(cut.data) >= 8 else -1
        asked = self._exchanges.answered(correlation_id, self._now)
        if asked is None:
            unknown = Asked(self._now, -1, -1, correlation_id, self._client_id or "")
            self._tell("answer", unknown, cut, Said(problem="its request is not in the capture"))
            return
        if len(cut.data) < cut.size:
            said = self._head_of(asked, cut)
        elif asked.api_key == PRODUCE:
            said = self._produced.answer(cut.data, asked, self._now)
        else:
            self._learn(asked, cut.data)
            said = self._read(asked, cut)
        passed = self._shared.links.answer(self.where, asked, said)
        self._tell("answer", asked, cut, said, latency=self._now - asked.at, passed_on=passed)
        self._exchanges.told(asked, cut.end)
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
        self._exchanges.unknown(asked)
        return self._not_whole(cut, asked)

    def _not_whole(self, cut: Cut, asked: Asked) -> Said:
        return self._produced.unread(_incomplete(cut)) if asked.api_key == PRODUCE else Said(problem=_incomplete(cut))

    def _learn(self, asked: Asked, frame: bytes) -> None:
        try:
            for name, topic_id in topic_ids(asked.api_key, asked.version, memoryview(frame)):
                self._shared.learn(topic_id, name)
        except WireError:
            return  # what it says is told with its problem

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
                said=said,
                latency=latency,
                faults=faults,
                passed_on=passed_on,
                of=of,
                raw=cut.data if whole else None,
            )
        )

    def _hole(self, way: Way, lost: Lost) -> None:
        if way == "answer":
            self._exchanges.missed()
        if way in self._begun:  # what stands before the first frame belongs to what was before the capture
            self._shared.missing += lost.skipped
        self._shared.tell(Hole(self._now, self.where, way, lost.missing, lost.skipped, lost.found))


def _incomplete(cut: Cut) -> str:
    return f"{cut.missing} of its bytes are not in the capture" if cut.missing else "too large to be read"
