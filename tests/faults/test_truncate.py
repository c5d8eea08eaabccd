"""`truncate` says how much arrives."""

from __future__ import annotations

from ackdrop.faults import Truncate
from ackdrop.faults.verdicts import Shorten


def test_it_passes_its_parameter_on() -> None:
    assert Truncate(20).verdict(0.5) == Shorten(20)
