"""The chain of a finding: the attempts that tell how it came about, in time, and the fault that touched them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..observations import AttemptStory, LogRecord
from ..result import AttemptLine, Cause, Finding, FindingKind, Place
from .attempts import line
from .trail import Trail


class Chains:
    """Makes the findings of one arm. `zero` is the clock at the arm's first produce request."""

    def __init__(self, trail: Trail, zero: float | None) -> None:
        self._trail = trail
        self._zero = zero
        self._dropped: defaultdict[int, list[AttemptStory]] = defaultdict(list)
        for story in trail.stories:
            if story.ack == "dropped" and story.faults:
                self._dropped[story.attempt.connection].append(story)

    def finding(
        self,
        kind: FindingKind,
        record: str,
        places: Sequence[LogRecord] = (),
        *,
        cause: Cause | None = None,
        also: Iterable[AttemptStory] = (),
    ) -> Finding:
        """A finding with the attempts that account for its places, `also`, and all that these repeat or that repeat
        them. `places` are where the record stands, none for one that is lost."""
        stories = self._chain(places, also)
        lines: list[AttemptLine] = [line(story, self._zero) for story in stories]
        stands = [Place(place.topic, place.partition, place.offset) for place in places]
        return Finding(kind, cause, record, stands, self._fault(stories), lines)

    def _chain(self, places: Iterable[LogRecord], also: Iterable[AttemptStory]) -> list[AttemptStory]:
        found: dict[int, AttemptStory] = {}
        direct = [story for place in places for story in self._trail.attempts(place)]
        for story in (*direct, *also):
            if story.attempt.number not in found:
                found.update((member.attempt.number, member) for member in self._trail.families.of(story))
        return sorted(found.values(), key=lambda story: (story.attempt.at, story.attempt.number))

    def _fault(self, stories: Iterable[AttemptStory]) -> str | None:
        """The first fault that fired on the chain, else the one that an answer of the chain was stuck behind."""
        stories = list(stories)
        named = next((story.faults[0] for story in stories if story.faults), None)
        if named is not None:
            return named
        return next(filter(None, (self._held_back_by(story) for story in stories if story.ack == "withheld")), None)

    def _held_back_by(self, story: AttemptStory) -> str | None:
        """A withheld answer is stuck behind a dropped one on its connection: the last that was dropped before it."""
        before = [s for s in self._dropped[story.attempt.connection] if s.attempt.number < story.attempt.number]
        return before[-1].faults[0] if before else None
