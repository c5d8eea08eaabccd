"""What the rules will say of produce requests that are all alike: for as long as none of them fires, they count.

Whether a rule fires follows from its counters, the clock, and what other rules have done. So of a flow of requests that
differ in nothing but the sizes and numbers of their records it can be told beforehand which rules have to count them,
and up to which count nothing happens. Whoever counts so need not ask (`Engine.decide`) before that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from .chance import Chance
from .rule import Frame, Match, When
from .spans import Span
from .tally import Tally

NEVER = 1 << 62
_ANY = Span()


class Gate:
    """What one rule counts of such requests, or of their answers: those whose batch has so many `records` and bytes
    (`size`). It lets pass as long as the count in `trigger` stays below what `look` has said.

    All of `counted` have to be counted in: see `Tally`.
    """

    def __init__(self, tally: Tally, frame: Frame, chance: Chance) -> None:
        self._tally, self._frame, self._chance = tally, frame, chance
        (entry,) = frame.entries
        seen, matches = tally.cells(frame, entry)
        match = tally.rule.match
        self.records, self.size = match.records or _ANY, match.size or _ANY
        self.counted = (tally.total, tally.untold, seen, matches)
        self.trigger = seen if tally.rule.when.probability is None else matches

    def look(self) -> int:
        """The count, beyond the present one, that may be the next to fire on: all before it pass."""
        count = self.trigger[0]
        when = self._tally.rule.when
        if not self._tally.left(self._frame, list(self._frame.entries)):
            return NEVER
        if when.probability is None:
            return _next(when, count)
        return self._chance.next_hit(when.probability, count + 1)


def _next(when: When, count: int) -> int:
    """The first count beyond this one on which it fires."""
    if when.nth:
        return min((nth for nth in when.nth if nth > count), default=NEVER)
    if when.first is not None:
        return count + 1 if count < when.first else NEVER
    return count + 1 if when.every is None else count + when.every - count % when.every


@dataclass(slots=True)
class Foresight:
    """What was told beforehand. It holds up to `until`, in seconds on the clock that was asked with, and as long as
    nothing `changes` in the engine."""

    until: float = inf
    requests: list[Gate] = field(default_factory=list)
    answers: list[Gate] = field(default_factory=list)

    def up_to(self, time: float) -> None:
        """Something is different from then on."""
        self.until = min(self.until, time)


def alike(match: Match, frame: Frame) -> bool:
    """Whether it fits this frame, or one that differs in the size and the records of its batch."""
    return bool(replace(match, records=None, size=None).entries(frame))
