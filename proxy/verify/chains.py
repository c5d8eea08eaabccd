"""The chain of a finding: the attempts that tell how it came about, in time, and the fault that touched them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..observations import AttemptStory
from ..result import AttemptLine, Cause, Finding, FindingKind, Place
from .attempts import line
from .trail import Trail

ATTEMPTS = 100
"""So many attempts are listed in a finding, the earliest of them."""


class Chains:
    """Makes the findings of one arm. `zero` is the clock at the arm's first produce request."""

    def __init__(self, trail: Trail, zero: float | None) -> None:
        self._trail, self._log = trail, trail.log
        self._zero = zero
        self._dropped: defaultdict[int, list[AttemptStory]] = defaultdict(list)
        for story in trail.stories:
            if story.ack == "dropped" and story.faults:
                self._dropped[story.attempt.connection].append(story)

    def finding(
        self,
        kind: FindingKind,
        record: str,
        places: Sequence[int] = (),
        *,
        cause: Cause | None = None,
        also: Iterable[AttemptStory] = (),
    ) -> Finding:
        """A finding with the attempts that account for its places, `also`, and all that these repeat or that repeat
        them. `places` are the positions where the record stands, none for one that is lost."""
        chain = self._chain(places, also)
        touched = [(story, self._fault(story)) for story in chain]
        lines: list[AttemptLine] = [line(story, self._zero, fault) for story, fault in touched[:ATTEMPTS]]
        return Finding(kind, cause, record, [self._place(at) for at in places], _first_fault(touched), lines)

    def name(self, position: int) -> str:
        """What the record at this position is called."""
        return self._log.record(position).identity

    def attempts(self, position: int) -> Sequence[AttemptStory]:
        """The attempts that account for the record at this position."""
        return self._trail.attempts(self._log.row_of(position))

    def _place(self, position: int) -> Place:
        row = self._log.row_of(position)
        return Place(row.topic, row.partition, self._log.offset(position))

    def _chain(self, places: Iterable[int], also: Iterable[AttemptStory]) -> list[AttemptStory]:
        found: dict[int, AttemptStory] = {}
        rows = {self._log.row_of(position).number: position for position in places}
        direct = [story for position in rows.values() for story in self.attempts(position)]
        for story in (*direct, *also):
            if story.attempt.number not in found:
                found.update((member.attempt.number, member) for member in self._trail.families.of(story))
        return sorted(found.values(), key=lambda story: (story.attempt.at, story.attempt.number))

    def _fault(self, story: AttemptStory) -> str | None:
        """The fault that fired on an attempt; where its answer was withheld, the one that it was stuck behind: that of
        the last answer which was dropped before it on its connection."""
        if story.faults:
            return story.faults[0]
        if story.ack != "withheld":
            return None
        dropped = self._dropped[story.attempt.connection]
        before = bisect_left(dropped, story.attempt.number, key=lambda other: other.attempt.number)
        return dropped[before - 1].faults[0] if before else None


def _first_fault(touched: Iterable[tuple[AttemptStory, str | None]]) -> str | None:
    """The first fault that fired on the chain itself, else the first that an answer of the chain was stuck behind."""
    touched = [(story, fault) for story, fault in touched if fault is not None]
    fired = (fault for story, fault in touched if story.faults)
    return next(fired, None) or next((fault for _, fault in touched), None)
