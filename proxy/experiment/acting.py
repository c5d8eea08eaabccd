"""What rules at `broker` and `workload` ask for, done beside the traffic; and before a run, whether it can be done.

What is done to the broker goes one after the other, and so does what is done to the producer. What was begun is undone
however the run ends; the run waits for it before it reads the log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

import trio

from ..broker.acting import perform
from ..broker.running import RunningBroker
from ..core.commands import Do
from ..errors import AckdropError, BrokerError, FaultError, ProducerError, UsageError
from ..faults.rule import Rule
from ..faults.verdicts import Act
from ..observations import Acted, Observation
from .moving import Move
from .stopping import Stop

if TYPE_CHECKING:
    from ..workload.hand import Hand

MOVE = "transfer_leadership"
HURRIED = 10.0
"""Seconds that what is being done may go on after an interruption; undoing has time of its own."""
CUT_SHORT = "the run ended before it was done"
TOPIC = "ACKDROP_TOPIC"
"""The variable that tells a scenario's command which topic is written."""

Partitions = Callable[[], Iterable[tuple[str, int]]]


class Actor:
    """Does things to one arm's broker and producer. A proxy calls it with each `Do`; `finish` waits for all.

    `hand` is None where the producers are not ours. `partitions` tells which are written by now, `move` moves their
    leadership. `tell` gets an `Acted` for each, when it is over.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        broker: RunningBroker,
        hand: Hand | None,
        stop: Stop,
        partitions: Partitions,
        move: Move,
    ) -> None:
        self._nursery = nursery
        self._broker = broker
        self._hand = hand
        self._stop = stop
        self._partitions = partitions
        self._move = move
        self._last: dict[str, trio.Event] = {}
        self._under_way = 0
        self._change = trio.lowlevel.ParkingLot()
        self._finished = False
        self.tell: Callable[[Observation], None] = lambda acted: None

    def __call__(self, command: Do) -> None:
        """Begin, or wait for one's turn at that place; never blocks."""
        self._under_way += 1
        before, over = self._last.get(command.at), trio.Event()
        self._last[command.at] = over
        self._nursery.start_soon(self._do, command, trio.current_time(), before, over)

    async def finish(self) -> None:
        """Wait until nothing is under way. What is asked for later is not done any more."""
        while self._under_way:
            await self._change.park()
        self._finished = True

    async def _do(self, command: Do, at: float, before: trio.Event | None, over: trio.Event) -> None:
        reason: str | None = CUT_SHORT
        try:
            if before is not None:
                await before.wait()
            async with self._stop.until(HURRIED):
                reason = await self._result(command)
        finally:
            seconds = trio.current_time() - at
            self.tell(Acted(at, command.rule, command.at, command.act.word, reason is None, reason, seconds))
            over.set()
            self._under_way -= 1
            self._change.unpark_all()

    async def _result(self, command: Do) -> str | None:
        """Do it: why it could not be done, None where it was."""
        if self._finished:
            return "the producer had ended, and the log was about to be read"
        try:
            await (self._to_broker if command.at == "broker" else self._to_producer)(command.act)
        except AckdropError as error:
            return error.message
        return None

    async def _to_broker(self, act: Act) -> None:
        if act.command:
            from ..broker.commands import Commands

            topics = sorted({topic for topic, _ in self._partitions()})
            environment = {TOPIC: ",".join(topics)}
            broker = self._broker
            commands = Commands(act.command, act.undo, broker.bootstrap, environment, broker.security)
            return await perform(commands.steps(act.word), act.seconds, self._wait)
        if act.word == MOVE:
            return await self._move(self._partitions(), act.to)
        control = self._broker.control
        way = None if control is None else control.steps(act.word)
        if way is None:
            raise BrokerError(NOT_OURS)
        return await perform(way, act.seconds, self._wait)

    async def _to_producer(self, act: Act) -> None:
        if self._hand is None:
            raise ProducerError("the producers are not ackdrop's own")
        await (self._hand.pause if act.word == "pause" else self._hand.kill)(act.seconds, self._wait)

    async def _wait(self, seconds: float) -> None:
        """So many seconds, or until the run is asked to end."""
        with trio.move_on_after(seconds):
            await self._stop.event.wait()


NOT_OURS = "ackdrop did not start this broker, so its process is not ackdrop's to stop"


def check_watched(rules: Iterable[Rule]) -> None:
    """Raises UsageError for a rule at `workload` where the producers are not ours."""
    for rule in rules:
        if rule.api == "workload" and rule.side == "event":
            raise UsageError(
                f'the fault "{rule.name}" is at workload, and the producers here are not ackdrop\'s own',
                remedy="run the scenario with ackdrop run, or take the fault out",
            )


def check(rules: Iterable[Rule], broker: RunningBroker, nodes: Collection[int] | None, replication: int | None) -> None:
    """Raises FaultError for the first rule at `broker` of which it is known beforehand that it cannot be done here.

    `nodes` are the ids of the cluster's brokers (None: it was not met yet), `replication` is how many replicas a
    partition of ours has (None: the topics are not ours). A rule with a `command` of its own can be done anywhere.
    """
    for rule in rules:
        act = rule.fault.verdict(0.0)
        if rule.api != "broker" or rule.side != "event" or not isinstance(act, Act) or act.command:
            continue
        problem = _moving(act.to, nodes, replication) if act.word == MOVE else _stopping(broker, act.word)
        if problem is not None:
            why, remedy = problem
            raise FaultError(f'the fault "{rule.name}" ({act.word} at broker) cannot be done: {why}', remedy=remedy)


def _moving(to: int | None, nodes: Collection[int] | None, replication: int | None) -> tuple[str, str] | None:
    if nodes is not None and len(nodes) < 2:
        return (
            "the cluster has one broker, and no other one could lead",
            "run it against a cluster of several brokers with --bootstrap (ackdrop broker up --brokers 3 starts one), "
            "or give the fault a `command`",
        )
    if replication == 1:
        return (
            "each partition has one replica, and no other broker could lead",
            "say `topic: {replication: 3}` under workload, or give the fault a `command`",
        )
    if to is not None and nodes is not None and to not in nodes:
        return f"the cluster has no broker {to}", f"name one of {', '.join(map(str, sorted(nodes)))}, or none"
    return None


def _stopping(broker: RunningBroker, word: str) -> tuple[str, str] | None:
    if broker.control is not None and broker.control.steps(word) is not None:
        return None
    return (
        NOT_OURS,
        "give the fault a `command` and an `undo`, or let ackdrop start a broker: --broker embedded, or docker",
    )
