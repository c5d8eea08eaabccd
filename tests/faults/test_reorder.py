"""`reorder` has nothing to choose."""

from __future__ import annotations

from ackdrop.faults import Reorder
from ackdrop.faults.verdicts import Swap


def test_it_changes_places_with_the_next() -> None:
    assert Reorder().verdict(0.1) == Reorder().verdict(0.9) == Swap()
