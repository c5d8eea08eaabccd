"""A scenario's run where something fails before there is anything to run; the rest is in the integration tests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import BrokerError, ListenerError, ProducerError, SurroundingsError
from ackdrop.experiment.scenario import ScenarioRun, command_of, not_run, overridden
from ackdrop.experiment.settings import RunSettings
from ackdrop.experiment.stopping import Stop
from ackdrop.ledger import Ledger
from ackdrop.report.progress import Progress
from ackdrop.scenario.files import load_all
from ackdrop.scenario.models import Scenario

Make = Callable[..., Scenario]
NOWHERE = RunningBroker("127.0.0.1:1", "given", notes=["A note of the broker's."])


@pytest.fixture
def run(make_scenario: Make, settings: RunSettings) -> ScenarioRun:
    return ScenarioRun(make_scenario(), settings, Progress(quiet=True), Stop())


async def test_a_broker_that_is_gone_makes_an_error_with_a_report(run: ScenarioRun, autojump_clock: MockClock) -> None:
    result = (await run.run(NOWHERE)).result
    assert isinstance(run.error, BrokerError)
    assert (result.verdict, result.exit_code, result.broker, result.arms) == ("error", 4, None, [])
    assert [reason.code for reason in result.reasons] == ["broker-error", "arm-not-run", "arm-not-run"]
    assert "127.0.0.1:1" in result.reasons[0].text
    assert json.loads((run.folder / "report.json").read_text()) == result.to_json()
    assert Ledger.open(run.folder).arms() == []
    assert run.notes == ["A note of the broker's."]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProducerError("no library", remedy="install it"), "producer-not-started"),
        (ListenerError("port taken"), "port-not-opened"),
        (SurroundingsError("disk full"), "environment"),
    ],
)
async def test_an_error_of_ours_is_the_first_reason_also_out_of_a_group(
    run: ScenarioRun, monkeypatch: pytest.MonkeyPatch, error: SurroundingsError, code: str
) -> None:
    async def fail(*_: object, **__: object) -> None:
        async with trio.open_nursery():
            raise error

    monkeypatch.setattr(Cluster, "connect", _entered(fail))
    result = (await run.run(NOWHERE)).result
    assert run.error is error
    assert (result.verdict, result.reasons[0].code) == ("error", code)
    assert result.reasons[0].text.startswith(error.message)
    assert (error.remedy or "") in result.reasons[0].text


async def test_a_defect_is_written_and_goes_on(run: ScenarioRun, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Cluster, "connect", _entered(fail))
    with pytest.raises(ZeroDivisionError):
        await run.run(NOWHERE)
    report = json.loads((run.folder / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("error", 4)
    reason = report["reasons"][0]
    assert (reason["code"], reason["arm"]) == ("internal-error", None)
    assert reason["text"].startswith("ZeroDivisionError: a defect (a defect of ackdrop; ")
    assert Ledger.open(run.folder).arms() == []


async def test_cancelled_it_writes_what_there_is(run: ScenarioRun, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(*_: object, **__: object) -> None:
        run.stop.ask()
        await trio.sleep_forever()

    monkeypatch.setattr(Cluster, "connect", _entered(wait))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run, NOWHERE)
        await run.stop.event.wait()
        nursery.cancel_scope.cancel()
    report = json.loads((run.folder / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("interrupted", 130)
    assert [reason["code"] for reason in report["reasons"]] == ["interrupted", "arm-not-run", "arm-not-run"]


def _entered(enter: Callable[..., object]) -> Callable[..., object]:
    """A stand-in for `Cluster.connect` that does this on entry."""

    class Connecting:
        def __init__(self, *_: object, **__: object) -> None: ...

        __aenter__ = enter

        async def __aexit__(self, *_: object) -> None: ...

    return Connecting


def test_the_command_line_wins_over_the_scenario(make_scenario: Make, settings: RunSettings) -> None:
    scenario = make_scenario()
    assert overridden(scenario, settings) == scenario
    changed = overridden(scenario, dataclasses.replace(settings, seed=0, producer="aiokafka"))
    assert (changed.seed, changed.workload.producer) == (0, "aiokafka")
    assert dataclasses.replace(changed.workload, producer=scenario.workload.producer) == scenario.workload


def test_a_scenario_that_was_not_begun_has_a_result(make_scenario: Make, settings: RunSettings) -> None:
    settings = dataclasses.replace(settings, seed=9)
    result = not_run(make_scenario(), settings, BrokerError("nobody there", remedy="start one"))
    assert (result.verdict, result.exit_code, result.scenario.seed, result.arms) == ("error", 4, 9, [])
    assert [(reason.code, reason.text) for reason in result.reasons] == [("no-broker", "nobody there (try: start one)")]
    result = not_run(make_scenario(), settings, None)
    assert (result.verdict, result.exit_code) == ("interrupted", 130)
    assert [reason.code for reason in result.reasons] == ["interrupted"]
    assert not settings.out.exists()


def test_what_runs_a_combination_again_runs_it_alone(tmp_path: Path, settings: RunSettings) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("version: 1\nmatrix: {acks: [all, 1], seed: [1, 2]}\n")
    settings = dataclasses.replace(settings, command=("ackdrop", "run", "--set", "seed=2"))
    scenarios = load_all([file], ["seed=2"])
    assert [command_of(scenario, settings)[4:] for scenario in scenarios] == [
        ("--set", "acks=all", str(file)),
        ("--set", "acks=1", str(file)),
    ]
    assert [scenario.info.combination for scenario in scenarios] == [
        {"acks": "all", "seed": "2"},
        {"acks": "1", "seed": "2"},
    ]


def test_a_shipped_scenario_is_run_again_by_its_name(settings: RunSettings) -> None:
    (scenario,) = load_all(["lost-ack"])
    assert command_of(scenario, settings) == ("lost-ack",)
