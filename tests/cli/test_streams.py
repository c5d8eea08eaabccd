"""Standard output and standard error on a full disk, and readers who have gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ackdrop.report import as_json
from ackdrop.result import RunResult, ScenarioInfo

FULL = Path("/dev/full")
ACKDROP = [sys.executable, "-m", "ackdrop"]

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture
def run(tmp_path: Path) -> str:
    """The folder of a run that is over."""
    as_json.write(RunResult(ScenarioInfo("Mine", None, 7, None), None, "passed", [], 0, []), tmp_path / "report.json")
    return str(tmp_path)


@pytest.mark.parametrize("form", [[], ["--json", "-"]])
def test_a_report_that_cannot_be_written_is_an_error_of_the_surroundings(run: str, form: list[str]) -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [*ACKDROP, "report", run, *form], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 4
    first, second = ended.stderr.splitlines()
    assert first == "ackdrop: the report cannot be written: No space left on device"
    assert "ackdrop report RUN_DIR" in second


@pytest.mark.parametrize("form", [[], ["--json", "-"]])
def test_a_reader_who_has_gone_changes_nothing(run: str, form: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        ended = subprocess.run(
            [*ACKDROP, "report", run, *form], stdout=writes, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writes)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(("arguments", "code"), [(["report", "/nowhere"], 2), (["no-such-verb"], 2)])
def test_an_error_that_nobody_can_hear_has_its_exit_code(arguments: list[str], code: int) -> None:
    with FULL.open("w") as full:
        assert subprocess.run([*ACKDROP, *arguments], stderr=full, check=False).returncode == code
