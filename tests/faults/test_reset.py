"""`reset` and how long it goes on."""

from __future__ import annotations

from ackdrop.faults import Reset
from ackdrop.faults.verdicts import End


def test_it_is_a_rst() -> None:
    assert Reset().verdict(0.5) == End("reset", None)


def test_it_passes_its_time_on() -> None:
    assert Reset(2.5).verdict(0.0) == End("reset", 2.5)
