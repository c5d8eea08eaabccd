"""`refuse` and how long it goes on."""

from __future__ import annotations

import pytest

from ackdrop.faults import RefuseConnection
from ackdrop.faults.verdicts import Refuse


@pytest.mark.parametrize("seconds", [None, 2.5])
def test_it_passes_its_time_on(seconds: float | None) -> None:
    assert RefuseConnection(seconds).verdict(0.5) == Refuse(seconds)
