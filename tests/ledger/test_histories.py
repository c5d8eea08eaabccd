"""Random histories of an arm's wire, as the core would tell them: no figure changes by folding, by letting go, or by
how it is told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import ArmWire, AttemptStory, Observation

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
