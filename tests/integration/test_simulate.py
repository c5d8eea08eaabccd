"""A real run, then its recording through the rules again: the very same decisions."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ackdrop.experiment.simulate import simulate
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
  config: {request_timeout: 2s, delivery_timeout: 20s, linger: 5ms}
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


@pytest.fixture(scope="module")
def run(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of the scenario."""
    home = tmp_path_factory.mktemp("simulated")
    (home / "mine.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "ackdrop", "run", "mine.yaml", "--bootstrap", embedded_broker, "--out", "runs"]
    environment = {word: value for word, value in os.environ.items() if not word.startswith("ACKDROP_")}
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
