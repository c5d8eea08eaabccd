"""What rules at `broker` and `workload` ask for is done in its turn, undone, and told; and what cannot be is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ackdrop.broker.acting import Steps
from ackdrop.broker.running import RunningBroker
from ackdrop.core.commands import Do
from ackdrop.errors import BrokerError, FaultError, UsageError
from ackdrop.experiment.acting import Actor, check, check_watched
from ackdrop.experiment.stopping import Stop
from ackdrop.faults import Kill, Pause, Restart, TransferLeadership
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.verdicts import Act, Fault
from ackdrop.observations import Acted, Observation
from ackdrop.result import BrokerInfo
from ackdrop.workload.hand import Hand

KAFKA = BrokerInfo("kafka", "4.3", "embedded", "127.0.0.1:1", "id")
REDPANDA = dataclasses.replace(KAFKA, kind="redpanda")


class Fake:
    """A control that writes down what is done to its broker, and when; some of it may fail."""

    def __init__(self, fails: str = "") -> None:
        self.taken: list[tuple[float, str]] = []
        self._fails = fails

    def steps(self, word: str) -> Steps | None:
        if word == "transfer_leadership":
            return None
        return Steps(*(lambda name=name: self._take(f"{word} {name}") for name in ("begin", "end", "back")))

    async def _take(self, name: str) -> None:
        self.taken.append((round(trio.current_time(), 3), name))
        await trio.sleep(0.25)
        if name == self._fails:
            raise BrokerError(f"no {name}")


@pytest.fixture
def control() -> Fake:
    return Fake()


@pytest.fixture
def told() -> list[Observation]:
    return []


@pytest.fixture
def make(nursery: trio.Nursery, told: list[Observation], control: Fake) -> Callable[..., Actor]:
    def actor(stop: Stop | None = None, control: Fake = control) -> Actor:
        broker = RunningBroker("127.0.0.1:1", "embedded", control=control)
        made = Actor(nursery, broker, Hand(), stop or Stop(), lambda: [("orders", 0)])
        made.tell = told.append
        return made

    return actor


def do(word: str, seconds: float = 0.0, at: str = "broker") -> Do:
    return Do(f"{word} it", at, Act(word, seconds))  # type: ignore[arg-type]


async def test_one_after_the_other(
    make: Callable[..., Actor], control: Fake, told: list[Observation], autojump_clock: MockClock
) -> None:
    actor = make()
    actor(do("pause", 2.0))
    actor(do("kill", 1.0))
    assert told == []
    await actor.finish()
    assert control.taken == [
        (0.0, "pause begin"),
        (2.25, "pause end"),
        (2.5, "pause back"),
        (2.75, "kill begin"),
        (4.0, "kill end"),
        (4.25, "kill back"),
    ]
    assert told == [
        Acted(0.0, "pause it", "broker", "pause", True, None, pytest.approx(2.75)),
        Acted(0.0, "kill it", "broker", "kill", True, None, pytest.approx(4.5)),
    ]


async def test_what_fails_is_told(
    make: Callable[..., Actor], told: list[Observation], autojump_clock: MockClock
) -> None:
    actor = make(control=Fake(fails="restart begin"))
    actor(do("restart"))
    actor(do("pause", 1.0, at="workload"))
    await actor.finish()
    assert told == [
        Acted(0.0, "pause it", "workload", "pause", False, "the producer was not at work", 0.0),
        Acted(0.0, "restart it", "broker", "restart", False, "no restart begin", 0.25),
    ]


async def test_what_is_asked_for_too_late_is_not_done(
    make: Callable[..., Actor], control: Fake, told: list[Observation], autojump_clock: MockClock
) -> None:
    actor = make()
    await actor.finish()
    actor(do("kill"))
    await wait_all_tasks_blocked()
    reason = "the producer had ended, and the log was about to be read"
    assert told == [Acted(0.0, "kill it", "broker", "kill", False, reason, 0.0)]
    assert control.taken == []


async def test_a_stop_cuts_the_time_short_and_it_is_undone(
    make: Callable[..., Actor], control: Fake, told: list[Observation], autojump_clock: MockClock
) -> None:
    stop = Stop()
    actor = make(stop)
    actor(do("pause", 60.0))
    await trio.sleep(1.0)
    stop.ask()
    await actor.finish()
    assert control.taken == [(0.0, "pause begin"), (1.0, "pause end"), (1.25, "pause back")]
    assert told == [Acted(0.0, "pause it", "broker", "pause", True, None, 1.5)]


async def test_a_run_that_is_ended_at_once_undoes_it_too(
    control: Fake, told: list[Observation], autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        broker = RunningBroker("127.0.0.1:1", "embedded", control=control)
        actor = Actor(nursery, broker, None, Stop(), list)
        actor.tell = told.append
        actor(do("pause", 60.0))
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    assert control.taken == [(0.0, "pause begin"), (1.0, "pause end")]
    assert told == [Acted(0.0, "pause it", "broker", "pause", False, "the run ended before it was done", 1.25)]


def rule(fault: Fault, at: str = "broker") -> Rule:
    return Rule("the act", at, "event", Match(), When(after=1.0), fault)


OWN = RunningBroker("127.0.0.1:1", "embedded", control=Fake())
GIVEN = RunningBroker("127.0.0.1:1", "given")


@pytest.mark.parametrize("fault", [Pause(1.0), Kill(), Restart()])
def test_a_broker_that_is_not_ours_needs_a_command(fault: Fault) -> None:
    check([rule(fault), rule(fault, "workload")], OWN, KAFKA, 1)
    check([rule(dataclasses.replace(fault, command=("true",)))], GIVEN, KAFKA, 1)  # type: ignore[type-var]
    with pytest.raises(FaultError, match=r'"the act" .* at broker\) cannot be done: ackdrop did not start') as error:
        check([rule(fault)], GIVEN, KAFKA, 1)
    assert "--broker embedded" in str(error.value.remedy)
    assert error.value.exit_code == 4


def test_leadership_moves_where_there_is_somebody_to_lead_and_an_admin_api() -> None:
    check([rule(TransferLeadership())], GIVEN, REDPANDA, 3)
    check([rule(TransferLeadership(command=("true",)))], OWN, KAFKA, 1)
    for info, nodes, why in ((REDPANDA, 1, "the cluster has one broker"), (KAFKA, 3, "not known to be Redpanda")):
        with pytest.raises(FaultError, match=why):
            check([rule(TransferLeadership())], GIVEN, info, nodes)


def test_a_watched_program_is_not_ours_to_kill() -> None:
    check_watched([rule(Kill())])
    with pytest.raises(UsageError, match='"the act" is at workload, and ackdrop proxy starts no producer'):
        check_watched([rule(Kill(), "workload")])
