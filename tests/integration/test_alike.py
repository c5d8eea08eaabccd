"""With one seed, chance falls alike in every run: twenty of them, before the real broker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ackdrop.environment import inherited
from ackdrop.ledger.events import read_events

pytestmark = pytest.mark.integration

RUNS = 20
RECORDS = 12
SCENARIO = """\
version: 1
title: By chance
seed: 11
control: none
workload:
  records: 12
  pipelined: false
  config: {request_timeout: 5s, delivery_timeout: 20s, retry_backoff: 10ms}
arms:
  - {name: "off", idempotence: false}
faults:
  - name: by chance
    at: produce.response
    match: {attempt: first}
    when: {probability: 0.4}
    do: {error: {code: REQUEST_TIMED_OUT}}
"""
OF_THE_MOMENT = {"at", "connection", "correlation_id", "attempt"}
"""What differs between two runs though they decide alike."""


def decisions(run: Path) -> list[dict[str, object]]:
    decided = [event for event in read_events(run) if event["event"] == "decided"]
    return [{key: value for key, value in event.items() if key not in OF_THE_MOMENT} for event in decided]


def test_twenty_runs_with_one_seed_decide_alike(embedded_broker: str, tmp_path: Path) -> None:
    (tmp_path / "chance.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "ackdrop", "run", "chance.yaml", "--bootstrap", embedded_broker]
    command += ["--repeat", str(RUNS), "--out", "runs", "--quiet"]
    environment = inherited("ACKDROP_")
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [decisions(file.parent) for file in sorted((tmp_path / "runs").rglob("events.jsonl"))]
    assert len(runs) == RUNS
    assert len(runs[0]) == RECORDS
    assert 0 < sum(bool(event["fired"]) for event in runs[0]) < RECORDS
    assert all(run == runs[0] for run in runs)
