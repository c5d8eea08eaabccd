"""`pause` says how long, and by which commands where ackdrop cannot do it."""

from __future__ import annotations

from ackdrop.faults import Pause
from ackdrop.faults.verdicts import Act


def test_it_passes_its_parameters_on() -> None:
    assert Pause(3.0).verdict(0.5) == Act("pause", 3.0)
    assert Pause(1.0, ("do", "it"), ("undo",)).verdict(0.5) == Act("pause", 1.0, ("do", "it"), ("undo",))
