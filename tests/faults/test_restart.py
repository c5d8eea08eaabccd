"""`restart` says how long, and by which commands where ackdrop cannot do it."""

from __future__ import annotations

from ackdrop.faults import Restart
from ackdrop.faults.verdicts import Act


def test_it_passes_its_parameters_on() -> None:
    assert Restart(3.0).verdict(0.5) == Act("restart", 3.0)
    assert Restart(1.0, ("do", "it"), ("undo",)).verdict(0.5) == Act("restart", 1.0, ("do", "it"), ("undo",))
