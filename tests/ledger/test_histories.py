"""Random histories of an arm's wire, as the core would tell them: no figure changes by folding, by letting go, or by
how it is told."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits, stories
from ackdrop.observations import Acked, AckedRange, Answered, ArmWire, AttemptStory, Forwarded, Observation

from ..histories import condensed, requests, told

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Memory, where the system has it: hundreds of ledgers are made here."""
WINDOW = 12
"""So many attempts after an attempt nothing is said of it any more."""


def uneventful(story: AttemptStory) -> bool:
    """What may be folded, as far as the story alone can tell."""
    attempt = story.attempt
    answered = story.error == 0 and story.base_offset is not None and story.base_offset >= 0
    told = story.ack == "delivered" and story.seen_error == 0
    return answered and told and attempt.retry_of is None and not story.faults


def frame(story: AttemptStory) -> tuple[int, int, float]:
    """The produce request that the attempt is part of."""
    return story.attempt.connection, story.attempt.correlation_id, story.attempt.at


def offsets(story: AttemptStory) -> set[tuple[int, int]]:
    """Partition and offset of the attempt's records."""
    assert story.base_offset is not None
    return {(story.attempt.partition, story.base_offset + n) for n in range(story.attempt.records)}


def played(portions: list[list[Observation]], limits: Limits, *, by_another: bool = False) -> ArmWire:
    """What the ledger says. `by_another`: what it says to another process, while it is still being written."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder, Ledger.create(Path(folder), limits=limits) as ledger:
        arm = ledger.arm("off", False, ["lose", "look", "never"])
        for n, portion in enumerate(portions):
            arm.put(portion)
            if n % 4 == 0:
                ledger.flush()
        ledger.flush()
        return (Ledger.open(Path(folder)) if by_another else ledger).wire("off")


def figures(wire: ArmWire) -> list[object]:
    counts = [wire.connections, wire.produce_requests, wire.acks_dropped, wire.acks_withheld, wire.acks_delayed]
    return [wire.zero, wire.starts, wire.undecoded, wire.faults, *counts]


@settings(max_examples=40, deadline=None)
@given(st.lists(requests, min_size=8, max_size=40), st.booleans(), st.booleans())
def test_no_figure_changes_by_folding(attempt, history, in_one, by_another):
    """Only uneventful attempts are gone, and the ranges hold their offsets, every one and no other."""
    portions = told(history, attempt())
    few = Limits(attempts=WINDOW, decisions=WINDOW, connections=2)
    plain = played(portions, Limits())
    folded = played(condensed(portions) if in_one else portions, few, by_another=by_another)
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
@given(st.lists(requests, min_size=8, max_size=40), st.booleans())
def test_no_figure_changes_by_what_is_let_go(attempt, history, in_one):
    """A verdict from it would be wrong, so it is counted; the figures are right all the same."""
    portions = told(history, attempt())
    plain = played(portions, Limits())
    few = Limits(attempts=WINDOW, eventful=3, ranges=2, decisions=WINDOW, fired=2, connections=2)
    limited = played(condensed(portions) if in_one else portions, few)
    assert figures(limited) == figures(plain)
    told_of = len(limited.attempts) + sum(r.attempts for r in limited.ranges)
    assert len(plain.attempts) - told_of <= limited.let_go
    assert (limited.let_go == 0) <= (told_of == len(plain.attempts))


@settings(max_examples=60, deadline=None)
@given(st.lists(requests, min_size=1, max_size=40), st.integers(1, 12), st.booleans())
def test_it_is_the_same_whether_what_passed_is_told_in_one_or_one_by_one(attempt, history, together, by_another):
    portions = told(history, attempt(), together)
    assert played(condensed(portions), Limits(), by_another=by_another) == played(portions, Limits())


@settings(max_examples=40, deadline=None)
@given(st.lists(requests, min_size=1, max_size=40), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 8))
def test_no_figure_changes_by_telling_fewer_stories(attempt, history, in_one, by_another, full, most):
    """Of the older attempts only those come as a story of whom there is something to tell, whatever the file holds."""
    portions = told(history, attempt())
    plain = played(portions, Limits())
    limits = Limits(attempts=WINDOW, decisions=WINDOW, connections=2) if full else Limits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stories, "MOST", most)
        patch.setattr(stories, "STEP", 3)
        fewer = played(condensed(portions) if in_one else portions, limits, by_another=by_another)
    assert figures(fewer) == figures(plain)
    assert fewer.let_go == 0
    left = {story.attempt.number for story in fewer.attempts}
    gone = [story for story in plain.attempts if story.attempt.number not in left]
    assert [story for story in plain.attempts if story.attempt.number in left] == list(fewer.attempts)
    assert all(uneventful(story) for story in gone)
    cut = max(0, len(plain.attempts) - most)
    older = {frame(story) for story in plain.attempts[:cut]}
    assert {story.attempt.number for story in plain.attempts[cut:] if frame(story) not in older} <= left
    assert sum(r.attempts for r in fewer.ranges) == len(gone)
    held = {(r.partition, offset) for r in fewer.ranges for offset in range(r.first, r.last + 1)}
    assert held == set().union(*map(offsets, gone))


def test_older_attempts_without_a_story_come_as_a_range(attempt):
    number = 30
    portions = [
        [
            fresh := attempt(number=n, correlation_id=n, at=float(n)),
            Forwarded(fresh.at, n),
            Answered(fresh.at + 1, n, 0, n),
            Acked(fresh.at + 1, n, "delivered", 0),
        ]
        for n in range(number)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stories, "MOST", 4)
        wire = played(portions, Limits())
    assert [story.attempt.number for story in wire.attempts] == [26, 27, 28, 29]
    assert wire.ranges == (AckedRange("orders", 0, 0, 25, 26),)
    assert wire.produce_requests == number
