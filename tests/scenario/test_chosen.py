"""What a program may name a scenario and faults by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ackdrop.errors import ScenarioError, UsageError
from ackdrop.scenario.added import added
from ackdrop.scenario.chosen import chosen, faults_text

FAULT: dict[str, Any] = {"name": "löse it", "at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}}
TEXT = "version: 1\nfaults:\n  - {name: löse it, at: produce.response, when: {nth: 3}, do: {drop: {}}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return path


def test_a_scenario_by_all_its_names(file: Path) -> None:
    for source in (file, str(file), TEXT, "{version: 1, faults: []}", {"version": 1, "faults": [FAULT]}, "lost-ack"):
        scenario, warnings = chosen(source)
        assert scenario.rules or source == "{version: 1, faults: []}"
        assert warnings == []


def test_faults_by_all_their_names(file: Path) -> None:
    scenario = {"version": 1, "faults": [FAULT]}
    for source in (file, str(file), TEXT, FAULT, [FAULT], scenario, "{at: connection, do: {reset: {}}}", "lost-ack"):
        assert len(added(faults_text(source), []).rules) == 1  # type: ignore[arg-type]


def test_a_matrix_is_several() -> None:
    with pytest.raises(UsageError, match="it holds 2 scenarios"):
        chosen({"version": 1, "matrix": {"workload.records": [1, 2]}})


def test_what_is_no_scenario_has_its_errors_by_place() -> None:
    with pytest.raises(ScenarioError, match=r"scenario:1:16: unknown key 'fault'"):
        chosen({"version": 1, "fault": []})


def test_values_that_no_text_can_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot stand in a scenario"):
        faults_text({**FAULT, "name": object()})


def test_a_folder_of_several_files_is_no_fault(tmp_path: Path, file: Path) -> None:
    (tmp_path / "other.yaml").write_text(TEXT)
    with pytest.raises(UsageError, match="holds 2 files"):
        faults_text(tmp_path)
