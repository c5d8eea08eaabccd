"""`duplicate` gives a verdict that says how many copies go where, and when."""

from __future__ import annotations

from ackdrop.faults import Duplicate
from ackdrop.faults.verdicts import Repeat


def test_it_is_one_copy_at_once_on_the_same_connection_unless_told_otherwise() -> None:
    assert Duplicate().verdict(0.5) == Repeat(1, "same", 0.0)


def test_it_passes_its_parameters_on() -> None:
    assert Duplicate(3, "new", 1.5).verdict(0.0) == Repeat(3, "new", 1.5)
