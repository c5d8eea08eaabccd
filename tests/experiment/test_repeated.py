"""A scenario that is run several times, without a broker: each run ends in an error of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from trio.testing import MockClock

from ackdrop.broker.running import RunningBroker
from ackdrop.experiment import session
from ackdrop.experiment.session import BrokerChoice, run_scenarios
from ackdrop.experiment.settings import RunSettings
from ackdrop.scenario.models import Scenario

Make = Callable[[str], Scenario]


async def nowhere(*_: object) -> RunningBroker:
    return RunningBroker("127.0.0.1:1", "given")


async def test_an_error_ends_the_repetition_and_is_reported(
    make_scenario: Make,
    settings: RunSettings,
    person: Any,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    told = person.told()
    settings = dataclasses.replace(settings, repeat=3, command=("ackdrop", "run", "--repeat", "3"))
    scenario = make_scenario("a")
    assert await run_scenarios([scenario], BrokerChoice(), settings, told) == 4
    (folder,) = settings.out.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["1", "report.html", "report.json", "scenario.yaml"]
    report = json.loads((folder / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("error", 4)
    assert report["run"]["command"] == ["ackdrop", "run", "--repeat", "3", scenario.file]
    assert json.loads((folder / "1" / "report.json").read_text())["verdict"] == "error"
    assert [finished.result.verdict for finished in person.shown] == ["error"]


async def test_the_scenario_says_how_often_and_the_command_line_wins(
    make_scenario: Make, settings: RunSettings, person: Any, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    twice = dataclasses.replace(make_scenario("a"), repeat=2)
    await run_scenarios([twice], BrokerChoice(), settings, person.told())
    assert any("run 1 of 2" in line for line in person.said)
    person.said.clear()
    await run_scenarios([twice], BrokerChoice(), dataclasses.replace(settings, repeat=1), person.told())
    assert not any("run 1 of" in line for line in person.said)
