"""A finding for each thing that the log or the wire shows, with its chain of attempts.

The counts of the result are exact; the findings of one kind end after a limit, and a note says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..observations import AttemptStory
from ..result import Finding, FindingKind
from .attempts import base, located
from .case import Case
from .chains import Chains
from .duplicates import PLACES, TWIN, Duplicate
from .items import Loss, Phantom, Standing
from .listed import LIMIT, Listed
from .shelf import Row

__all__ = ["LIMIT", "findings"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Saved:
    """A batch that was sent again and stands once, because the broker took the retry for what it was."""

    family: Sequence[AttemptStory]
    row: Row


def findings(case: Case, limit: int = LIMIT) -> tuple[list[Finding], list[str]]:
    """The findings, kind by kind and by place within a kind, and a note for each kind that was cut at `limit`.

    A figure that is not known has no findings.
    """
    teller, items, log = _Teller(case), case.tally.items, case.log
    teller.tell("duplicate", case.duplicates.listed, case.duplicates.found, teller.duplicate)
    saved = Listed[Saved](limit)
    for one in deduplicated(case):
        saved.add(one)
    teller.tell("deduplicated", saved.items, saved.found, teller.deduplicated)
    teller.all_of("lost", items.lost, log.lost, teller.lost)
    teller.all_of("unacked_present", items.unacked_present, log.unacked_present, teller.unacked_present)
    teller.all_of("out_of_order", items.out_of_order, log.out_of_order, teller.out_of_order)
    teller.all_of("phantom", items.phantom, log.phantom, teller.phantom)
    teller.all_of("offset_mismatch", items.offset_mismatch, log.offset_mismatch, teller.offset_mismatch)
    return teller.told, teller.notes


class _Teller:
    """One method a kind: the item behind the figure in, the finding out."""

    def __init__(self, case: Case) -> None:
        self.told: list[Finding] = []
        self.notes: list[str] = []
        self._trail = case.trail
        self._chains = Chains(case.trail, None if case.evidence.wire is None else case.evidence.wire.zero)

    def tell(self, kind: FindingKind, items: Sequence[T], found: int, how: Callable[[T], Finding]) -> None:
        self.told.extend(map(how, items))
        if found > len(items):
            self.notes.append(f"{found} findings of kind {kind}: the first {len(items)} are listed.")

    def all_of(self, kind: FindingKind, listed: Listed[T], figure: int | None, how: Callable[[T], Finding]) -> None:
        if figure:
            self.tell(kind, listed.items, listed.found, how)

    def duplicate(self, found: Duplicate) -> Finding:
        name = self._chains.name(found.positions[0])
        return self._chains.finding("duplicate", name, found.positions, cause=found.cause)

    def deduplicated(self, saved: Saved) -> Finding:
        """Named by its record; where the batch holds several, by the first and the last."""
        start, stop = saved.row.position, saved.row.position + saved.row.records
        first, last = self._chains.name(start), self._chains.name(stop - 1)
        name = first if first == last else f"{first} to {last}"
        places = range(start, min(stop, start + PLACES))
        return self._chains.finding("deduplicated", name, places, also=saved.family)

    def lost(self, loss: Loss) -> Finding:
        """Stands nowhere, so it has no place; the chain holds the attempts that were answered with its offset, the one
        whose records stand there instead among them."""
        if loss.topic is None:
            return self._chains.finding("lost", _name_of(loss), also=self._answered(loss.partition, loss.offset))
        also = self._trail.answered(loss.topic, loss.partition or 0, loss.offset or 0)
        return self._chains.finding("lost", _name_of(loss), also=also)

    def unacked_present(self, found: Standing) -> Finding:
        return self._standing("unacked_present", found)

    def out_of_order(self, pair: tuple[int, int]) -> Finding:
        """The place is the record's own; the chain holds also the attempts of the one that overtook it."""
        record, before = pair
        also = self._chains.attempts(before)
        return self._chains.finding("out_of_order", self._chains.name(record), [record], also=also)

    def phantom(self, found: Phantom) -> Finding:
        """The chain holds also the attempts that were answered with the offset of the one in whose place it stands."""
        known = found.known
        also = [] if known is None else self._answered(known.partition, known.offset)
        return self._chains.finding("phantom", self._chains.name(found.position), [found.position], also=also)

    def offset_mismatch(self, found: Standing) -> Finding:
        """The places are where it stands; the chain holds also the attempts that were answered with the other one."""
        also = self._answered(found.send.partition, found.send.offset)
        return self._standing("offset_mismatch", found, also)

    def _standing(self, kind: FindingKind, found: Standing, also: Sequence[AttemptStory] = ()) -> Finding:
        name = f"{found.send.producer}/{found.send.record}"
        return self._chains.finding(kind, name, found.positions, also=also)

    def _answered(self, partition: int | None, offset: int | None) -> list[AttemptStory]:
        if partition is None or offset is None or offset < 0:
            return []
        return self._trail.answered_with(partition, offset)


def _name_of(loss: Loss) -> str:
    if loss.send is not None:
        return f"{loss.send.producer}/{loss.send.record}"
    last = (loss.offset or 0) + loss.count - 1
    where = f"offset {loss.offset}" if loss.count == 1 else f"offsets {loss.offset} to {last}"
    return f"{loss.topic}[{loss.partition}] {where}"


def deduplicated(case: Case) -> Iterator[Saved]:
    """The batches of idempotent attempts that a retry repeated, that the broker answered with the same offset again,
    and whose every record stands once."""
    if not case.tally.read:
        return
    families = {_batch(family): family for family in case.trail.families.repeated() if _answered_alike(family)}
    for (topic, partition, offset), family in sorted(families.items(), key=lambda item: item[0]):
        for row in case.trail.log.around(topic, partition, offset, offset):
            if row.base_offset == offset and _stands_once(row, case):
                yield Saved(family, row)


def _answered_alike(family: Sequence[AttemptStory]) -> bool:
    """The broker gave two attempts of one idempotent batch the same offset: it appended one of them.

    Another payload under the same sequence is answered alike, and lost; it is of another family.
    """
    answers = [story.base_offset for story in family if located(story) and story.attempt.producer_id >= 0]
    return len(answers) > len(set(answers))


def _batch(family: Sequence[AttemptStory]) -> tuple[str, int, int]:
    first = next(story for story in family if located(story))
    return first.attempt.topic, first.attempt.partition, base(first)


def _stands_once(row: Row, case: Case) -> bool:
    """All of the batch is the arm's own, and no other copy of the same send of any of its records stands anywhere."""
    own = row.ours == row.records if case.evidence.sends is not None else case.trail.passed(row)
    if not own or row.state not in case.trail.log.seen:
        return False
    marks = case.duplicates.marks
    return not marks or not any(mark & TWIN for mark in marks[row.position : row.position + row.records])
