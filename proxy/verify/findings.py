"""A finding for each thing that the log or the wire shows, with its chain of attempts.

The counts of the result are exact; the findings of one kind end after `LIMIT`, and a note says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..observations import AttemptStory, LogRecord, Send
from ..result import Finding, FindingKind
from .attempts import base, located
from .case import Case
from .causes import Duplicate
from .chains import Chains
from .checks import Loss, logical_name
from .trail import batch_of

LIMIT = 1_000
"""How many findings of one kind a result lists."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Saved:
    """A batch that was sent again and stands once, because the broker took the retry for what it was."""

    family: Sequence[AttemptStory]
    records: list[LogRecord]


def findings(case: Case, limit: int = LIMIT) -> tuple[list[Finding], list[str]]:
    """The findings, kind by kind and by place within a kind, and a note for each kind that was cut at `limit`.

    A figure that is not known has no findings.
    """
    teller, tally, log = _Teller(case, limit), case.tally, case.log
    teller.tell("duplicate", case.duplicates, teller.duplicate)
    teller.tell("deduplicated", list(deduplicated(case)), teller.deduplicated)
    teller.tell("lost", tally.lost if log.lost else [], teller.lost)
    teller.tell("unacked_present", tally.unacked_present if log.unacked_present else [], teller.unacked_present)
    teller.tell("out_of_order", tally.out_of_order if log.out_of_order else [], teller.out_of_order)
    teller.tell("phantom", tally.phantom if log.phantom else [], teller.phantom)
    teller.tell("offset_mismatch", tally.offset_mismatch if log.offset_mismatch else [], teller.offset_mismatch)
    return teller.told, teller.notes


class _Teller:
    """One method a kind: the item behind the figure in, the finding out."""

    def __init__(self, case: Case, limit: int) -> None:
        self.told: list[Finding] = []
        self.notes: list[str] = []
        self._trail = case.trail
        self._chains = Chains(case.trail, case.evidence.wire.zero)
        self._limit = limit

    def tell(self, kind: FindingKind, items: Sequence[T], how: Callable[[T], Finding]) -> None:
        self.told.extend(how(item) for item in items[: self._limit])
        if len(items) > self._limit:
            self.notes.append(f"{len(items)} findings of kind {kind}: the first {self._limit} are listed.")

    def duplicate(self, found: Duplicate) -> Finding:
        return self._chains.finding("duplicate", found.copies[0].identity, found.copies, cause=found.cause)

    def deduplicated(self, saved: Saved) -> Finding:
        """Named by its record; where the batch holds several, by the first and the last."""
        first, last = saved.records[0].identity, saved.records[-1].identity
        name = first if first == last else f"{first} to {last}"
        return self._chains.finding("deduplicated", name, saved.records, also=saved.family)

    def lost(self, loss: Loss) -> Finding:
        """Stands nowhere, so it has no place; the chain holds the attempts that were answered with its offset."""
        return self._chains.finding("lost", _name_of(loss), also=self._answered(loss.partition, loss.offset))

    def unacked_present(self, copies: Sequence[LogRecord]) -> Finding:
        return self._chains.finding("unacked_present", copies[0].identity, copies)

    def out_of_order(self, pair: tuple[LogRecord, LogRecord]) -> Finding:
        """The place is the record's own; the chain holds also the attempts of the one that overtook it."""
        record, before = pair
        return self._chains.finding("out_of_order", record.identity, [record], also=self._trail.attempts(before))

    def phantom(self, record: LogRecord) -> Finding:
        return self._chains.finding("phantom", record.identity, [record])

    def offset_mismatch(self, pair: tuple[Send, list[LogRecord]]) -> Finding:
        """The places are where it stands; the chain holds also the attempts that were answered with the other one."""
        send, copies = pair
        also = self._answered(send.partition, send.offset)
        return self._chains.finding("offset_mismatch", copies[0].identity, copies, also=also)

    def _answered(self, partition: int | None, offset: int | None) -> list[AttemptStory]:
        if partition is None or offset is None or offset < 0:
            return []
        return self._trail.answered_with(partition, offset)


def _name_of(loss: Loss) -> str:
    if loss.send is not None:
        return logical_name(loss.send)
    last = (loss.offset or 0) + loss.count - 1
    where = f"offset {loss.offset}" if loss.count == 1 else f"offsets {loss.offset} to {last}"
    return f"{loss.topic}[{loss.partition}] {where}"


def deduplicated(case: Case) -> Iterator[Saved]:
    """The batches of idempotent attempts that a retry repeated, that the broker answered with the same offset again,
    and whose every record stands once."""
    families = [family for family in case.trail.families.repeated() if _answered_alike(family)]
    batches = {_batch(family): family for family in families}
    standing: dict[tuple[str, int, int], list[LogRecord]] = {}
    for record in case.tally.records if batches else []:
        if batch_of(record) in batches:
            standing.setdefault(batch_of(record), []).append(record)
    for key, records in standing.items():
        if all(_stands_once(record, case) for record in records):
            yield Saved(batches[key], records)


def _answered_alike(family: Sequence[AttemptStory]) -> bool:
    """The broker gave two attempts of one idempotent batch the same offset: it appended one of them."""
    answers = [story.base_offset for story in family if located(story) and story.attempt.producer_id >= 0]
    return len(answers) > len(set(answers))


def _batch(family: Sequence[AttemptStory]) -> tuple[str, int, int]:
    first = next(story for story in family if located(story))
    return first.attempt.topic, first.attempt.partition, base(first)


def _stands_once(record: LogRecord, case: Case) -> bool:
    copies = case.tally.groups[record.producer, record.identity]
    return sum(copy.send == record.send for copy in copies) == 1
