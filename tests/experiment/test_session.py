"""A whole run that ends before its first scenario begins; the rest is in the integration tests."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import BrokerError, SurroundingsError, UsageError
from ackdrop.experiment import session
from ackdrop.experiment.session import BrokerChoice, run_scenarios
from ackdrop.experiment.settings import RunSettings
from ackdrop.report import as_json
from ackdrop.scenario.models import Scenario

Make = Callable[[str], Scenario]


@pytest.fixture
async def silent() -> AsyncIterator[tuple[str, trio.Event]]:
    """The address of a server that takes connections and says nothing, and an event for the first of them."""
    reached = trio.Event()

    async def handle(stream: trio.SocketStream) -> None:
        reached.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}", reached
        nursery.cancel_scope.cancel()


async def test_without_a_broker_every_scenario_has_an_error(
    make_scenario: Make, settings: RunSettings, person: Any, autojump_clock: MockClock
) -> None:
    told = person.told()
    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        await run_scenarios(
            [make_scenario("a"), make_scenario("b")], BrokerChoice(bootstrap="127.0.0.1:1"), settings, told
        )
    assert [(one.result.verdict, one.result.reasons[0].code) for one in told.results] == [("error", "no-broker")] * 2
    assert not settings.out.exists()


async def test_wrong_usage_has_no_results(make_scenario: Make, settings: RunSettings, person: Any) -> None:
    told = person.told()
    with pytest.raises(UsageError, match="asks for another"):
        await run_scenarios([make_scenario("a")], BrokerChoice("embedded", "127.0.0.1:1"), settings, told)
    assert told.results == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_while_it_looks_for_a_broker(
    make_scenario: Make,
    settings: RunSettings,
    person: Any,
    silent: tuple[str, trio.Event],
    number: signal.Signals,
) -> None:
    address, reached = silent
    told = person.told()
    codes: list[int] = []

    async def run() -> None:
        scenarios = [make_scenario("a"), make_scenario("b")]
        codes.append(await run_scenarios(scenarios, BrokerChoice(bootstrap=address), settings, told))

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await reached.wait()
            os.kill(os.getpid(), number)
    assert codes == [130]
    assert [one.result.verdict for one in told.results] == ["interrupted"] * 2
    assert person.said == ["Interrupted; not run: a, b"]
    assert not settings.out.exists()


async def nowhere(*_: object) -> RunningBroker:
    return RunningBroker("127.0.0.1:1", "given")


async def test_a_folder_that_cannot_be_made_is_an_error_of_every_scenario_that_is_left(
    make_scenario: Make, settings: RunSettings, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    settings.out.write_text("in the way")
    told = person.told()
    with pytest.raises(SurroundingsError, match="runs"):
        await run_scenarios([make_scenario("a"), make_scenario("b")], BrokerChoice(), settings, told)
    assert [(one.result.verdict, one.result.reasons[0].code) for one in told.results] == [("error", "environment")] * 2


async def test_an_error_of_one_scenario_is_told_and_the_next_one_is_run(
    make_scenario: Make,
    settings: RunSettings,
    person: Any,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    told = person.told()
    assert await run_scenarios([make_scenario("a"), make_scenario("b")], BrokerChoice(), settings, told) == 4
    assert [type(error) for error in person.complaints] == [BrokerError, BrokerError]
    assert (person.shown, [one.result.verdict for one in told.results]) == ([], ["error", "error"])
    folders = sorted(map(str, settings.out.iterdir()))
    assert [line.split()[-1] for line in person.said if "is in" in line] == folders


async def test_time_that_is_up_while_it_looks_for_a_broker(
    make_scenario: Make, settings: RunSettings, person: Any, silent: tuple[str, trio.Event]
) -> None:
    """Nothing passes for want of time: what was not begun is inconclusive."""
    told = person.told()
    settings = dataclasses.replace(settings, max_time=0.2)
    with trio.fail_after(10):
        scenarios = [make_scenario("a"), make_scenario("b")]
        assert await run_scenarios(scenarios, BrokerChoice(bootstrap=silent[0]), settings, told) == 3
    assert [(one.result.verdict, one.result.reasons[0].code) for one in told.results] == [
        ("inconclusive", "out-of-time")
    ] * 2
    assert person.said[0].startswith("The time is up (200 ms)")
    assert person.said[-1] == "The time was up; not run: a, b"
    assert not settings.out.exists()


async def test_fail_fast_leaves_out_what_follows(
    make_scenario: Make,
    settings: RunSettings,
    person: Any,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    told = person.told()
    scenarios = [make_scenario(name) for name in "abc"]
    fast = dataclasses.replace(settings, fail_fast=True)
    assert await run_scenarios(scenarios, BrokerChoice(), fast, told) == 4
    assert [(one.result.verdict, one.result.reasons[0].code) for one in told.results] == [
        ("error", "broker-error"),
        ("inconclusive", "not-run"),
        ("inconclusive", "not-run"),
    ]
    assert person.said[-1] == "a did not pass, and --fail-fast leaves out what follows; not run: b, c"
    assert len(list(settings.out.iterdir())) == 1


async def test_a_shard_is_told_and_stands_in_each_result(
    make_scenario: Make,
    settings: RunSettings,
    person: Any,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
) -> None:
    monkeypatch.setattr(session, "running_broker", nowhere)
    told = person.told()
    settings = dataclasses.replace(settings, shard=(2, 2), fail_fast=True)
    assert await run_scenarios([make_scenario(name) for name in "abcd"], BrokerChoice(), settings, told) == 4
    assert person.said[0] == "Shard 2 of 2: 2 of 4 scenarios"
    assert "b (1 of 2)" in person.said
    found = [(Path(one.result.scenario.file or "").stem, one.result.shard) for one in told.results]
    assert [(name, info and (info.number, info.position)) for name, info in found] == [("b", (2, 2)), ("d", (2, 4))]
    (folder,) = settings.out.iterdir()
    assert as_json.read(folder).shard == found[0][1]


async def test_a_shard_that_would_be_empty_runs_nothing(
    make_scenario: Make, settings: RunSettings, person: Any
) -> None:
    settings = dataclasses.replace(settings, shard=(1, 3))
    with pytest.raises(UsageError, match="are only 2 scenarios"):
        await run_scenarios([make_scenario("a"), make_scenario("b")], BrokerChoice(), settings, person.told())


async def test_after_a_defect_no_scenario_is_missing_in_the_results(
    make_scenario: Make, settings: RunSettings, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(session, "running_broker", nowhere)
    monkeypatch.setattr(Cluster, "connect", fail)
    told = person.told()
    with pytest.raises(ExceptionGroup) as caught:
        await run_scenarios([make_scenario("a"), make_scenario("b")], BrokerChoice(), settings, told)
    assert caught.group_contains(ZeroDivisionError)
    assert [one.result.scenario.file for one in told.results] == [make_scenario(name).file for name in ("a", "b")]
    reasons = [one.result.reasons[0] for one in told.results]
    assert [reason.code for reason in reasons] == ["internal-error"] * 2
    assert all(reason.text.startswith("ZeroDivisionError: a defect") for reason in reasons)
