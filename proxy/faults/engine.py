"""The fault engine: asks every rule about a frame, in order; the first that fires decides.

A rule is asked in this order: match, time window, count, nth / every / probability, times. A frame that an earlier
rule has decided is still counted by later ones. The counters live here, for the run and not for a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .chance import draw
from .counts import Counts
from .rule import Entry, Frame, Rule, Side
from .verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule said of one entry. `n` counts the rule's matches for this (client, topic, partition).

    `verdict` is `pass`, the fault's word where it fired, or `overruled` where an earlier rule had decided the frame.
    `hit` is False for a matching entry that the trigger did not name, although its frame fired.
    """

    rule: str
    entry: Entry
    n: int
    fired: bool
    hit: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on a frame, the rule that gave it, and the entries that the rule named."""

    rule: Rule
    verdict: Verdict
    hit: tuple[Entry, ...]


@dataclass(slots=True)
class _Counters:
    frames: int = 0
    fired: int = 0
    matches: Counts[tuple[str, str, int]] = field(default_factory=Counts)
    fired_in: Counts[tuple[str, int]] = field(default_factory=Counts)
    seen_in: Counts[tuple[str, int]] = field(default_factory=Counts)


class Engine:
    """All rules of one arm. `label` maps a topic's name to the one that chance and decisions go by."""

    def __init__(
        self, rules: Iterable[Rule], *, seed: int, arm: str, label: Callable[[str], str] = lambda topic: topic
    ) -> None:
        self.rules = tuple(rules)
        self._seed = seed
        self._arm = arm
        self._label = label
        self._counters = {rule.name: _Counters() for rule in self.rules}
        self._armed: dict[tuple[str, Side], list[Rule]] = {}
        for rule in self.rules:
            self._armed.setdefault((rule.api, rule.side), []).append(rule)

    def armed(self, api: str, side: Side) -> bool:
        """Whether any rule speaks of this API and side."""
        return (api, side) in self._armed

    def decide(self, frame: Frame, elapsed: float) -> tuple[Outcome | None, list[Decision]]:
        """Ask every rule about a frame, `elapsed` seconds after the arm's first produce request."""
        outcome: Outcome | None = None
        decisions: list[Decision] = []
        for rule in self._armed.get((frame.api, frame.side), ()):
            matching = rule.match.entries(frame)
            if not matching or not rule.when.open_at(elapsed):
                continue
            outcome = self._ask(rule, frame, matching, outcome, decisions)
        return outcome, decisions

    def _ask(
        self, rule: Rule, frame: Frame, matching: list[Entry], decided: Outcome | None, decisions: list[Decision]
    ) -> Outcome | None:
        counters = self._counters[rule.name]
        counters.frames += 1
        numbered = [(entry, self._number(counters, frame.client_id, entry)) for entry in matching]
        hit = [entry for entry, n in numbered if self._triggers(rule, counters, frame.client_id, entry, n)]
        wants = bool(hit) and self._within_times(rule, counters, hit)
        fires = wants and decided is None
        word = rule.fault.word if fires else "overruled" if wants else "pass"
        decisions.extend(
            Decision(rule.name, entry, n, fires, fires and entry in hit, word if entry in hit else "pass")
            for entry, n in numbered
        )
        if not fires:
            return decided
        counters.fired += 1
        for entry in hit:
            counters.fired_in.add((entry.topic, entry.partition))
        return Outcome(rule, rule.fault.verdict(self._jitter(rule, counters, frame, hit[0])), tuple(hit))

    def _number(self, counters: _Counters, client_id: str, entry: Entry) -> int:
        counters.seen_in.add((entry.topic, entry.partition))
        return counters.matches.add((client_id, entry.topic, entry.partition))

    def _triggers(self, rule: Rule, counters: _Counters, client_id: str, entry: Entry, n: int) -> bool:
        when = rule.when
        if when.probability is not None:
            chance = draw(self._seed, self._arm, rule.name, client_id, self._label(entry.topic), entry.partition, n)
            return chance < when.probability
        count = counters.frames if when.per == "run" else counters.seen_in[(entry.topic, entry.partition)]
        return when.counts(count)

    def _within_times(self, rule: Rule, counters: _Counters, hit: list[Entry]) -> bool:
        """Whether `times` is not used up; per partition, entries whose own limit is used up leave `hit`."""
        times = rule.when.times
        if times is None:
            return True
        if rule.when.per == "run":
            return counters.fired < times
        hit[:] = [entry for entry in hit if counters.fired_in[(entry.topic, entry.partition)] < times]
        return bool(hit)

    def _jitter(self, rule: Rule, counters: _Counters, frame: Frame, entry: Entry) -> float:
        n = counters.matches[(frame.client_id, entry.topic, entry.partition)]
        topic = self._label(entry.topic)
        return draw(self._seed, self._arm, rule.name, "jitter", frame.client_id, topic, entry.partition, n)
