"""What a run's folder says of it, from its beginning to its end."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
from pathlib import Path

import pytest

from ackdrop.errors import SurroundingsError
from ackdrop.experiment.record import Record, versions
from ackdrop.experiment.reserve import SIZE
from ackdrop.result import Reason, RunResult, ScenarioInfo

RESULT = RunResult(ScenarioInfo("Mine", None, 7, None), None, "passed", [], 0, [], notes=["A note."])
COMMAND = ("ackdrop", "run", "mine.yaml")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path, COMMAND, "r1")


def test_a_run_that_goes_on_is_one_that_did_not_come_to_its_end(record: Record) -> None:
    record.going_on(RESULT)
    report = json.loads((record.folder / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("interrupted", 130)
    assert [reason["code"] for reason in report["reasons"]] == ["unfinished"]
    assert (report["run"]["id"], report["run"]["command"], report["run"]["seconds"]) == ("r1", list(COMMAND), None)


def test_what_was_seen_stands_behind_it(record: Record) -> None:
    codes = ("interrupted", "expectation-failed", "arm-not-run")
    reasons = [Reason(code, None, code) for code in codes]
    record.going_on(RunResult(RESULT.scenario, None, "failed", reasons, 1, []))
    report = json.loads((record.folder / "report.json").read_text())
    assert [reason["code"] for reason in report["reasons"]] == ["unfinished", "expectation-failed"]


def test_the_end_is_written_in_every_format_that_is_kept(record: Record) -> None:
    record.going_on(RESULT)
    record.scenario(b"version: 1\n")
    finished = record.finished(RESULT)
    report = json.loads((record.folder / "report.json").read_text())
    assert report == finished.result.to_json()
    assert (report["verdict"], report["reasons"], report["notes"]) == ("passed", [], ["A note."])
    assert report["run"]["started"].endswith("Z")
    assert report["run"]["seconds"] >= 0
    assert report["run"]["versions"] == versions()
    assert "A note." in (record.folder / "report.html").read_text(encoding="utf-8")
    assert (record.folder / "scenario.yaml").read_bytes() == b"version: 1\n"
    assert finished.folder == record.folder


def test_a_folder_that_is_gone_is_told(record: Record, tmp_path: Path) -> None:
    lost = Record(tmp_path / "gone", COMMAND)
    with pytest.raises(SurroundingsError, match="could not be written"):
        lost.scenario(b"")
    with pytest.raises(SurroundingsError, match="could not be written"):
        lost.going_on(RESULT)


def test_a_result_that_cannot_be_written_is_told_and_is_no_success(record: Record) -> None:
    """What was seen is still there to be shown."""
    record.going_on(RESULT)
    shutil.rmtree(record.folder)
    record.going_on(RESULT)  # later on that ends nothing
    result = record.finished(RESULT).result
    assert (result.verdict, result.exit_code, result.reasons[0].code) == ("error", 4, "environment")
    assert "report.json could not be written" in result.reasons[0].text
    assert "report.html could not be written" in result.notes[-1]
    assert result.scenario == RESULT.scenario


def test_a_page_that_cannot_be_written_is_a_note(record: Record) -> None:
    (record.folder / "report.html").mkdir()
    result = record.finished(RESULT).result
    assert (result.verdict, result.exit_code) == ("passed", 0)
    assert "report.html could not be written" in result.notes[-1]
    assert json.loads((record.folder / "report.json").read_text())["verdict"] == "passed"


def test_room_for_the_report_is_kept_from_the_beginning_and_given_back(tmp_path: Path) -> None:
    """The blocks of a file that has no name any more are taken from the disk all the same."""
    before = descriptors(tmp_path)
    record = Record(tmp_path, COMMAND)
    (kept,) = descriptors(tmp_path) - before
    assert os.fstat(kept).st_size == SIZE
    assert os.fstat(kept).st_blocks * 512 >= SIZE
    assert list(tmp_path.iterdir()) == []
    record.finished(RESULT)
    assert descriptors(tmp_path) == before


def test_nothing_is_kept_of_a_run_that_is_given_up(tmp_path: Path) -> None:
    before = descriptors(tmp_path)
    record = Record(tmp_path, COMMAND)
    assert descriptors(tmp_path) != before
    del record
    gc.collect()
    assert descriptors(tmp_path) == before


def descriptors(folder: Path) -> set[int]:
    """Those of our own files in the folder."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith(str(folder)):
                found.add(int(name))
    return found
