"""`throttle` is a rate, whatever chance says."""

from __future__ import annotations

from ackdrop.faults import FAULTS, Throttle
from ackdrop.faults.verdicts import Limit


def test_it_passes_its_rate_on() -> None:
    assert {Throttle(4096.0).verdict(chance) for chance in (0.0, 0.9)} == {Limit(4096.0)}


def test_it_is_known_by_its_word() -> None:
    assert FAULTS["throttle"] is Throttle
