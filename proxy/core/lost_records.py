"""The records of lost attempts: which of them each one was in.

Two equal records in one batch were both meant, so a record is noted as often as it was lost; a retry takes one of them
over. Equal records without end (a heartbeat that nobody answers) are noted `MOST_ALIKE` times at most.

To read a batch's records takes longer than all else that is done to it, and a client may have given up what it lost;
so the times of what was lost are kept as well, and tell whether a batch is worth reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .alike import OpenAttempt, Partition
from .identities import Known

MOST_ALIKE = 64


class Lost(NamedTuple):
    """One record of a lost attempt, with its create time."""

    attempt: OpenAttempt
    created: int


class Span(NamedTuple):
    """Create times of the records that were lost in a partition; when the last attempt for them began; and whether some
    of them have our own header."""

    first: int
    last: int
    at: float
    ours: bool


class LostRecords:
    """Lost records by partition and digest. `len()` is how many there are."""

    def __init__(self) -> None:
        self._tables: dict[Partition, dict[bytes, tuple[Lost, ...]]] = {}
        self.spans: dict[Partition, Span] = {}
        """The times of what was lost, by partition."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def span(self, where: Partition) -> Span | None:
        """The times of what was lost in this partition; None where nothing was."""
        return self.spans.get(where)

    def add(self, attempt: OpenAttempt, records: Iterable[Known]) -> list[OpenAttempt]:
        """Note the records of an attempt. The attempts that have none left for it are given back."""
        table = self._tables.setdefault(attempt.where, {})
        done: list[OpenAttempt] = []
        for record in records:
            equal = table[record.digest] = (*table.get(record.digest, ()), Lost(attempt, record.created))
            attempt.records.append(record.digest)
            attempt.left += 1
            self._count += 1
            self._widen(attempt, record)
            if len(equal) > MOST_ALIKE and self.take(attempt.where, record.digest, equal[0]):
                done.append(equal[0].attempt)
        return done

    def _widen(self, attempt: OpenAttempt, record: Known) -> None:
        created, at = record.created, attempt.at
        span = self.spans.get(attempt.where, Span(created, created, at, False))
        self.spans[attempt.where] = Span(
            min(span.first, created), max(span.last, created), max(span.at, at), span.ours or record.ours
        )

    def alike(self, where: Partition, digest: bytes) -> Iterator[Lost]:
        """The lost records that are equal to this one, the earliest first."""
        return iter(self._tables.get(where, {}).get(digest, ()))

    def take(self, where: Partition, digest: bytes, lost: Lost) -> bool:
        """A later attempt stands for this record. True where its attempt has none left."""
        entries = self._tables[where][digest]
        at = entries.index(lost)
        self._set(where, digest, entries[:at] + entries[at + 1 :])
        self._count -= 1
        lost.attempt.left -= 1
        return lost.attempt.left == 0

    def drop(self, attempt: OpenAttempt) -> None:
        """Forget all records of an attempt."""
        for digest in attempt.records:
            entries = self._tables.get(attempt.where, {}).get(digest, ())
            kept = tuple(lost for lost in entries if lost.attempt is not attempt)
            if len(kept) < len(entries):
                self._count -= len(entries) - len(kept)
                self._set(attempt.where, digest, kept)
        attempt.records, attempt.left = [], 0

    def _set(self, where: Partition, digest: bytes, entries: tuple[Lost, ...]) -> None:
        table = self._tables[where]
        if entries:
            table[digest] = entries
            return
        del table[digest]
        if not table:
            del self._tables[where], self.spans[where]
