"""Random histories of an arm's wire, as the core would tell them: no figure changes by folding or by letting go."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import (
    Acked,
    Answered,
    ArmWire,
    Attempt,
    AttemptStory,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Forwarded,
    Observation,
    TopicSeen,
    Undecoded,
)

FATES = ("delivered",) * 8 + ("dropped", "withheld", "delayed", "none", "refused", "unanswered", "asked for none")
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Memory, where the system has it: hundreds of ledgers are made here."""
WINDOW = 12
"""So many attempts after an attempt nothing is said of it any more."""


@dataclass(frozen=True)
class Request:
    """A produce request that names so many partitions, and what becomes of it."""

    connection: int
    partitions: list[int]
    fate: str
    again: bool
    fired: str | None
    looked: bool
    late: bool
    skipped: int
    fresh: bool


requests = st.builds(
    Request,
    connection=st.integers(1, 3),
    partitions=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    fate=st.sampled_from(FATES),
    again=st.integers(0, 5).map(lambda n: n == 0),
    fired=st.sampled_from((None,) * 12 + ("lose", "not in the scenario")),
    looked=st.booleans(),
    late=st.booleans(),
    skipped=st.sampled_from((0,) * 9 + (1, 7)),
    fresh=st.integers(0, 9).map(lambda n: n == 0),
)


def told(history: list[Request], model: Attempt) -> list[list[Observation]]:
    """What is observed, in portions that go to the ledger together."""
    tale = _Tale(model)
    return [tale.request(request) for request in history] + [tale.rest]


class _Tale:
    def __init__(self, model: Attempt) -> None:
        self._model = model
        self._number = self._correlation = 0
        self._opened = 3
        self._links = {n: n for n in (1, 2, 3)}
        self._ends = {partition: 0 for partition in (0, 1, 2)}
        self._before: list[Attempt] = []
        self.rest: list[Observation] = []
        self._begin: list[Observation] = [ConnectionOpened(0.0, n, 0, "peer") for n in (1, 2, 3)]
        self._begin += [TopicSeen(0.0, "orders", partition, 0) for partition in (0, 1)]

    def request(self, request: Request) -> list[Observation]:
        facts, self._begin = self._begin, []
        if request.fresh:
            self._opened += 1
            old, self._links[request.connection] = self._links[request.connection], self._opened
            facts += (
                ConnectionClosed(self._at(), old, "client", "fin", ""),
                Undecoded(self._at(), old, "x", 1, "", True),
            )
            facts.append(ConnectionOpened(self._at(), self._opened, 0, "peer"))
        self._correlation += 1
        attempts = [self._attempt(request, partition) for partition in request.partitions]
        for attempt in attempts:
            facts += (attempt, Forwarded(attempt.at, attempt.number))
        facts += self.rest
        self.rest = self._decided(request, attempts) + self._answers(request, attempts)
        if not request.late:
            facts += self.rest
            self.rest = []
        self._before = attempts
        return facts

    def _at(self) -> float:
        return 100.0 + self._correlation

    def _attempt(self, request: Request, partition: int) -> Attempt:
        self._number += 1
        repeats = next((a for a in self._before if request.again and a.partition == partition), None)
        return dataclasses.replace(
            self._model,
            number=self._number,
            at=self._at(),
            connection=self._links[request.connection],
            correlation_id=self._correlation,
            partition=partition,
            acks=0 if request.fate == "asked for none" else -1,
            records=1 + self._number % 3,
            retry_of=None if repeats is None else repeats.number,
            tries=1 if repeats is None else repeats.tries + 1,
        )

    def _decided(self, request: Request, attempts: list[Attempt]) -> list[Observation]:
        rules = [(request.fired, True)] * (request.fired is not None) + [("look", False)] * request.looked
        return [
            Decided(a.at, rule, a.connection, a.correlation_id, a.client_id, a.topic, a.partition, 1, fired,
                    "drop" if fired else "pass", fired and i == 0, a.number)
            for rule, fired in rules
            for i, a in enumerate(attempts)
        ]  # fmt: skip

    def _answers(self, request: Request, attempts: list[Attempt]) -> list[Observation]:
        found: list[Observation] = []
        for attempt in attempts:
            if request.fate not in ("unanswered", "asked for none"):
                offset = self._ends[attempt.partition] + request.skipped
                self._ends[attempt.partition] = offset + attempt.records
                error = 6 if request.fate == "refused" else 0
                found.append(Answered(attempt.at + 1, attempt.number, error, -1 if error else offset))
            if request.fate == "refused":
                found.append(Acked(attempt.at + 1, attempt.number, "delivered", 6))
            elif request.fate != "unanswered":
                ack = "none" if request.fate == "asked for none" else request.fate
                seen = 0 if ack in ("delivered", "delayed") else None
                found.append(Acked(attempt.at + 1, attempt.number, ack, seen))  # type: ignore[arg-type]
        return found


def uneventful(story: AttemptStory) -> bool:
    """What may be folded, as far as the story alone can tell."""
    attempt = story.attempt
    answered = story.error == 0 and story.base_offset is not None and story.base_offset >= 0
    told = story.ack == "delivered" and story.seen_error == 0
    return answered and told and attempt.retry_of is None and not story.faults


def offsets(story: AttemptStory) -> set[tuple[int, int]]:
    """Partition and offset of the attempt's records."""
    assert story.base_offset is not None
    return {(story.attempt.partition, story.base_offset + n) for n in range(story.attempt.records)}


def played(model: Attempt, history: list[Request], limits: Limits) -> ArmWire:
    with tempfile.TemporaryDirectory(dir=FAST) as folder, Ledger.create(Path(folder), limits=limits) as ledger:
        arm = ledger.arm("off", False, ["lose", "look", "never"])
        for n, portion in enumerate(told(history, model)):
            arm.put(portion)
            if n % 4 == 0:
                ledger.flush()
        return ledger.wire("off")


def figures(wire: ArmWire) -> list[object]:
    counts = [wire.connections, wire.produce_requests, wire.acks_dropped, wire.acks_withheld, wire.acks_delayed]
    return [wire.zero, wire.starts, wire.undecoded, wire.faults, *counts]


@settings(max_examples=40, deadline=None)
@given(st.lists(requests, min_size=8, max_size=40))
def test_no_figure_changes_by_folding(attempt, history):
    """Only uneventful attempts are gone, and the ranges hold their offsets, every one and no other."""
    plain = played(attempt(), history, Limits())
    folded = played(attempt(), history, Limits(attempts=WINDOW, decisions=WINDOW, connections=2))
    assert figures(folded) == figures(plain)
    assert folded.let_go == 0
    left = {story.attempt.number: story for story in folded.attempts}
    gone = [story for story in plain.attempts if story.attempt.number not in left]
    assert [left[story.attempt.number] for story in plain.attempts if story.attempt.number in left] == list(
        folded.attempts
    )
    assert all(story == left.get(story.attempt.number, story) for story in plain.attempts)
    assert all(uneventful(story) for story in gone)
    assert sum(r.attempts for r in folded.ranges) == len(gone)
    held = {(r.partition, offset) for r in folded.ranges for offset in range(r.first, r.last + 1)}
    assert held == set().union(*map(offsets, gone))


@settings(max_examples=25, deadline=None)
@given(st.lists(requests, min_size=8, max_size=40))
def test_no_figure_changes_by_what_is_let_go(attempt, history):
    """A verdict from it would be wrong, so it is counted; the figures are right all the same."""
    plain = played(attempt(), history, Limits())
    limited = played(
        attempt(), history, Limits(attempts=WINDOW, eventful=3, ranges=2, decisions=WINDOW, fired=2, connections=2)
    )
    assert figures(limited) == figures(plain)
    told_of = len(limited.attempts) + sum(r.attempts for r in limited.ranges)
    assert len(plain.attempts) - told_of <= limited.let_go
    assert (limited.let_go == 0) <= (told_of == len(plain.attempts))
