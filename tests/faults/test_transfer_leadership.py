"""`transfer_leadership` says who is to lead."""

from __future__ import annotations

from ackdrop.faults import TransferLeadership
from ackdrop.faults.verdicts import Act


def test_any_other_replica_may_lead_unless_told_otherwise() -> None:
    assert TransferLeadership().verdict(0.5) == Act("transfer_leadership", 0.0)


def test_it_passes_its_parameters_on() -> None:
    assert TransferLeadership(2, ("./move",)).verdict(0.5) == Act("transfer_leadership", 0.0, ("./move",), (), 2)
