"""`late` says what the request waits for."""

from __future__ import annotations

from ackdrop.faults import Late
from ackdrop.faults.verdicts import Detain


def test_it_waits_for_its_retry_unless_told_otherwise() -> None:
    assert Late().verdict(0.5) == Detain("retried", 0, 0.0)


def test_it_may_wait_for_newer_batches_or_for_a_time() -> None:
    assert Late("acked_batches", batches=6).verdict(0.5) == Detain("acked_batches", 6, 0.0)
    assert Late("time", seconds=2.5).verdict(0.5) == Detain("time", 0, 2.5)
