"""A rule: one fault, what it applies to and when. Made from one entry of a scenario's `faults`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from .verdicts import Fault

Side = Literal["request", "response"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition's share of a produce frame, as a rule sees it. `tries` is 1 for a first attempt."""

    topic: str
    partition: int
    idempotent: bool
    tries: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The facts of one frame that rules are asked about."""

    api: str
    side: Side
    client_id: str
    connection: int
    correlation_id: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Which entries a rule applies to. Topics and client ids are shell globs, one of which must fit."""

    topic: tuple[str, ...] = ("*",)
    partition: tuple[int, ...] | None = None
    client_id: tuple[str, ...] = ("*",)
    idempotent: bool | None = None
    attempt: Literal["any", "first", "retry"] | int = "any"

    def entries(self, frame: Frame) -> list[Entry]:
        """The entries of the frame that fit."""
        if not _globs(self.client_id, frame.client_id):
            return []
        return [entry for entry in frame.entries if self._fits(entry)]

    def _fits(self, entry: Entry) -> bool:
        return (
            (self.partition is None or entry.partition in self.partition)
            and (self.idempotent is None or self.idempotent == entry.idempotent)
            and self._attempt_fits(entry.tries)
            and _globs(self.topic, entry.topic)
        )

    def _attempt_fits(self, tries: int) -> bool:
        if self.attempt == "any":
            return True
        if self.attempt == "retry":
            return tries > 1
        return tries == (1 if self.attempt == "first" else self.attempt)


@dataclass(frozen=True, slots=True)
class When:
    """When a matching frame fires. At most one of nth, first, every and probability is set; none means always.

    `after` and `until` are seconds since the arm's first produce request. `times` limits how often the rule fires.
    `per` says whether frames are counted for the whole run, or entries for each partition by itself.
    """

    nth: tuple[int, ...] = ()
    first: int | None = None
    every: int | None = None
    probability: float | None = None
    after: float | None = None
    until: float | None = None
    times: int | None = None
    per: Literal["run", "partition"] = "run"

    def open_at(self, elapsed: float) -> bool:
        """Whether the time window is open, `elapsed` seconds after the first produce request."""
        return (self.after is None or elapsed >= self.after) and (self.until is None or elapsed < self.until)

    def counts(self, count: int) -> bool:
        """Whether the `count`-th match (from 1) is one to fire on, probability aside."""
        if self.nth:
            return count in self.nth
        if self.first is not None:
            return count <= self.first
        if self.every is not None:
            return count % self.every == 0
        return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a scenario's `faults`. `api` is the API's Kafka name in snake case, such as `produce`."""

    name: str
    api: str
    side: Side
    match: Match
    when: When
    fault: Fault


def _globs(patterns: tuple[str, ...], text: str) -> bool:
    return any(pattern == "*" or fnmatchcase(text, pattern) for pattern in patterns)
