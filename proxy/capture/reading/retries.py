"""Which produce requests are retries, and what became of the acks before: by the rules that hold for the live proxy.

`core/attempts.py` is the index that knows a retry, `core/alike.py` its rule. Here stands what it is fed with (an answer
counts as delivered once the client's TCP has acknowledged it) and what is remembered to tell the story: attempts by
their numbers, and chains of them. A chain is closed when the capture ends, or when there are very many; `verdicts`
says what it shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ...core.attempts import AttemptIndex, Line, OpenAttempt
from ...core.identities import count_records
from ...core.produce import SUCCESS
from ...identity import Naming
from ...kafka.headers import RequestHeader
from ...kafka.produce import ProduceEntry, ProduceRequest
from .events import Fault, How, Where

MOST_CHAINS = 10_000
"""Chains that are open at once."""
_MOST_KNOWN = 50_000
"""Attempts that are remembered for the story of a retry that may come."""
_MOST_DELIVERED = 5_000
"""Of them such whose success the client has, which it may not have read."""
_MOST_IN_CHAIN = 1000
_MOST_PLACES = 100_000
"""Partitions of which it is known up to where answers account for them."""

Fate = Literal["open", "acknowledged", "unacknowledged", "unanswered", "unknown", "none"]
"""What became of an answer: it may still come; the client's TCP acknowledged it; it is in the capture, and the client's
TCP never acknowledged it; it is not in the capture, though its connection is over; the capture lacks the part in which
it may be, or ends before; acks=0 asked for none."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One produce attempt, with what became of it. `answered_at`, `error` and `base_offset` are the broker's answer,
    None without one in the capture; `seen_error` is what the client was told where that was another. `ended_at` and
    `ended` say when and how its connection ended, where its answer was lost. `unaccounted` counts the offsets
    between the last success in its partition before and its own, which no answer in the capture accounts for.
    `forwarded` says that ackdrop has sent it on, in a capture of its own."""

    number: int
    at: float
    where: Where
    correlation_id: int
    client_id: str
    acks: int
    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    size: int
    ambiguous: bool
    origins: tuple[Attempt, ...] = ()
    retry_of: int | None = None
    answered_at: float | None = None
    error: int | None = None
    base_offset: int | None = None
    seen_error: int | None = None
    fate: Fate = "open"
    acknowledged_at: float | None = None
    ended_at: float | None = None
    ended: How | None = None
    faults: list[Fault] = field(default_factory=list)
    unaccounted: int | None = None
    forwarded: bool = False
    chain: Chain | None = None
    onward: Where | None = None
    """Where it was seen again behind whatever passed it on."""
    open: OpenAttempt | None = None

    @property
    def kept_back(self) -> bool:
        """Whether ackdrop has surely not sent it on: both of its sides are in the capture."""
        return bool(self.where.hop) and not self.forwarded

    @property
    def numbers(self) -> tuple[int, int, int] | None:
        """Producer id, epoch and sequence, where it has them (KIP-98)."""
        return None if self.producer_id < 0 else (self.producer_id, self.producer_epoch, self.base_sequence)


@dataclass(slots=True, eq=False)
class Chain:
    """Attempts for the same records, in their order: the first, whose ack was lost or that failed, and its retries."""

    number: int
    attempts: list[Attempt]
    closed: bool = False


@dataclass(slots=True)
class Tally:
    """What was counted. `lost` are attempts whose success the client was surely not told, `unread` produce requests and
    answers that could not be read."""

    attempts: int = 0
    answered: int = 0
    lost: int = 0
    retries: int = 0
    unread: int = 0
    let_go: int = 0


class Judge:
    """Knows attempts of a whole capture. `closed(chain)` is called once for each chain, whenever it is over."""

    def __init__(self, closed: Callable[[Chain], None], naming: Naming | None = None) -> None:
        self._index = AttemptIndex(naming=naming)
        self._closed = closed
        self._known: OrderedDict[int, Attempt] = OrderedDict()
        self._delivered: OrderedDict[int, Attempt] = OrderedDict()
        self._chains: OrderedDict[int, Chain] = OrderedDict()
        self._begun = 0
        self._ends: dict[tuple[str, int], int] = {}
        self.tally = Tally()

    def sent(
        self,
        where: Where,
        line: Line,
        header: RequestHeader,
        request: ProduceRequest,
        entry: ProduceEntry,
        topic: str,
        raw: bytes,
        now: float,
    ) -> Attempt:
        """A partition's share of a produce request was sent."""
        batch = entry.batch
        assert batch is not None
        self.tally.attempts += 1
        number, client_id = self.tally.attempts, header.client_id or ""
        found = self._index.begin(number, line, client_id, (topic, entry.partition), batch, raw, now)
        attempt = Attempt(
            number=number,
            at=now,
            where=where,
            correlation_id=header.correlation_id,
            client_id=client_id,
            acks=request.acks,
            topic=topic,
            partition=entry.partition,
            producer_id=batch.producer_id,
            producer_epoch=batch.producer_epoch,
            base_sequence=batch.base_sequence,
            records=count_records(batch, raw),
            size=len(raw),
            ambiguous=found.ambiguous,
            retry_of=found.repeats,
            open=found,
        )
        if found.repeats is not None:
            self._repeats(attempt, found)
        self._known[number] = attempt
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        if request.acks == 0:
            attempt.fate = "none"
            self._index.delivered(found, now)
            self._remember_delivered(attempt)
        return attempt

    def answered(self, attempt: Attempt, error: int, base_offset: int, now: float) -> None:
        """The broker's answer was seen."""
        if attempt.answered_at is None:
            self.tally.answered += 1
            attempt.answered_at, attempt.error, attempt.base_offset = now, error, base_offset
            if error in SUCCESS and base_offset >= 0 and attempt.records >= 0:
                self._account(attempt, base_offset)

    def _account(self, attempt: Attempt, base_offset: int) -> None:
        """Note how far answers account for what stands in the partition."""
        place = attempt.topic, attempt.partition
        known = self._ends.get(place)
        if known is not None and known <= base_offset:
            attempt.unaccounted = base_offset - known
        self._ends[place] = max(known or 0, base_offset + attempt.records)
        if len(self._ends) > _MOST_PLACES:
            del self._ends[next(iter(self._ends))]

    def acknowledged(self, attempt: Attempt, error: int | None, now: float) -> None:
        """The client's TCP has acknowledged an answer, with this error in it."""
        if attempt.fate != "open":
            return
        attempt.fate, attempt.acknowledged_at = "acknowledged", now
        attempt.seen_error = error if error != attempt.error else None
        if attempt.open is not None and error is not None:
            if error in SUCCESS:
                self._index.delivered(attempt.open, now)
                self._remember_delivered(attempt)
            else:
                self._index.failed(attempt.open)

    def lost(self, attempt: Attempt, now: float, how: How) -> None:
        """Its connection is over, or what may hold its answer is not in the capture."""
        if attempt.fate != "open":
            return
        attempt.ended_at, attempt.ended = now, how
        if how in ("capture", "idle"):
            attempt.fate = "unknown"
            return
        attempt.fate = "unanswered" if attempt.answered_at is None else "unacknowledged"
        self.tally.lost += 1
        if attempt.open is not None:
            self._index.lost(attempt.open)
        if attempt.chain is None:
            self._link([attempt])

    def missed(self, attempt: Attempt) -> None:
        """Its answer may be in a part that the capture lacks: it is not known to have come, nor to be lost."""
        if attempt.fate == "open" and attempt.answered_at is None:
            attempt.fate = "unknown"

    def ended(self, line: Line, now: float) -> None:
        """This connection's client is gone."""
        self._index.ended(line, now)

    def finish(self) -> None:
        """The capture is over."""
        while self._chains:
            self._close(next(iter(self._chains)))
        self.tally.let_go += self._index.let_go

    def _remember_delivered(self, attempt: Attempt) -> None:
        if self._known.pop(attempt.number, None) is not None:
            self._delivered[attempt.number] = attempt
            if len(self._delivered) > _MOST_DELIVERED:
                self._delivered.popitem(last=False)

    # Chains.

    def _repeats(self, attempt: Attempt, found: OpenAttempt) -> None:
        self.tally.retries += 1
        both = (self._known.get(number) or self._delivered.get(number) for number in found.origins)
        origins = [origin for origin in both if origin is not None]
        attempt.origins = tuple(origins)
        chain = next((origin.chain for origin in origins if origin.chain and not origin.chain.closed), None)
        if chain is None:
            chain = self._link(origins)
        else:
            there = set(chain.attempts)
            chain.attempts += [origin for origin in origins if origin not in there]
        chain.attempts.append(attempt)
        attempt.chain = chain
        if len(chain.attempts) > _MOST_IN_CHAIN:
            del chain.attempts[1]

    def _link(self, attempts: list[Attempt]) -> Chain:
        self._begun += 1
        chain = self._chains[self._begun] = Chain(self._begun, list(attempts))
        for attempt in attempts:
            attempt.chain = chain
        if len(self._chains) > MOST_CHAINS:
            self._close(next(iter(self._chains)))
        return chain

    def _close(self, number: int) -> None:
        chain = self._chains.pop(number)
        chain.closed = True
        self._closed(chain)
