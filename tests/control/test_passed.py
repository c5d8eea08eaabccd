"""A snapshot tells the same of attempts by which nothing happened, however they were told."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.control.gathering import Gathering, Sources
from ackdrop.control.snapshot import Snapshot
from ackdrop.observations import Observation

from ..histories import condensed, requests, told


def taken(portions: list[list[Observation]]) -> tuple[Snapshot, object]:
    gathering = Gathering(Sources(clock=lambda: 1.0))
    for portion in portions:
        gathering.take(portion)
    totals = [gathering.totals(fault) for fault in ("lose", "look", "not in the scenario")]
    return gathering.snapshot(), (gathering.retries(1_000), totals)


@settings(deadline=None)
@given(st.lists(requests, min_size=1, max_size=40), st.integers(1, 12))
def test_it_is_the_same_whether_what_passed_is_told_in_one_or_one_by_one(attempt, history, together):
    portions = told(history, attempt(), together)
    plain, condensed_one = taken(portions), taken(condensed(portions))
    assert dataclasses.asdict(condensed_one[0]) == dataclasses.asdict(plain[0])
    assert condensed_one[1] == plain[1]
