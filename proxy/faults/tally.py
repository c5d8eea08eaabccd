"""What a rule has counted so far, and what it says of a count."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .counts import Cell, Counts, cell
from .rule import Entry, Frame, Rule

_RUN: tuple[()] = ()


@dataclass(slots=True)
class Tally:
    """The counters of one rule. `fired_at` is the number of the frame on which it first fired, None before.

    `matched` and `fired` count frames, connections and moments; `total` is the counter of `matched`. `untold` counts
    those frames among them that it let pass, and of which nobody was told yet.
    `first` and `last` are the times at which it fired first and last for its own count, and not because it lasts.
    """

    rule: Rule
    total: Cell[int] = field(default_factory=cell)
    untold: Cell[int] = field(default_factory=cell)
    fired: int = 0
    fired_at: int | None = None
    first: float | None = None
    last: float | None = None
    matches: Counts[tuple[str, str, int]] = field(default_factory=Counts)
    _seen: Counts[Hashable] = field(default_factory=Counts)
    _fired: Counts[Hashable] = field(default_factory=Counts)

    @property
    def matched(self) -> int:
        return self.total[0]

    def count(self, frame: Frame, entries: list[Entry]) -> None:
        """Count a frame: once for each of the things that the rule counts by."""
        self.total[0] += 1
        for key in dict.fromkeys(self.key(frame, entry) for entry in entries):
            self._seen.add(key)

    def cells(self, frame: Frame, entry: Entry) -> tuple[Cell[int], Cell[int]]:
        """The counters of frames like this one, and of what passes at its entry's place: see `count`, `matches`."""
        place = (frame.client_id, entry.topic, entry.partition)
        return self._seen.cell(self.key(frame, entry)), self.matches.cell(place)

    def triggers(self, frame: Frame, entry: Entry) -> bool:
        """Whether the present count is one to fire on, probability aside."""
        return self.rule.when.counts(self._seen[self.key(frame, entry)])

    def left(self, frame: Frame, entries: list[Entry]) -> list[Entry]:
        """The entries for which `times` is not used up."""
        times = self.rule.times
        if times is None:
            return entries
        return [entry for entry in entries if self._fired[self.key(frame, entry)] < times]

    def fire(self, number: int, frame: Frame, entries: list[Entry], now: float, *, anew: bool = True) -> None:
        """The rule fires on these entries of the frame of that number; not `anew` where it still lasts."""
        self.fired += 1
        if self.fired_at is None:
            self.fired_at, self.first = number, now
        if not anew:
            return
        self.last = now
        for key in dict.fromkeys(self.key(frame, entry) for entry in entries):
            self._fired.add(key)

    def key(self, frame: Frame, entry: Entry) -> Hashable:
        """What is counted by itself: see `When.per`."""
        match self.rule.when.per:
            case "partition":
                return entry.topic, entry.partition
            case "connection":
                return frame.connection
            case "producer":
                return frame.client_id, entry.producer_id
        return _RUN
