"""What `--format` tells a code host, and where."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ackdrop.cli.hosts import SUMMARY, Telling
from ackdrop.cli.options import Wanted
from ackdrop.cli.output import Output
from ackdrop.errors import SurroundingsError, UsageError
from ackdrop.report.finished import Finished
from ackdrop.result import Reason, RunResult, ScenarioInfo

RESULT = RunResult(
    scenario=ScenarioInfo("::add-mask::x", None, 7, None),
    broker=None,
    verdict="error",
    reasons=[Reason("no-broker", None, "nobody")],
    exit_code=4,
    arms=[],
)
ERROR = "::error title=ERROR %3A%3Aadd-mask%3A%3Ax%3A no-broker::nobody\n"
RUNS = [Finished(RESULT, None)]

Read = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of GitHub's summary, with what an earlier command of the step has written."""
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv(SUMMARY, str(file))
    monkeypatch.chdir(tmp_path)
    return file


def test_annotations_below_the_table_that_holds_none_itself(capsys: Read) -> None:
    output = Output(Wanted(telling=Telling("github", "-")))
    output.show(RUNS[0])
    output.write(RUNS)
    said = capsys.readouterr().out
    assert said.startswith("\\::add-mask::x")
    assert [line for line in said.splitlines() if line.startswith("::")] == [ERROR.rstrip()]
    assert said.endswith(ERROR)


def test_the_summary_is_added_to_what_is_there(summary: Path) -> None:
    Output(Wanted(telling=Telling("github", "-"))).write(RUNS)
    assert summary.read_text().startswith("before\n## ✗ ERROR: ")


def test_no_summary_outside_of_github(summary: Path, monkeypatch: pytest.MonkeyPatch, capsys: Read) -> None:
    monkeypatch.delenv(SUMMARY)
    Output(Wanted(telling=Telling("github", "-"))).write(RUNS)
    assert capsys.readouterr().out == ERROR
    assert summary.read_text() == "before\n"


def test_annotations_beside_json_on_standard_output(capsys: Read) -> None:
    Output(Wanted(files={"json": "-"}, telling=Telling("github", "-"))).write(RUNS)
    captured = capsys.readouterr()
    assert json.loads(captured.out)["verdict"] == "error"
    assert captured.err == ERROR


def test_annotations_leave_a_programs_output_alone(capsys: Read) -> None:
    Output(Wanted(telling=Telling("github", "-")), aside=True).write(RUNS)
    assert capsys.readouterr() == ("", ERROR)


def test_annotations_into_a_file(capsys: Read) -> None:
    Output(Wanted(quiet=True, telling=Telling("github", "notes.txt"))).write(RUNS)
    assert (Path("notes.txt").read_text(), capsys.readouterr().out) == (ERROR, "")


def test_code_quality_into_its_file_and_the_table_as_ever(summary: Path, capsys: Read) -> None:
    output = Output(Wanted(telling=Telling("gitlab", "gl-code-quality-report.json")))
    output.show(RUNS[0])
    output.write(RUNS)
    (issue,) = json.loads(Path("gl-code-quality-report.json").read_text())
    assert issue["check_name"] == "ackdrop/no-broker"
    assert capsys.readouterr().out.startswith("::add-mask::x")
    assert summary.read_text() == "before\n"


def test_only_one_thing_has_standard_output() -> None:
    with pytest.raises(UsageError, match="--json and --format gitlab both ask for standard output"):
        Output(Wanted(files={"json": "-"}, telling=Telling("gitlab", "-")))


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_run() -> None:
    with pytest.raises(UsageError, match="cannot write"):
        Output(Wanted(telling=Telling("gitlab", "/dev/null/x.json")))


def test_a_summary_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SUMMARY, str(tmp_path))
    with pytest.raises(SurroundingsError, match="cannot write the summary"):
        Output(Wanted(telling=Telling("github", "-"))).write([Finished(dataclasses.replace(RESULT), None)])


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ackdrop", *arguments], capture_output=True, text=True, timeout=60)


def test_a_scenario_that_is_not_valid_is_told_at_its_lines(summary: Path) -> None:
    Path("wrong.yaml").write_text("version: 1\nsed: 7\n")
    done = command("run", "wrong.yaml", "--format", "github")
    assert done.returncode == 2
    assert "\n::error file=wrong.yaml,line=2,col=1::unknown key 'sed'" in f"\n{done.stderr}"
    assert "ackdrop could not run (exit code 2)" in summary.read_text()
    assert command("run", "wrong.yaml", "--format", "gitlab").returncode == 2
    (issue,) = json.loads(Path("gl-code-quality-report.json").read_text())
    assert issue["location"] == {"path": "wrong.yaml", "lines": {"begin": 2}}


def test_another_host_is_a_usage_error() -> None:
    done = command("report", "--format", "bitbucket")
    assert done.returncode == 2
    assert "'bitbucket' is neither github nor gitlab" in done.stderr
