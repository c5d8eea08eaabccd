"""`drop` gives a verdict that says how the connection goes on."""

from __future__ import annotations

import pytest

from ackdrop.faults import Drop
from ackdrop.faults.verdicts import Withhold


def test_it_holds_until_the_client_closes_unless_told_otherwise() -> None:
    assert Drop().verdict(0.5) == Withhold("hold", None)


@pytest.mark.parametrize("then", ["hold", "disconnect", "reset"])
def test_it_passes_its_parameters_on(then: str) -> None:
    assert Drop(then, 2.0).verdict(0.0) == Withhold(then, 2.0)  # type: ignore[arg-type]
