"""`latency` hands on its chance: every chunk of bytes draws from it for itself."""

from __future__ import annotations

import pytest

from ackdrop.faults import Latency
from ackdrop.faults.verdicts import Lag


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_it_passes_its_parameters_and_its_chance_on(chance: float) -> None:
    assert Latency(0.1, 0.05).verdict(chance) == Lag(0.1, 0.05, chance)


def test_without_jitter_there_is_none() -> None:
    assert Latency(0.1).verdict(0.5) == Lag(0.1, 0.0, 0.5)
