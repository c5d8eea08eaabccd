"""What produce requests and their answers say, and which attempts they are."""

from __future__ import annotations

from ...core.identities import count_records
from ...errors import WireError
from ...kafka.batches import codec
from ...kafka.headers import RequestHeader
from ...kafka.produce import ProduceEntry, ProduceRequest, parse_request, parse_response
from .events import Said, Sent, Told, Where
from .exchange import Asked, Exchanges
from .retries import Attempt
from .shared import Shared

PRODUCE = 0


class Produced:
    """The produce traffic of one connection."""

    def __init__(self, shared: Shared, where: Where, exchanges: Exchanges) -> None:
        self._shared, self._where, self._exchanges = shared, where, exchanges

    def request(self, frame: bytes, header: RequestHeader, asked: Asked) -> tuple[Said, int | None]:
        """What a request says; and the connection whose request it is, where something has passed it on."""
        try:
            request = parse_request(frame, header)
        except WireError as error:
            return self.unread(error.message), None
        known = self._shared.links.front(self._where, asked, frame) or []
        shares = []
        for entry in request.entries:
            if entry.batch is not None:
                attempt = self._attempt(known, header, request, entry, frame, asked.at)
                if attempt is not None:
                    asked.attempts.append(attempt)
                shares.append(_sent(self._topic(entry.topic, entry.topic_id), entry, attempt, frame))
        facts = (("transactional_id", request.transactional_id),) if request.transactional_id else ()
        topics = tuple((share.topic, share.partition) for share in shares)
        of = known[0].where.connection if known and not self._where.hop else None
        return Said(facts=facts, topics=topics, acks=request.acks, sent=tuple(shares)), of

    def unread(self, problem: str) -> Said:
        """One that cannot be read, or is not all there: what it would have told is not known."""
        self._shared.judge.tally.unread += 1
        return Said(problem=problem)

    def _attempt(
        self,
        known: list[Attempt],
        header: RequestHeader,
        request: ProduceRequest,
        entry: ProduceEntry,
        frame: bytes,
        now: float,
    ) -> Attempt | None:
        """The attempt that a share is: one that was seen before on its way, or a new one; none where ackdrop itself has
        sent it."""
        topic = self._topic(entry.topic, entry.topic_id)
        for attempt in known:
            if (attempt.topic, attempt.partition) == (topic, entry.partition):
                attempt.forwarded = True
                return attempt
        if self._where.hop == "broker":
            return None
        raw, line = frame[entry.start : entry.end], self._exchanges.line
        return self._shared.judge.sent(self._where, line, header, request, entry, topic, raw, now)

    def answer(self, frame: bytes, asked: Asked, now: float) -> Said:
        """What an answer says; what the broker has said of attempts goes to the judge."""
        try:
            answers = parse_response(frame, asked.version)
        except WireError as error:
            self._exchanges.unknown(asked)
            return self.unread(error.message)
        attempts = {(attempt.topic, attempt.partition): attempt for attempt in asked.attempts}
        told = []
        for each in answers:
            topic = self._topic(each.topic, each.topic_id)
            told.append(Told(topic, each.partition, each.error, each.base_offset))
            attempt = attempts.get((topic, each.partition))
            if attempt is None:
                continue
            asked.errors[attempt.number] = each.error
            if self._shared.links.is_brokers(attempt, self._where):
                self._shared.judge.answered(attempt, each.error, each.base_offset, now)
        errors = tuple(dict.fromkeys(each.error for each in told if each.error))
        return Said(topics=tuple((each.topic, each.partition) for each in told), errors=errors, told=tuple(told))

    def _topic(self, topic: str | None, topic_id: bytes | None) -> str:
        return (topic or "") if topic_id is None else self._shared.topic(topic_id)


def _sent(topic: str, entry: ProduceEntry, attempt: Attempt | None, frame: bytes) -> Sent:
    batch = entry.batch
    assert batch is not None
    first = attempt.origins[-1] if attempt is not None and attempt.origins else None
    return Sent(
        topic=topic,
        partition=entry.partition,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
        base_sequence=batch.base_sequence,
        records=count_records(batch, frame[entry.start : entry.end]) if attempt is None else attempt.records,
        size=entry.end - entry.start,
        codec=codec(batch.attributes),
        attempt=None if attempt is None else attempt.number,
        retry_of=None if attempt is None else attempt.retry_of,
        first=None if first is None else (first.where.connection, first.correlation_id),
        ambiguous=attempt is not None and attempt.ambiguous,
    )
