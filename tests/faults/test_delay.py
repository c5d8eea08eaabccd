"""`delay` with its jitter: even to both sides, and never early."""

from __future__ import annotations

import pytest

from ackdrop.faults import Delay
from ackdrop.faults.verdicts import Postpone


def test_without_jitter_chance_does_not_count() -> None:
    assert {Delay(2.0).verdict(chance) for chance in (0.0, 0.3, 0.999)} == {Postpone(2.0)}


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 1.5), (0.5, 2.0), (0.75, 2.25), (1.0, 2.5)])
def test_jitter_is_even_to_both_sides(chance: float, seconds: float) -> None:
    assert Delay(2.0, 0.5).verdict(chance) == Postpone(seconds)


def test_it_is_never_negative() -> None:
    assert Delay(1.0, 5.0).verdict(0.0) == Postpone(0.0)
