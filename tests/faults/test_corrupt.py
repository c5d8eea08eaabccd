"""`corrupt` says what is changed, and hands its draw on, which chooses the places."""

from __future__ import annotations

from ackdrop.faults import Corrupt
from ackdrop.faults.verdicts import Garble


def test_it_is_one_byte_unless_told_otherwise() -> None:
    assert Corrupt("body").verdict(0.25) == Garble("body", 1, 0.25)


def test_every_firing_has_a_draw_of_its_own() -> None:
    assert Corrupt("length", 4).verdict(0.75) == Garble("length", 4, 0.75)
    assert Corrupt("crc").verdict(0.1) != Corrupt("crc").verdict(0.2)
