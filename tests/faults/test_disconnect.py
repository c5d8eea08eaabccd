"""`disconnect` and how long it goes on."""

from __future__ import annotations

from ackdrop.faults import Disconnect
from ackdrop.faults.verdicts import End


def test_it_is_a_fin() -> None:
    assert Disconnect().verdict(0.5) == End("fin", None)


def test_it_passes_its_time_on() -> None:
    assert Disconnect(2.5).verdict(0.0) == End("fin", 2.5)
