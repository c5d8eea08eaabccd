from __future__ import annotations

from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner

from ackdrop.cli.scenario import scenario
from ackdrop.errors import UsageError
from ackdrop.scenario import shipped


def test_list_prints_a_line_each_where_there_is_no_terminal() -> None:
    result = CliRunner().invoke(scenario, ["list"])
    lines = [line.split("\t") for line in result.output.splitlines()]
    assert [line[0] for line in lines] == [path.stem for path in shipped()]
    assert all(len(line) == 3 and line[2].endswith(".") for line in lines)


def test_list_prints_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        scenario.main(["list"])
    output = unstyle(capsys.readouterr().out)
    assert caught.value.code == 0
    assert "The ack is lost after the append" in output
    assert "\t" not in output
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_show_prints_the_file_as_it_is(path: Path) -> None:
    assert CliRunner().invoke(scenario, ["show", path.stem]).stdout_bytes == path.read_bytes()


def test_show_of_an_unknown_name_suggests_one() -> None:
    error = CliRunner().invoke(scenario, ["show", "lost-akc"]).exception
    assert isinstance(error, UsageError)
    assert "lost-ack" in (error.remedy or "")


def test_show_of_a_folder_asks_for_one() -> None:
    assert isinstance(CliRunner().invoke(scenario, ["show", str(shipped()[0].parent)]).exception, UsageError)


def test_validate_lists_what_is_valid() -> None:
    result = CliRunner().invoke(scenario, ["validate", "lost-ack", str(shipped()[0].parent)])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(shipped())
    assert "lost-ack.yaml: valid: The ack is lost after the append" in result.stdout


def test_validate_shows_the_errors_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nsed: 3\nseed: x\n")
    (tmp_path / "b.yaml").write_text("version: 1\n")
    (tmp_path / "c.yaml").write_text("versoin: 1\n")
    result = CliRunner().invoke(scenario, ["validate", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stdout == f"{tmp_path}/b.yaml: valid: b\n"
    assert f"{tmp_path}/a.yaml:2:1: unknown key 'sed'\n    sed: 3\n    ^\n    did you mean 'seed'?" in result.stderr
    assert f"{tmp_path}/c.yaml:1:1: unknown key 'versoin'" in result.stderr
    assert result.stderr.endswith("4 errors in 2 of 3 files\n")


def test_validate_needs_a_file() -> None:
    assert CliRunner().invoke(scenario, ["validate"]).exit_code == 2


@pytest.mark.parametrize("verb", ["list", "show", "validate"])
def test_help_has_an_example(verb: str) -> None:
    assert "Example:  ackdrop scenario " in CliRunner().invoke(scenario, [verb, "--help"]).output
