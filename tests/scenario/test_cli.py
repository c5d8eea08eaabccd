from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner

from ackdrop.cli.scenario import scenario
from ackdrop.errors import ScenarioError, UsageError
from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import load
from ackdrop.scenario.schema import built


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
    assert result.stderr.endswith("3 errors in 2 of 3 files\n")


def test_validate_needs_a_file() -> None:
    assert CliRunner().invoke(scenario, ["validate"]).exit_code == 2


WARNED = """\
version: 1
faults:
  - {at: produce.response, match: {topic: "a,b:%"}, do: {drop: {}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "warned.yaml").write_text(WARNED)
    (tmp_path / "wrong, %.yaml").write_text("version: 1\nsed: 3\n")
    arms = "arms: [{name: a, idempotence: false}]\n"
    (tmp_path / "m.yaml").write_text(f"version: 1\ntitle: M (a)\n{arms}matrix: {{acks: [all, 1]}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_warnings_do_not_make_a_file_invalid_unless_they_shall(folder: Path) -> None:
    result = CliRunner().invoke(scenario, ["validate", "warned.yaml"])
    assert (result.exit_code, result.stdout) == (0, "warned.yaml: valid: warned\n")
    assert "warned.yaml:3:43: warning: faults[0].match.topic: no topic of a run fits" in result.stderr
    assert result.stderr.endswith("1 warning in 1 of 1 file\n")
    strict = CliRunner().invoke(scenario, ["validate", "--strict", "warned.yaml"])
    assert (strict.exit_code, strict.stdout, strict.stderr) == (2, "", result.stderr)


def test_validate_takes_values_and_counts_combinations(folder: Path) -> None:
    result = CliRunner().invoke(scenario, ["validate", "m.yaml", "--set", "seed=3"])
    assert (result.exit_code, result.output) == (0, "m.yaml: valid: M (a) (2 combinations)\n")
    wrong = CliRunner().invoke(scenario, ["validate", "m.yaml", "--set", "sed=3"])
    assert (wrong.exit_code, wrong.stderr.split("\n")[0]) == (2, "--set sed: no variable 'sed'")


def test_validate_for_programs(folder: Path) -> None:
    result = CliRunner().invoke(scenario, ["validate", "--format", "json", "."])
    first, second = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (2, "")
    hint = 'leave it out, or "*"'
    text = "faults[0].match.topic: no topic of a run fits: ackdrop run calls it ackdrop-warned-off-…"
    assert first == {
        **{"file": "warned.yaml", "line": 3, "column": 43, "severity": "warning"},
        **{"text": text, "hint": hint, "code": "never-fires"},
    }
    assert list(second) == ["file", "line", "column", "severity", "text", "hint", "code"]
    assert (second["file"], second["severity"], second["code"]) == ("wrong, %.yaml", "error", "unknown-key")
    fine = CliRunner().invoke(scenario, ["validate", "--format", "json", "lost-ack"])
    assert (fine.exit_code, json.loads(fine.stdout)) == (0, [])


def test_validate_for_github(folder: Path) -> None:
    result = CliRunner().invoke(scenario, ["validate", "--format", "github", "."])
    first, second = result.stdout.splitlines()
    assert first.startswith("::warning file=warned.yaml,line=3,col=43::faults[0].match.topic: no topic of a run fits: ")
    assert first.endswith('%0Aleave it out, or "*"')
    assert second.startswith("::error file=wrong%2C %25.yaml,line=2,col=1::unknown key 'sed'%0Adid you mean 'seed'?")
    assert result.exit_code == 2
    assert CliRunner().invoke(scenario, ["validate", "--format", "github", "lost-ack"]).stdout == ""


def test_a_file_that_cannot_be_read_has_no_line(folder: Path) -> None:
    (folder / "large.yaml").write_text("x" * 200_000)
    result = CliRunner().invoke(scenario, ["validate", "--format", "json", "large.yaml"])
    (found,) = json.loads(result.stdout)
    assert (found["line"], found["column"], found["code"]) == (None, None, "file")
    github = CliRunner().invoke(scenario, ["validate", "--format", "github", "large.yaml"])
    assert github.stdout.startswith("::error file=large.yaml::larger than 128 KiB")


def test_show_what_is_run(folder: Path) -> None:
    shown = CliRunner().invoke(scenario, ["show", "lost-ack", "--set", "workload.records=3"])
    assert load(shown.stdout).workload.records == 3
    assert "  records: 3\n" in shown.stdout
    plain = CliRunner().invoke(scenario, ["show", "lost-ack", "--effective"])
    assert load(plain.stdout).workload == load(next(path for path in shipped() if path.stem == "lost-ack")).workload
    combinations = CliRunner().invoke(scenario, ["show", "m.yaml", "--effective"]).stdout.split("---\n")
    assert [load(text).workload.config.acks for text in combinations] == ["all", 1]


def test_show_of_a_wrong_one_says_why(folder: Path) -> None:
    assert isinstance(CliRunner().invoke(scenario, ["show", "--effective", "wrong, %.yaml"]).exception, ScenarioError)


def test_schema_prints_it() -> None:
    result = CliRunner().invoke(scenario, ["schema"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, built())


@pytest.mark.parametrize("verb", ["list", "show", "validate", "schema"])
def test_help_has_an_example(verb: str) -> None:
    assert "ackdrop scenario " in CliRunner().invoke(scenario, [verb, "--help"]).output


def test_a_name_that_means_nothing_hides_no_other_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 2\n")
    paths = [str(tmp_path / "gone.yaml"), str(tmp_path / "a.yaml")]
    result = CliRunner().invoke(scenario, ["validate", *paths])
    assert result.exit_code == 2
    assert f"{paths[0]}: no such file or folder" in result.stderr
    assert f"{paths[1]}:1:10: version: expected 1" in result.stderr
    found = json.loads(CliRunner().invoke(scenario, ["validate", "--format", "json", *paths]).stdout)
    assert [(each["file"], each["line"], each["code"]) for each in found] == [
        (paths[0], None, "file"),
        (paths[1], 1, "value"),
    ]
    github = CliRunner().invoke(scenario, ["validate", "--format", "github", *paths]).stdout.splitlines()
    assert github[0].startswith(f"::error file={paths[0]}::no such file")


def test_an_option_is_in_no_file_of_an_annotation() -> None:
    result = CliRunner().invoke(scenario, ["validate", "--format", "github", "lost-ack", "--set", "workload.recods=5"])
    assert result.stdout.startswith("::error::--set workload.recods: workload: unknown key 'recods'%0A")


def test_a_files_name_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    for number, text in enumerate(["version: 1\n", "version: 2\n"]):
        (tmp_path / f"\x1b[31m{number}.yaml").write_text(text)
    result = CliRunner().invoke(scenario, ["validate", str(tmp_path)], color=True)
    assert "valid" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr
