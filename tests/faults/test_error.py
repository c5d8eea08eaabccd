"""`error` names a code."""

from __future__ import annotations

from ackdrop.faults import FAULTS, Error
from ackdrop.faults.verdicts import Alter


def test_its_verdict_is_the_code() -> None:
    assert Error(7).verdict(0.9) == Alter(7)


def test_it_is_known_by_its_word() -> None:
    assert FAULTS["error"] is Error
