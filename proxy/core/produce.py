"""Produce requests and their answers: attempts on the way in, the rules' say on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UndecodableError
from ..faults.engine import Decision
from ..faults.rule import Entry, Frame
from ..faults.verdicts import Alter, Verdict
from ..kafka.headers import RequestHeader
from ..kafka.produce import ProduceAnswer, ProduceEntry, ProduceRequest, parse_request, parse_response, with_errors
from ..observations import Ack, Acked, Answered, Attempt, Decided, Forwarded, TopicSeen
from .attempts import OpenAttempt
from .commands import AskStarts

if TYPE_CHECKING:
    from .wire import Wire

PRODUCE = 0


@dataclass(slots=True)
class Share:
    """One partition's share of a produce request that is in flight."""

    topic: str
    topic_id: bytes | None
    partition: int
    idempotent: bool
    attempt: OpenAttempt
    answer: ProduceAnswer | None = None


@dataclass(slots=True)
class InFlight:
    """A produce request whose answer has not come. `settled` is set once every share's fate is recorded."""

    client_id: str
    api_version: int
    shares: list[Share]
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer with the rules' verdict on it.

    `frame` is what would go to the client; `codes` holds, by attempt, the errors that were written into it.
    """

    frame: bytes | memoryview
    verdict: Verdict | None
    codes: dict[int, int]


class ProduceTraffic:
    """The produce traffic of one connection."""

    def __init__(self, wire: Wire, connection: int) -> None:
        self._wire = wire
        self._connection = connection

    def unknown(self, request: ProduceRequest) -> list[AskStarts]:
        """What has to be asked of the broker before this request may pass: start offsets, and names of topic ids."""
        if not self._wire.settings.ask_starts:
            return []
        missing: dict[tuple[str, bytes | None], list[int]] = {}
        for entry in request.entries:
            topic = self._name(entry)
            if topic is None or (topic, entry.partition) not in self._wire.starts:
                key = ("", entry.topic_id) if topic is None else (topic, None)
                missing.setdefault(key, []).append(entry.partition)
        return [AskStarts(topic, topic_id, tuple(found)) for (topic, topic_id), found in missing.items()]

    def request(
        self, frame: memoryview, header: RequestHeader, request: ProduceRequest, software: str, now: float
    ) -> InFlight | None:
        """Record a request that is about to pass. None when no answer will come (acks=0)."""
        self._wire.produced(now)
        in_flight = InFlight(header.client_id or "", header.api_version, [])
        for entry in request.entries:
            share = self._share(frame, header, request, entry, software, now)
            if share is not None:
                in_flight.shares.append(share)
        if request.acks != 0:
            return in_flight
        for share in in_flight.shares:
            self._acked(share, "none", None, now)
            self._wire.attempts.delivered(share.attempt)
        return None

    def _share(
        self,
        frame: memoryview,
        header: RequestHeader,
        request: ProduceRequest,
        entry: ProduceEntry,
        software: str,
        now: float,
    ) -> Share | None:
        batch = entry.batch
        if batch is None:
            return None
        topic = self._name(entry) or f"id:{(entry.topic_id or b'').hex()}"
        self._seen(topic, entry.partition, now)
        wire = self._wire
        raw = bytes(frame[entry.start : entry.end])
        attempt = wire.attempts.begin(wire.next_attempt(), self._connection, (topic, entry.partition), batch, raw)
        wire.observe(
            Attempt(
                number=attempt.number,
                at=now,
                connection=self._connection,
                correlation_id=header.correlation_id,
                client_id=header.client_id or "",
                software=software,
                api_version=header.api_version,
                acks=request.acks,
                transactional_id=request.transactional_id,
                topic=topic,
                partition=entry.partition,
                producer_id=batch.producer_id,
                producer_epoch=batch.producer_epoch,
                base_sequence=batch.base_sequence,
                records=batch.records,
                crc=batch.crc,
                size=entry.end - entry.start,
                retry_of=None if attempt.repeats is None else attempt.repeats.number,
                tries=attempt.tries,
                ambiguous=attempt.ambiguous,
            )
        )
        wire.observe(Forwarded(now, attempt.number))
        return Share(topic, entry.topic_id, entry.partition, batch.producer_id >= 0, attempt)

    def _name(self, entry: ProduceEntry) -> str | None:
        return entry.topic if entry.topic_id is None else self._wire.topic_names.get(entry.topic_id)

    def _seen(self, topic: str, partition: int, now: float) -> None:
        if (topic, partition) not in self._wire.topics_seen:
            self._wire.topics_seen.add((topic, partition))
            self._wire.observe(TopicSeen(now, topic, partition, self._wire.starts.get((topic, partition), -1)))

    def answer(self, frame: bytes | memoryview, in_flight: InFlight, now: float) -> None:
        """Record what the broker answered. Raises UndecodableError where the answer cannot be read."""
        shares = {(share.topic_id or share.topic, share.partition): share for share in in_flight.shares}
        for answer in parse_response(frame, in_flight.api_version):
            share = shares.get((answer.topic_id or answer.topic or "", answer.partition))
            if share is not None:
                share.answer = answer
                self._wire.observe(Answered(now, share.attempt.number, answer.error, answer.base_offset))

    def judge(self, frame: bytes | memoryview, correlation_id: int, in_flight: InFlight, now: float) -> Judged:
        """Ask the rules about an answer."""
        wire = self._wire
        if not wire.engine.armed("produce", "response"):
            return Judged(frame, None, {})
        entries = tuple(
            Entry(share.topic, share.partition, share.idempotent, share.attempt.tries, share.attempt.number)
            for share in in_flight.shares
        )
        facts = Frame("produce", "response", in_flight.client_id, self._connection, correlation_id, entries)
        outcome, decisions = wire.engine.decide(facts, wire.elapsed(now))
        for decision in decisions:
            wire.observe(self._decided(decision, facts, now))
        if outcome is None or not isinstance(outcome.verdict, Alter):
            return Judged(frame, None if outcome is None else outcome.verdict, {})
        code = outcome.verdict.code
        hit = {entry.attempt for entry in outcome.hit}
        answers = {s.attempt.number: s.answer for s in in_flight.shares if s.answer and s.attempt.number in hit}
        altered = with_errors(frame, in_flight.api_version, answers.values(), code)
        return Judged(altered, outcome.verdict, dict.fromkeys(answers, code))

    def _decided(self, decision: Decision, frame: Frame, now: float) -> Decided:
        return Decided(
            at=now,
            fault=decision.rule,
            connection=frame.connection,
            correlation_id=frame.correlation_id,
            client_id=frame.client_id,
            topic=self._wire.label(decision.entry.topic),
            partition=decision.entry.partition,
            n=decision.n,
            fired=decision.fired,
            verdict=decision.verdict,
            hit=decision.hit,
            attempt=decision.entry.attempt,
        )

    def delivered(self, in_flight: InFlight, codes: dict[int, int], ack: Ack, now: float) -> None:
        """The answer went to the client, with these errors written into it."""
        for share in in_flight.shares:
            broker = share.answer.error if share.answer else None
            error = codes.get(share.attempt.number, broker)
            self._acked(share, ack, error, now)
            if error == 0:
                self._wire.attempts.delivered(share.attempt)
            else:
                self._wire.attempts.lost(share.attempt)
        in_flight.settled = True

    def lost(self, in_flight: InFlight, ack: Ack, now: float) -> None:
        """The answer will not reach the client."""
        if in_flight.settled:
            return
        for share in in_flight.shares:
            self._acked(share, ack, None, now)
            self._wire.attempts.lost(share.attempt)
        in_flight.settled = True

    def abandoned(self, in_flight: InFlight) -> None:
        """The client will not read the answer any more, whenever it comes: what it sends again is a retry."""
        for share in in_flight.shares:
            self._wire.attempts.lost(share.attempt)

    def _acked(self, share: Share, ack: Ack, error: int | None, now: float) -> None:
        self._wire.observe(Acked(now, share.attempt.number, ack, error))


def read_request(frame: memoryview, header: RequestHeader) -> ProduceRequest | UndecodableError:
    """The request, or why it cannot be read."""
    try:
        return parse_request(frame, header)
    except UndecodableError as error:
        return error
