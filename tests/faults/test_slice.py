"""`slice` says how small the pieces are, and how far apart."""

from __future__ import annotations

from ackdrop.faults import Slice
from ackdrop.faults.verdicts import Slices


def test_it_passes_its_parameters_on() -> None:
    assert Slice(16, 0.001).verdict(0.5) == Slices(16, 0.001)


def test_without_a_pause_the_pieces_follow_at_once() -> None:
    assert Slice(16).verdict(0.5) == Slices(16, 0.0)
