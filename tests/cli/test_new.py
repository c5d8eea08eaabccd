"""`ackdrop scenario new`: every fault can be chosen, and the file is valid."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ackdrop.cli.scenario import scenario as verbs
from ackdrop.errors import ScenarioError, UsageError
from ackdrop.scenario.actions import ACTIONS
from ackdrop.scenario.explain.text import explain
from ackdrop.scenario.load import examine, load

CHOICES = [(action.word, at.replace("*", "produce")) for action in ACTIONS for at in action.at] + [
    (action.word, at.replace("*", "init_producer_id")) for action in ACTIONS for at in action.at if at.startswith("*")
]


def new(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(verbs, ["new", *arguments], input=answers)


@pytest.mark.parametrize(("fault", "at"), CHOICES, ids=lambda value: value)
def test_every_fault_can_be_chosen(tmp_path: Path, fault: str, at: str) -> None:
    file = tmp_path / "mine.yaml"
    result = new(str(file), "--fault", fault, "--at", at)
    assert result.exit_code == 0, result.exception
    assert examine(file).warnings() == []
    scenario = load(file)
    (rule,) = scenario.rules
    assert rule.fault.word == fault
    assert (rule.api if rule.side == "event" else f"{rule.api}.{rule.side}") == at
    assert fault in explain(scenario)
    assert file.read_text().count("#") >= 5


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.word)
def test_a_fault_has_a_usual_place(tmp_path: Path, action: type) -> None:
    assert new(str(tmp_path / "mine.yaml"), "--fault", action.word).exit_code == 0  # type: ignore[attr-defined]
    assert load(tmp_path / "mine.yaml").rules[0].fault.word == action.word  # type: ignore[attr-defined]


def test_the_options_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    more = ["--producer", "aiokafka", "--records", "7", "--title", 'a "title": # of mine', "--nth", "4"]
    result = new(str(file), "--fault", "error", *more)
    scenario = load(file)
    assert (scenario.title, scenario.workload.producer, scenario.workload.records) == (
        'a "title": # of mine',
        "aiokafka",
        7,
    )
    assert scenario.rules[0].when.nth == (4,)
    for step in ("explain", "validate"):
        assert f"ackdrop scenario {step} {file}" in result.output
    assert f"ackdrop run {file}" in result.output


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    error = new(str(file), "--fault", "drop").exception
    assert isinstance(error, UsageError)
    assert "name another file" in (error.remedy or "")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fault", "dorp"], "no fault 'dorp'"),
        (["--fault", "late", "--at", "produce.response"], "late is not possible at produce.response"),
        (["--fault", "drop", "--at", "produce.respons"], "no place 'produce.respons'"),
        (["--fault", "drop", "--producer", "kafka-pythn"], "no producer 'kafka-pythn'"),
        (["--fault", "drop", "--title", "x" * 200], "longer than 120 characters"),
        (["--fault", "drop", "--title", "two\nlines"], "expected one line of text"),
    ],
)
def test_wrong_answers(tmp_path: Path, arguments: list[str], says: str) -> None:
    error = new(str(tmp_path / "mine.yaml"), *arguments).exception
    assert isinstance(error, UsageError | ScenarioError)
    assert says in error.message
    assert error.exit_code == 2
    assert not (tmp_path / "mine.yaml").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    error = new(str(tmp_path / "none" / "mine.yaml"), "--fault", "drop").exception
    assert isinstance(error, UsageError)
    assert "cannot be written" in error.message


def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("ackdrop.cli.scenario.new"), "at_terminal", lambda: True)
    result = new(str(tmp_path / "mine.yaml"), answers="delay\n\n5\nconfluent-kafka\n9\nslow\n")
    assert result.exit_code == 0, result.output
    scenario = load(tmp_path / "mine.yaml")
    assert (scenario.title, scenario.workload.producer, scenario.workload.records) == ("slow", "confluent-kafka", 9)
    assert (scenario.rules[0].fault.word, scenario.rules[0].when.nth) == ("delay", (5,))


def test_list_names_every_fault() -> None:
    output = new("--list").output
    for action in ACTIONS:
        assert f"\n{action.word} " in f"\n{output}"
