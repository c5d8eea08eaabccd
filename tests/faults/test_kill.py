"""`kill` says how long, and by which commands where ackdrop cannot do it."""

from __future__ import annotations

from ackdrop.faults import Kill
from ackdrop.faults.verdicts import Act


def test_it_passes_its_parameters_on() -> None:
    assert Kill(3.0).verdict(0.5) == Act("kill", 3.0)
    assert Kill(1.0, ("do", "it"), ("undo",)).verdict(0.5) == Act("kill", 1.0, ("do", "it"), ("undo",))
