"""`reorder` has nothing to choose."""

from __future__ import annotations

from ackdrop.faults import FAULTS, Reorder
from ackdrop.faults.verdicts import Swap


def test_it_changes_places_with_the_next() -> None:
    assert Reorder().verdict(0.1) == Reorder().verdict(0.9) == Swap()


def test_it_is_known_by_its_word() -> None:
    assert FAULTS["reorder"] is Reorder
