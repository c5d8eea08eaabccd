"""What rules at `broker` and `workload` ask for is done in its turn, undone, and told; and what cannot be is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ackdrop.broker.acting import Steps
from ackdrop.broker.running import RunningBroker
from ackdrop.core.commands import Do
from ackdrop.errors import BrokerError, FaultError, UsageError
from ackdrop.experiment.acting import Actor, check, check_watched
from ackdrop.experiment.moving import Move
from ackdrop.experiment.stopping import Stop
from ackdrop.faults import Kill, Pause, Restart, TransferLeadership
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.verdicts import Act, Fault
from ackdrop.observations import Acted, Observation
from ackdrop.workload.hand import Hand


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


async def nobody_moves(places: Iterable[tuple[str, int]], to: int | None) -> None:
    raise AssertionError("no leader was to be moved")


@pytest.fixture
def control() -> Fake:
    return Fake()


@pytest.fixture
def told() -> list[Observation]:
    return []


@pytest.fixture
def make(nursery: trio.Nursery, told: list[Observation], control: Fake) -> Callable[..., Actor]:
    def actor(stop: Stop | None = None, control: Fake = control, moved: Move | None = None) -> Actor:
        broker = RunningBroker("127.0.0.1:1", "embedded", control=control)
        made = Actor(nursery, broker, Hand(), stop or Stop(), lambda: [("orders", 0)], moved or nobody_moves)
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
        actor = Actor(nursery, broker, None, Stop(), list, nobody_moves)
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
    check([rule(fault), rule(fault, "workload")], OWN, [1], 1)
    check([rule(dataclasses.replace(fault, command=("true",)))], GIVEN, [1], 1)  # type: ignore[type-var]
    with pytest.raises(FaultError, match=r'"the act" .* at broker\) cannot be done: ackdrop did not start') as error:
        check([rule(fault)], GIVEN, [1], 1)
    assert "--broker embedded" in str(error.value.remedy)
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    ("to", "nodes", "replication", "why", "remedy"),
    [
        (None, [1], 1, "the cluster has one broker", "--brokers 3"),
        (None, [1, 2, 3], 1, "each partition has one replica", "replication: 3"),
        (4, [3, 2, 1], 3, "the cluster has no broker 4", "name one of 1, 2, 3, or none"),
        (0, [3, 2, 1], None, "the cluster has no broker 0", "name one of 1, 2, 3, or none"),
    ],
)
def test_leadership_moves_where_there_is_somebody_to_lead(
    to: int | None, nodes: list[int], replication: int | None, why: str, remedy: str
) -> None:
    check([rule(TransferLeadership()), rule(TransferLeadership(3))], GIVEN, [1, 2, 3], 3)
    check([rule(TransferLeadership(0))], GIVEN, [0, 1, 2], None)
    check([rule(TransferLeadership(7))], GIVEN, None, None)
    check([rule(TransferLeadership(command=("true",)))], OWN, nodes, replication)
    with pytest.raises(FaultError, match=why) as caught:
        check([rule(TransferLeadership(to))], GIVEN, nodes, replication)
    assert remedy in (caught.value.remedy or "")


async def test_leadership_is_moved_of_what_is_written(
    make: Callable[..., Actor], told: list[Observation], autojump_clock: MockClock
) -> None:
    seen: list[tuple[list[tuple[str, int]], int | None]] = []

    async def move(places: Iterable[tuple[str, int]], to: int | None) -> None:
        seen.append((list(places), to))
        await trio.sleep(0.5)
        if to == 3:
            raise BrokerError("broker 3 is away")

    actor = make(moved=move)
    actor(Do("move it", "broker", TransferLeadership(2).verdict(0.0)))
    actor(Do("move it", "broker", TransferLeadership(3).verdict(0.0)))
    await actor.finish()
    assert seen == [([("orders", 0)], 2), ([("orders", 0)], 3)]
    assert told == [
        Acted(0.0, "move it", "broker", "transfer_leadership", True, None, 0.5),
        Acted(0.0, "move it", "broker", "transfer_leadership", False, "broker 3 is away", 1.0),
    ]


def test_a_watched_program_is_not_ours_to_kill() -> None:
    check_watched([rule(Kill())])
    with pytest.raises(UsageError, match="is at workload, and the producers here are not ackdrop's own"):
        check_watched([rule(Kill(), "workload")])
