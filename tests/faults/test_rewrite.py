"""`rewrite` says which fields change."""

from __future__ import annotations

from ackdrop.faults import Rewrite
from ackdrop.faults.verdicts import Patch


def test_what_is_not_named_stays() -> None:
    assert Rewrite(acks=0).verdict(0.5) == Patch(None, 0)
    assert Rewrite(timeout_ms=1).verdict(0.5) == Patch(1, None)
    assert Rewrite(30_000, -1).verdict(0.5) == Patch(30_000, -1)
