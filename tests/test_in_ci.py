"""What `docs/in-ci.md` says is so: every exit code, every reason, every command, and nothing that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from ackdrop.cli.budget import Budget
from ackdrop.cli.run import run
from ackdrop.experiment.scenario import CODES as OF_ERRORS
from ackdrop.report.codes import CODES
from ackdrop.result import EXIT_CODES, Agreement

PAGE = Path(__file__).parent.parent / "docs" / "in-ci.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
_LINES = re.findall(r"^(?: {4}| *- (?:run: )?)(ackdrop .*)", TEXT, re.MULTILINE)
COMMANDS = [line.partition(" #")[0].strip() for line in _LINES]
REASONS = TEXT.partition("## Inconclusive")[2].partition("## A budget")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without their heads."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    heads = {number for number, row in enumerate(cells) if set(row[0]) <= set("-")}
    return [row for number, row in enumerate(cells) if number not in heads and number + 1 not in heads]


def test_it_has_every_reason_once_and_what_to_do() -> None:
    found = rows(REASONS)
    assert sorted(code for code, *_ in found) == sorted(f"`{code}`" for code in CODES)
    assert [row for row in found if len(row) != 3 or not all(row)] == []


def test_what_ends_a_run_with_an_error_is_told_with_its_exit_code() -> None:
    told = {code.strip("`"): int(number) for code, number, _ in rows(REASONS) if number.isdigit()}
    assert {code: told.get(code) for _, code in OF_ERRORS} == {code: EXIT_CODES["error"] for _, code in OF_ERRORS}
    assert set(told.values()) == {EXIT_CODES["failed"], EXIT_CODES["error"], EXIT_CODES["interrupted"]}


def test_it_has_every_exit_code_with_its_verdict() -> None:
    found = rows(TEXT.partition("## Exit codes")[2].partition("##")[0])
    told = {verdict: int(code) for code, verdict, _ in found}
    assert told == {**EXIT_CODES, "none: nothing was run": 2}


def test_it_has_every_way_in_which_runs_agree() -> None:
    found = rows(TEXT.partition("## Flaky or broken")[2].partition("##")[0])
    assert sorted(agreement.strip("`") for _, agreement, _ in found) == sorted(get_args(Agreement))


def test_it_speaks_of_the_whole_budget() -> None:
    for name in Budget.__annotations__:
        assert f"--{name.replace('_', '-')}" in TEXT


def test_its_variables_are_options() -> None:
    there = {variable for option in run.params for variable in [option.envvar] if variable}
    told = set(re.findall(r"ACKDROP_\w+", TEXT))
    assert told
    assert told <= there


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_exist(line: str) -> None:
    words = line.partition(" -- ")[0].split()
    verb = words[1:3] if words[1:3] == ["report", "merge"] else words[1:2]
    told = subprocess.run(
        [sys.executable, "-m", "ackdrop", *verb, "--help"], check=True, capture_output=True, text=True
    ).stdout
    assert [word for word in words if word.startswith("--") and word not in told] == []


def test_there_are_commands_of_every_kind() -> None:
    assert {line.split()[1] for line in COMMANDS} == {"run", "exec", "report"}
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("block", BLOCKS)
def test_its_pipelines_are_yaml(block: str) -> None:
    assert isinstance(YAML(typ="safe").load(block), dict)


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
