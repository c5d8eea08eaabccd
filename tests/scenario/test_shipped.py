"""What every shipped scenario must be: readable, quick, and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import load
from ackdrop.scenario.vocabulary import PRODUCERS


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_a_shipped_scenario_teaches(path: Path) -> None:
    scenario = load(path)
    assert scenario.title != scenario.name
    for part in ("off:", "on:", "What people believe wrongly:", "Clients:", *PRODUCERS):
        assert part in scenario.description
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_a_shipped_scenario_runs_in_seconds(path: Path) -> None:
    workload = load(path).workload
    config = workload.config
    assert workload.records / (workload.rate or 1000.0) <= 3
    assert config.request_timeout is not None
    assert config.request_timeout <= 3
    assert config.delivery_timeout is not None
    assert config.request_timeout + (config.linger or 0.0) <= config.delivery_timeout < workload.deadline


def test_what_the_client_gives_up_has_no_time_for_a_retry() -> None:
    """So that the application's second send is the only one after the lost ack."""
    workload = next(load(path) for path in shipped() if path.stem == "given-up").workload
    assert workload.config.request_timeout == workload.config.delivery_timeout == 3.0
    assert (workload.resend_failed, workload.pipelined) == (1, False)


def test_the_resend_scenario_has_no_fault_and_no_control() -> None:
    scenario = next(load(path) for path in shipped() if path.stem == "application-resend")
    assert (scenario.rules, scenario.control, scenario.workload.sends) == ((), False, 3)
    assert all("duplicates 2" in [line.text for line in lines] for lines in scenario.expect.values())
