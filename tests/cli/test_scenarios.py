"""The scenarios of a command line, their values and their warnings; and what a matrix rules out beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ackdrop.cli.proxy import proxy
from ackdrop.cli.scenarios import chosen_ones, not_varied
from ackdrop.errors import ScenarioError, UsageError

RULE = "- {at: produce.response, match: {topic: orders}, do: {drop: {}}}\n"
TEXT = f"version: 1\nfaults:\n{RULE}- {{name: second, at: produce.response, when: {{nth: 2}}, do: {{drop: {{}}}}}}\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return str(path)


def test_values_reach_every_scenario(file: str) -> None:
    assert [one.seed for one in chosen_ones([file, "lost-ack"], ["seed=9"], quiet=True)] == [9, 9]


def test_traffic_that_is_not_ours_is_not_judged_by_the_workload(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen_ones([file], ())
    assert "no topic of a run fits" in capsys.readouterr().err
    chosen_ones([file], (), ours=False)
    assert capsys.readouterr().err == ""
    chosen_ones(
        [file],
        ["faults[2]={at: produce.response, do: {drop: {}}}", "faults[3]={at: produce.response, do: {drop: {}}}"],
        ours=False,
    )
    assert "'drop at produce.response' comes first" in capsys.readouterr().err.replace(" (2)", "")


def test_warnings_hold_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\x1b[2J.yaml"
    path.write_text(TEXT)
    chosen_ones([str(path)], ())
    assert "\x1b" not in capsys.readouterr().err


def test_strict(file: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        chosen_ones([file], (), strict=True)
    assert "--strict" in (caught.value.remedy or "")
    assert len(chosen_ones(["lost-ack"], (), strict=True)) == 1


@pytest.mark.parametrize("key", ["producer", "workload.producer"])
def test_an_option_for_what_is_varied(tmp_path: Path, key: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"version: 1\nmatrix: {{{key}: [kafka-python, aiokafka]}}\n")
    chosen = chosen_ones([str(path)], ())
    not_varied(chosen, producer=None, seed=3)
    with pytest.raises(UsageError, match="--producer, and the matrix of") as caught:
        not_varied(chosen, producer="aiokafka", seed=None)
    assert f"--set {key}=VALUE" in (caught.value.remedy or "")


def test_the_proxy_takes_values_for_a_scenario_alone() -> None:
    result = CliRunner().invoke(proxy, ["--bootstrap", "127.0.0.1:1", "--set", "seed=3"], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "--set without a scenario" in result.exception.message
    result = CliRunner().invoke(
        proxy, ["--bootstrap", "127.0.0.1:1", "--scenario", "lost-ack", "--set", "sed=3"], standalone_mode=False
    )
    assert isinstance(result.exception, ScenarioError)
    assert "--set sed: no variable 'sed'" in result.exception.problems[0]
