"""`ackdrop run`: what its command line becomes. That it does it is shown by the integration tests."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ackdrop.cli.run import run
from ackdrop.errors import ScenarioError, UsageError
from ackdrop.experiment import session
from ackdrop.experiment.session import BrokerChoice
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.told import Told
from ackdrop.report.finished import Finished
from ackdrop.scenario.models import Scenario


class Asked:
    """A stand-in for `run_scenarios` that keeps what it was asked for."""

    scenarios: list[Scenario]
    choice: BrokerChoice
    settings: RunSettings
    command: tuple[str, ...]

    async def run_scenarios(
        self, scenarios: list[Scenario], choice: BrokerChoice, settings: RunSettings, told: Told
    ) -> int:
        self.scenarios, self.choice, self.command = scenarios, choice, settings.command
        self.settings = dataclasses.replace(settings, command=())
        return 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    one = Asked()
    monkeypatch.setattr(session, "run_scenarios", one.run_scenarios)
    monkeypatch.chdir(tmp_path)
    return one


def call(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(run, arguments, env=env, standalone_mode=False)


def test_without_arguments_it_is_lost_ack_on_any_broker(asked: Asked) -> None:
    assert call().return_value == 0
    assert [scenario.name for scenario in asked.scenarios] == ["lost-ack"]
    assert asked.choice == BrokerChoice("auto", None, False)
    assert asked.settings == RunSettings(out=Path("ackdrop-runs"))


def test_every_option_arrives(asked: Asked) -> None:
    arguments = "--bootstrap a:1 --allow-remote --map b:2=c:3 --seed 0 --producer aiokafka --producer-python py"
    again = "--seed 0 --producer aiokafka --producer-python py --repeat 3 --isolation read_committed --strict --keep"
    more = ["--repeat", "3", "--isolation", "read_committed"]
    assert call("lost-ack-reset", *arguments.split(), "--strict", "--keep", "--out", "there", *more).return_value == 0
    assert [scenario.name for scenario in asked.scenarios] == ["lost-ack-reset"]
    assert asked.choice == BrokerChoice("auto", "a:1", True)
    assert asked.settings == RunSettings(
        out=Path("there"),
        seed=0,
        producer="aiokafka",
        producer_python="py",
        strict=True,
        keep=True,
        mapping={("b", 2): ("c", 3)},
        repeat=3,
        isolation="read_committed",
    )
    assert asked.command == (
        "ackdrop",
        "run",
        *arguments.split()[:2],
        "--allow-remote",
        "--map",
        "b:2=c:3",
        *again.split(),
    )


def test_the_budget_arrives(asked: Asked) -> None:
    assert call("lost-ack", "--max-time", "10m", "--fail-fast", "--shard", "2/5").return_value == 0
    assert asked.settings == RunSettings(out=Path("ackdrop-runs"), max_time=600.0, fail_fast=True, shard=(2, 5))
    assert call("lost-ack", ACKDROP_MAX_TIME="90s", ACKDROP_SHARD=" 1/1 ", ACKDROP_FAIL_FAST="1").return_value == 0
    assert asked.settings == RunSettings(out=Path("ackdrop-runs"), max_time=90.0, fail_fast=True, shard=(1, 1))


def test_the_command_of_one_scenario_is_without_what_all_were_given(asked: Asked) -> None:
    call("lost-ack", "--max-time", "10m", "--fail-fast", "--shard", "2/5", "--seed", "3")
    assert asked.command == ("ackdrop", "run", "--seed", "3")


def test_a_baseline_is_read_before_anything_is_run_and_stands_in_the_command(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("[]")
    assert call("lost-ack", "--baseline", "old.json").return_value == 0
    assert asked.settings.baseline is not None
    assert asked.settings.baseline.name == "old.json"
    assert asked.command == ("ackdrop", "run", "--baseline", "old.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *(
            (["--shard", text], "is not K/N with K from 1 to N, as in 2/5")
            for text in ("6/5", "0/5", "2", "a/b", "-1/2")
        ),
        (["--max-time", "10"], "is not a duration with its unit"),
        (["--max-time", "0s"], "is not longer than nothing"),
    ],
)
def test_a_budget_that_is_none(asked: Asked, arguments: list[str], said: str) -> None:
    result = call("lost-ack", *arguments)
    assert isinstance(result.exception, click.BadParameter)
    assert said in result.exception.message
    assert not hasattr(asked, "scenarios")


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("{}", "is not a report of the schema")])
def test_a_baseline_that_is_none(asked: Asked, tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "old.json").write_text(content)
    result = call("lost-ack", "--baseline", "old.json")
    assert isinstance(result.exception, UsageError)
    assert said in result.exception.message
    assert not hasattr(asked, "scenarios")


@pytest.mark.parametrize(
    ("arguments", "choice"),
    [
        ([], BrokerChoice("auto", "a:1")),
        (["--broker", "auto"], BrokerChoice("auto", "a:1")),
        (["--broker", "embedded"], BrokerChoice("embedded", None)),
        (["--broker", "embedded", "--bootstrap", "b:2"], BrokerChoice("embedded", "b:2")),
    ],
)
def test_a_typed_source_wins_over_an_address_of_the_environment(
    asked: Asked, arguments: list[str], choice: BrokerChoice
) -> None:
    assert call(*arguments, ACKDROP_BOOTSTRAP="a:1").return_value == 0
    assert asked.choice == choice


def test_each_file_is_run_once_in_its_order(asked: Asked, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text("version: 1")
    assert call("b.yaml", "a.yaml", "b.yaml", "lost-ack").return_value == 0
    assert [scenario.name for scenario in asked.scenarios] == ["b", "a", "lost-ack"]


def test_every_problem_of_every_file_is_told_at_once(asked: Asked, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("version: 1\nnonsense: 1\nsead: 1\n")
    result = call("one.yaml", "two.yaml")
    assert isinstance(result.exception, ScenarioError)
    assert len(result.exception.problems) == 4


@pytest.mark.parametrize("arguments", [["nobody.yaml"], ["--json", "."]])
def test_wrong_usage_runs_nothing(asked: Asked, arguments: list[str]) -> None:
    result: Any = call(*arguments)
    assert isinstance(result.exception, UsageError)
    assert not hasattr(asked, "scenarios")


def test_what_there_is_of_results_is_written_also_after_an_error(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ackdrop.experiment.scenario import not_run

    async def fail(scenarios: list[Scenario], _: BrokerChoice, settings: RunSettings, told: Told) -> int:
        told.results.append(Finished(not_run(scenarios[0], settings, None), None))
        raise ZeroDivisionError

    monkeypatch.setattr(session, "run_scenarios", fail)
    assert isinstance(call("--json", "result.json").exception, ZeroDivisionError)
    assert '"verdict": "interrupted"' in (tmp_path / "result.json").read_text()


MATRIX = "version: 1\nmatrix: {producer: [kafka-python, aiokafka], seed: [1, 2]}\n"
WARNED = "version: 1\nfaults: [{at: produce.response, match: {acks: 1}, do: {drop: {}}}]\n"


def test_values_are_set_and_stand_in_the_command(asked: Asked) -> None:
    assert call("lost-ack", "--set", "workload.records=3", "--set", "seed=5").return_value == 0
    (scenario,) = asked.scenarios
    assert (scenario.workload.records, scenario.seed) == (3, 5)
    assert asked.command == ("ackdrop", "run", "--set", "workload.records=3", "--set", "seed=5")


def test_a_matrix_is_several_scenarios(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MATRIX)
    assert call("m.yaml", "lost-ack").return_value == 0
    assert [scenario.name for scenario in asked.scenarios] == [
        *(f"m-{producer}-seed-{seed}" for producer in ("kafka-python", "aiokafka") for seed in (1, 2)),
        "lost-ack",
    ]


@pytest.mark.parametrize("option", [["--producer", "aiokafka"], ["--seed", "0"]])
def test_an_option_beside_a_matrix_that_varies_it(asked: Asked, tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "m.yaml").write_text(MATRIX)
    result = call("m.yaml", *option)
    assert isinstance(result.exception, UsageError)
    assert f"{option[0]}, and the matrix of m.yaml varies it" in result.exception.message
    assert f"--set {option[0][2:]}=VALUE" in (result.exception.remedy or "")
    assert not hasattr(asked, "scenarios")


def test_warnings_are_told_and_it_runs(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WARNED)
    result = call("w.yaml")
    assert result.return_value == 0
    assert result.stderr.startswith("w.yaml:2:47: warning: faults[0].match.acks: the workload asks for acks: all\n")
    assert result.stderr.count("warning") == 1
    assert call("w.yaml", "--quiet").stderr == ""


def test_strict_makes_a_warning_an_error(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WARNED)
    result = call("w.yaml", "--strict")
    assert isinstance(result.exception, ScenarioError)
    assert len(result.exception.problems) == 1
    assert not hasattr(asked, "scenarios")


def test_what_is_set_wrongly_runs_nothing(asked: Asked) -> None:
    result = call("lost-ack", "--set", "faults[0].whem.nth=5")
    assert isinstance(result.exception, ScenarioError)
    assert result.exception.problems[0].startswith("--set faults[0].whem.nth: faults[0]: unknown key 'whem'")
