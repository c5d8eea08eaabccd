"""A real run, then its recording through the rules again: the very same decisions."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ackdrop.environment import inherited
from ackdrop.experiment.simulate import simulate
from ackdrop.ledger import Ledger
from ackdrop.ledger.events import read_events
from ackdrop.observations import Decided
from ackdrop.scenario.load import load

pytestmark = pytest.mark.integration

SCENARIO = """\
version: 1
seed: 11
workload:
  records: 60
  rate: 200/s
  topic: {partitions: 3}
  config: {request_timeout: 2s, delivery_timeout: 20s, linger: 0s, batch_size: 1B}  # so there are 20 requests at least
control: none
faults:
  - {name: by chance, at: produce.response, when: {probability: 0.1, times: 2}, do: {error: {code: REQUEST_TIMED_OUT}}}
  - {name: each partition, at: produce.response, when: {nth: 2, per: partition}, do: {delay: {for: 50ms}}}
  - {name: metadata, at: metadata.response, when: {nth: 1}, do: {delay: {for: 20ms}}}
  - {name: behind it, at: produce.request, when: {following: by chance, first: 1}, do: {delay: {for: 10ms}}}
"""
OTHER = """\
version: 1
faults:
  - {name: the third, at: produce.request, when: {nth: 3}, do: {drop: {}}}
  - {name: ids, at: init_producer_id.response, do: {delay: {for: 1s}}}
"""


MANY = """\
version: 1
seed: 11
workload:
  records: 2500
  topic: {partitions: 1}
  config: {request_timeout: 2s, delivery_timeout: 20s, linger: 0s, batch_size: 1B}
control: none
faults:
  - {name: late, at: produce.response, when: {nth: 1600}, do: {delay: {for: 50ms}}}
  - {name: seldom, at: produce.request, when: {probability: 0.001, per: partition}, do: {delay: {for: 10ms}}}
"""
"""More requests than are told one by one."""


@pytest.fixture(scope="module")
def run(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of the scenario."""
    return _run(SCENARIO, embedded_broker, tmp_path_factory.mktemp("simulated"))


def _run(scenario: str, embedded_broker: str, home: Path) -> Path:
    (home / "mine.yaml").write_text(scenario)
    command = [sys.executable, "-m", "ackdrop", "run", "mine.yaml", "--bootstrap", embedded_broker, "--out", "runs"]
    environment = inherited("ACKDROP_")
    subprocess.run(command, cwd=home, env=environment, capture_output=True, timeout=100, check=False)
    (folder,) = (home / "runs").iterdir()
    return folder


def test_its_own_scenario_decides_as_it_did(run: Path) -> None:
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    decided = [event for event in events if event["event"] == "decided"]
    again: list[dict[str, Any]] = []

    def decide(arm: str, one: Decided) -> None:
        again.append({"event": "decided", "arm": arm, **dataclasses.asdict(one)})

    simulate(load(SCENARIO), run, decided=decide)
    assert len({event["fault"] for event in decided}) == 4
    assert again == decided


def test_another_scenario_shows_its_hits_and_what_is_not_there(run: Path) -> None:
    off, on = simulate(load(OTHER), run)
    assert [len(each.fired) for each in off.rules] == [1, 0]
    assert len(on.rules[0].fired) == 1
    assert on.rules[1].fired
    assert off.lacking == ("it has no init_producer_id.response: the run never came there, or was not recorded there",)
    assert on.lacking == ()


def test_attempts_that_are_told_in_one_are_asked_about_too(embedded_broker: str, tmp_path: Path) -> None:
    folder = _run(MANY, embedded_broker, tmp_path)
    events = list(read_events(folder))
    assert sum(event["frames"] for event in events if event["event"] == "passed") > 1_000
    fired: list[dict[str, Any]] = []

    def decide(arm: str, one: Decided) -> None:
        if one.fired:
            fired.append({"event": "decided", "arm": arm, **dataclasses.asdict(one)})

    arms = simulate(load(MANY), folder, decided=decide)
    assert fired == [event for event in events if event["event"] == "decided" and event["fired"]]
    ledger = Ledger.open(folder)
    for arm in arms:
        tallies = [(tally.name, tally.matched, tally.fired) for tally in ledger.wire(arm.arm).faults]
        assert [(each.rule.name, each.matched, len(each.fired)) for each in arm.rules] == tallies
        assert arm.lacking == ()
