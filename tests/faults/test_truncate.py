"""`truncate` says how much arrives."""

from __future__ import annotations

from ackdrop.faults import FAULTS, Truncate
from ackdrop.faults.verdicts import Shorten


def test_it_passes_its_parameter_on() -> None:
    assert Truncate(20).verdict(0.5) == Shorten(20)


def test_it_is_known_by_its_word() -> None:
    assert FAULTS["truncate"] is Truncate
