"""`error` names a code."""

from __future__ import annotations

from ackdrop.faults import Error
from ackdrop.faults.verdicts import Alter


def test_its_verdict_is_the_code() -> None:
    assert Error(7).verdict(0.9) == Alter(7)
