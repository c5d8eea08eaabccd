"""`blackhole` lasts for a time, or until the client closes."""

from __future__ import annotations

import pytest

from ackdrop.faults import Blackhole
from ackdrop.faults.verdicts import Isolate


@pytest.mark.parametrize("seconds", [None, 2.5])
def test_it_passes_its_time_on(seconds: float | None) -> None:
    assert Blackhole(seconds).verdict(0.5) == Isolate(seconds)
