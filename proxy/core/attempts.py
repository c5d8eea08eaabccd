"""Whose retry is this? The index of attempts whose success the client may not have seen.

Only these have to be remembered, and most leave the index with their ack. `alike` holds the rule by which a new attempt
is known as a retry of one in here, `identities` what its records are known by. While its answer is open an attempt is
known by its numbers and its bytes; once that is lost, by each of its records, since clients put records into other
batches when they send them again. A retry takes the records over: one that is equal to two lost attempts stands for
the first of them, and the next for the second. A retry for records of several attempts is one of the latest of them.

A success that was sent to the client right before its connection ended may not have been read. Such attempts are
kept a little longer, known by numbers and bytes alone: the same numbers again, or our own header, are a retry.

The index is bounded. What is let go is counted once a retry of it could come and would not be known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

from ..identity import Naming
from ..kafka.produce import BatchHeader
from .alike import Likeness, Line, OpenAttempt, Partition, State, by_bytes, by_record, by_sequence
from .identities import Known, is_one_batch, known_records, payload
from .lost_records import LostRecords, Span

__all__ = ["AttemptIndex", "IndexLimits", "Line", "OpenAttempt"]

_Home = OrderedDict[int, OpenAttempt]

_MOST_EQUAL = 16
_MOST_DOUBTED = 1000
_UNREAD = 1.0
"""Seconds between an answer and the end of its connection within which the client may not have read it."""
_NAMED_FOR = 600.0
"""Seconds for which a name is looked for that may come again with another create time."""
_DOUBTED_FOR = 60.0
"""Seconds for which such an attempt is remembered: far longer than any client's backoff."""


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """The most attempts that are kept, the most bytes of their batches, and the most records of lost ones."""

    attempts: int = 100_000
    bytes: int = 64 << 20
    records: int = 200_000


class AttemptIndex:
    """Attempts without a success that the client has surely seen. `let_go` counts what the limits made it forget."""

    def __init__(self, limits: IndexLimits | None = None, naming: Naming | None = None) -> None:
        self._limits = limits or IndexLimits()
        self._naming = naming
        self._outstanding: _Home = OrderedDict()
        self._bare: _Home = OrderedDict()
        self._lost: _Home = OrderedDict()
        self._doubted: _Home = OrderedDict()
        self._keys: dict[Hashable, list[OpenAttempt]] = {}
        self._records = LostRecords()
        self.producers: dict[int, dict[int, OpenAttempt]] = {}
        self.checksums: dict[int, int] = {}
        """The attempts in here that are known by numbers or bytes: by producer id, and how many have a check sum."""
        self.noted = 0
        """How often one came to be known so."""
        self._held = 0
        self._said = 0
        self.let_go = 0

    def __len__(self) -> int:
        return len(self._outstanding) + len(self._bare) + len(self._lost)

    def take_let_go(self) -> int:
        """How many more were let go since the last call."""
        count, self._said = self.let_go - self._said, self.let_go
        return count

    @property
    def lost_in(self) -> dict[Partition, Span]:
        """The partitions for which records were lost: what comes there may be a retry, whatever its numbers are."""
        return self._records.spans

    def knows_from(self, where: Partition, batch: BatchHeader, now: float) -> bool:
        """Whether an attempt of the batch's producer to the partition is known by its numbers that begins where this
        batch does, or later."""
        return any(
            each.where == where
            and each.batch.producer_epoch == batch.producer_epoch
            and each.batch.base_sequence >= batch.base_sequence
            and _counts(each, now)
            for each in self.producers.get(batch.producer_id, {}).values()
        )

    def suspects(self, where: Partition, batch: BatchHeader, now: float) -> bool:
        """Whether an attempt with this one batch may be a retry of anything; `begin` says of what.

        It is none where its producer is not among `producers`, its check sum not among `checksums` where it has none,
        and its partition not in `lost_in`.
        """
        if _numbers(where, batch) in self._keys or _content_of_one(where, batch) in self._keys:
            return True
        return self._worth_reading(where, batch, now)

    # What happens.

    def begin(
        self, number: int, line: Line, client_id: str, where: Partition, batch: BatchHeader, raw: bytes, now: float
    ) -> OpenAttempt:
        """A new attempt passes: find what it repeats, and remember it."""
        attempt = _attempt(number, line, client_id, where, batch, raw, now)
        sure, maybe = self._matches(attempt, now)
        origins = sure or maybe
        if origins:
            attempt.origins = tuple(origin.number for origin in origins)
            attempt.repeats = max(attempt.origins)
            attempt.tries = 1 + max(origin.tries for origin in origins)
            attempt.ambiguous = not sure
        self._began(attempt)
        return attempt

    def begin_unlike(
        self, number: int, line: Line, client_id: str, where: Partition, batch: BatchHeader, raw: bytes, at: float
    ) -> OpenAttempt:
        """Remember an attempt with one batch that has passed at `at`. It repeated nothing of what was known then, and
        nothing of what came to be known since is in question: that came later, or was lost later."""
        attempt = _attempt(number, line, client_id, where, batch, raw, at)
        self._began(attempt)
        return attempt

    def _began(self, attempt: OpenAttempt) -> None:
        self._outstanding[attempt.number] = attempt
        self._held += len(attempt.raw)
        self._note(attempt)
        self._keep_limits()

    def told(
        self, number: int, line: Line, client_id: str, where: Partition, batch: BatchHeader, at: float, told_at: float
    ) -> None:
        """An attempt with this one batch has passed at `at`, and its client was told a success; nothing else of it is
        known here."""
        if line.open:
            content = _content_of_one(where, batch)
            attempt = OpenAttempt(number, line, client_id, where, batch, b"", at, _numbers(where, batch), content)
            attempt.state, attempt.told_at = State.DONE, told_at
            line.told.append(attempt)

    def delivered(self, attempt: OpenAttempt, now: float) -> None:
        """The client was told a success, or asked for no answer."""
        if attempt.state not in (State.OUTSTANDING, State.FORGOTTEN):
            return
        self._leave(attempt)
        if attempt.line.open:
            attempt.told_at = now
            attempt.line.told.append(attempt)

    def failed(self, attempt: OpenAttempt) -> None:
        """The client was told an error."""
        self._unheard(attempt, State.FAILED)

    def lost(self, attempt: OpenAttempt) -> None:
        """The client will not be told anything; it knows so once its connection is over."""
        self._unheard(attempt, State.LOST)

    def ended(self, line: Line, now: float) -> None:
        """The client of this connection is gone, or was cut off. What it was told last it may not have read."""
        if not line.open:
            return
        line.open = False
        for attempt in line.told:
            if now - attempt.told_at <= _UNREAD:
                attempt.state = State.DOUBTED
                self._doubted[attempt.number] = attempt
                self._note(attempt)
        line.told.clear()
        while self._doubted:
            oldest = next(iter(self._doubted.values()))
            if len(self._doubted) <= _MOST_DOUBTED and now - oldest.told_at <= _DOUBTED_FOR:
                break
            self._leave(oldest)

    # What it means.

    def _matches(self, new: OpenAttempt, now: float) -> tuple[list[OpenAttempt], list[OpenAttempt]]:
        """The attempts that this one repeats, for certain and perhaps; those of the first kind it takes over."""
        for earlier in self._at(new.numbers, now) if new.numbers is not None else ():
            if earlier.payload is not None and new.payload is None:
                new.payload = payload(new.raw)
            if by_sequence(new, earlier) is Likeness.SURE:
                self._leave(earlier)
                return [earlier], []
        sure, maybe = self._by_records(new) if self._worth_reading(new.where, new.batch, new.at) else ([], [])
        equal = () if sure else self._at(new.content, now)
        ours = bool(equal) and _all_ours(known_records(new.raw))
        for earlier in equal:
            likeness = by_bytes(new, earlier, ours=ours)
            if likeness is Likeness.SURE:
                self._leave(earlier)
                return [earlier], []
            if likeness is Likeness.MAYBE:
                maybe.append(earlier)
        return sure, maybe

    def _worth_reading(self, where: Partition, batch: BatchHeader, now: float) -> bool:
        """Whether records of this batch may be among the lost ones.

        What a client sends again comes before what it sends for the first time, with its create time; so the batch's
        first create time is one of the lost. A name, or our header, may come with another, while somebody still tries.
        """
        span = self._records.span(where)
        if span is None:
            return False
        if batch.magic < 2 or batch.base_timestamp < 0 or span.first <= batch.base_timestamp <= span.last:
            return True
        return (self._naming is not None or span.ours) and now - span.at <= _NAMED_FOR

    def _by_records(self, new: OpenAttempt) -> tuple[list[OpenAttempt], list[OpenAttempt]]:
        found: dict[Likeness, list[OpenAttempt]] = {likeness: [] for likeness in Likeness}
        for known in known_records(new.raw, self._naming):
            for lost in self._records.alike(new.where, known.digest):
                likeness = by_record(new, lost.attempt, known, lost.created)
                found[likeness].append(lost.attempt)
                if likeness is Likeness.SURE:
                    if self._records.take(new.where, known.digest, lost):
                        self._leave(lost.attempt)
                    break
        return found[Likeness.SURE], found[Likeness.MAYBE]

    def _unheard(self, attempt: OpenAttempt, state: State) -> None:
        if attempt.state is State.FORGOTTEN:
            attempt.state = State.DONE
            self.let_go += 1
        if attempt.state is not State.OUTSTANDING:
            return
        attempt.state = state
        self._move(attempt, self._lost)
        if attempt.raw and attempt.numbers is not None:
            attempt.payload = payload(attempt.raw)
        if state is State.FAILED and attempt.payload is None:
            self._unnote(attempt.numbers, attempt)
        if attempt.raw:
            self._spread(attempt)
        else:
            self.let_go += 1

    def _spread(self, attempt: OpenAttempt) -> None:
        """From now on its records are known again in any batch; where they cannot be read, its bytes are."""
        known = known_records(attempt.raw, self._naming)
        if known:
            self._unnote(attempt.content, attempt)
            for crowded in self._records.add(attempt, known):
                self._let_go(crowded)
        self._held -= len(attempt.raw)
        attempt.raw = b""
        while len(self._records) > self._limits.records:
            self._let_go(next(iter(self._lost.values())))

    # Where an attempt is kept.

    def _keep_limits(self) -> None:
        while self._held > self._limits.bytes:
            oldest = next(iter(self._outstanding.values()))
            self._move(oldest, self._bare)
            self._held -= len(oldest.raw)
            oldest.raw = b""
        if len(self) > self._limits.attempts:
            firsts = [next(iter(home.values())) for home in (self._outstanding, self._bare, self._lost) if home]
            self._let_go(min(firsts, key=lambda attempt: attempt.number))

    def _let_go(self, attempt: OpenAttempt) -> None:
        """Forget an attempt for a limit. One whose answer is open is counted only if that is lost."""
        outstanding = attempt.state is State.OUTSTANDING
        self._leave(attempt)
        if outstanding:
            attempt.state = State.FORGOTTEN
        else:
            self.let_go += 1

    def _leave(self, attempt: OpenAttempt) -> None:
        """Nothing can be a retry of this attempt any more."""
        self._move(attempt, None)
        self._unnote(attempt.numbers, attempt)
        self._unnote(attempt.content, attempt)
        if attempt.records:
            self._records.drop(attempt)
        self._held -= len(attempt.raw)
        attempt.raw, attempt.state = b"", State.DONE

    def _move(self, attempt: OpenAttempt, to: _Home | None) -> None:
        for home in (self._outstanding, self._bare, self._lost, self._doubted):
            if home.pop(attempt.number, None) is not None:
                break
        if to is not None:
            to[attempt.number] = attempt

    def _at(self, key: Hashable, now: float) -> Sequence[OpenAttempt]:
        """The attempts with this key, the earliest first; doubted ones for their time alone."""
        found = self._keys.get(key)
        if found is None:
            return ()
        return [one for one in found if _counts(one, now)]

    def _note(self, attempt: OpenAttempt) -> None:
        for key in (attempt.numbers, attempt.content):
            equal = self._keys.setdefault(key, []) if key is not None else None
            if equal is not None and len(equal) < _MOST_EQUAL:
                equal.append(attempt)
                self._count(attempt, 1)
                if key is attempt.numbers:
                    self.noted += 1
                    self.producers.setdefault(attempt.batch.producer_id, {})[attempt.number] = attempt

    def _unnote(self, key: Hashable | None, attempt: OpenAttempt) -> None:
        equal = self._keys.get(key) if key is not None else None
        if equal and attempt in equal:
            equal.remove(attempt)
            if not equal:
                del self._keys[key]
            self._count(attempt, -1)
            if key is attempt.numbers:
                known = self.producers[attempt.batch.producer_id]
                del known[attempt.number]
                if not known:
                    del self.producers[attempt.batch.producer_id]

    def _count(self, attempt: OpenAttempt, by: int) -> None:
        crc = attempt.batch.crc
        count = self.checksums[crc] = self.checksums.get(crc, 0) + by
        if not count:
            del self.checksums[crc]


def _attempt(
    number: int, line: Line, client_id: str, where: Partition, batch: BatchHeader, raw: bytes, at: float
) -> OpenAttempt:
    numbers, content = _numbers(where, batch), _content(where, batch, raw)
    return OpenAttempt(number, line, client_id, where, batch, raw, at, numbers, content)


def _counts(attempt: OpenAttempt, now: float) -> bool:
    """Whether a retry of it may still come, as far as time says."""
    return attempt.state is not State.DOUBTED or now - attempt.told_at <= _DOUBTED_FOR


def _numbers(where: Partition, batch: BatchHeader) -> Hashable | None:
    """Producer id, epoch and sequences, where there are any (KIP-98)."""
    if batch.producer_id < 0:
        return None
    return where, batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.records


def _content(where: Partition, batch: BatchHeader, raw: bytes) -> Hashable:
    """A batch's check sum covers all that its client wrote; of a message set, it covers the first message alone."""
    if is_one_batch(batch, raw):
        return _content_of_one(where, batch)
    return where, xxh3_64_intdigest(raw)


def _content_of_one(where: Partition, batch: BatchHeader) -> Hashable:
    return where, batch.crc, batch.length


def _all_ours(known: list[Known]) -> bool:
    return bool(known) and all(record.ours for record in known)
