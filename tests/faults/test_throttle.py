"""`throttle` is a rate, whatever chance says."""

from __future__ import annotations

from ackdrop.faults import Throttle
from ackdrop.faults.verdicts import Limit


def test_it_passes_its_rate_on() -> None:
    assert {Throttle(4096.0).verdict(chance) for chance in (0.0, 0.9)} == {Limit(4096.0)}
