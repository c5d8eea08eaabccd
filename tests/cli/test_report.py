"""`ackdrop report merge`: its files, its exit code, and that the rest of `ackdrop report` is as it was."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ackdrop.cli import ackdrop
from ackdrop.errors import UsageError
from ackdrop.report import as_json
from ackdrop.report.finished import Finished
from ackdrop.result import EXIT_CODES, RunInfo, RunResult, ScenarioInfo, ShardInfo, Verdict


def call(*arguments: str) -> Result:
    return CliRunner().invoke(ackdrop, ["report", *arguments], standalone_mode=False, prog_name="ackdrop")


def result(name: str, verdict: Verdict = "passed", **changes: object) -> RunResult:
    info = RunInfo(name, "2026-11-23T06:12:09.123Z", 9.0, ["ackdrop", "run"], {})
    made = RunResult(ScenarioInfo(name, None, 7, None), None, verdict, [], EXIT_CODES[verdict], [], run=info)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`a.json` passed; `b.json` has one that is inconclusive and one that failed; `run/` passed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(as_json.text([Finished(result("a"), None)]))
    both = [Finished(result("b", "inconclusive"), None), Finished(result("c", "failed"), None)]
    (tmp_path / "b.json").write_text(as_json.text(both))
    (tmp_path / "run").mkdir()
    as_json.write(result("d"), tmp_path / "run" / "report.json")
    return tmp_path


def test_it_joins_files_and_folders(written: Path) -> None:
    done = call("merge", "a.json", "b.json", "run", "--json", "all.json", "--junit", "all.xml", "--html", "all.html")
    assert [each["scenario"]["title"] for each in json.loads((written / "all.json").read_text())] == list("abcd")
    assert done.return_value == 1
    assert done.stdout.endswith("\n4 results: 2 passed, 1 inconclusive, 1 failed\n")
    assert {path.name for path in written.glob("all.*")} == {"all.json", "all.xml", "all.html"}


def test_its_exit_code_is_the_worst_of_all(written: Path) -> None:
    assert call("merge", "a.json", "run", "--quiet").return_value == 0
    assert call("merge", "a.json", "b.json", "--quiet").return_value == 1


def test_a_missing_shard_does_not_pass(written: Path) -> None:
    shard = ShardInfo(1, 2, 1, 1, 2, "0123456789abcdef")
    (written / "s.json").write_text(as_json.text([Finished(result("s", shard=shard), None)]))
    done = call("merge", "s.json", "--markdown", "-")
    assert done.return_value == 3
    assert "Nothing of shard 2 of 2 is here" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.json", "a.json"], "a.json is named twice"),
        (["a.json", "nobody.json"], "nobody.json cannot be read"),
        (["run", "."], "the run d of d is twice in run"),
    ],
)
def test_wrong_usage(written: Path, arguments: list[str], said: str) -> None:
    done = call("merge", *arguments)
    assert isinstance(done.exception, UsageError)
    assert said in done.exception.message


def test_without_a_result_it_says_how(written: Path) -> None:
    done = call("merge")
    assert isinstance(done.exception, click.MissingParameter)
    assert done.exception.ctx is not None
    assert done.exception.ctx.command_path == "ackdrop report merge"


def test_its_help_has_an_example_and_fits() -> None:
    done = CliRunner().invoke(ackdrop, ["report", "merge", "--help"], prog_name="ackdrop", terminal_width=80)
    assert max(map(len, done.output.splitlines())) <= 80
    assert "ackdrop report merge shard-*.json" in done.output.split("Options:")[1]
    assert "ackdrop report merge" in call("--help").output


def test_a_folder_of_its_name_is_reached_with_its_path(written: Path) -> None:
    (written / "run").rename(written / "merge")
    assert call("./merge").return_value == 0
    assert call("./merge", "--json", "-").stdout == (written / "merge" / "report.json").read_text()
