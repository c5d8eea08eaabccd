"""The proxy of one arm in front of a cluster, for programs that are not ours.

It takes each partition's start offset before its first produce request goes on, so that the log can be looked at from
there. The program's futures are unknown: records are known by key, value, headers and create time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import astuple, dataclass

import trio

from ...broker.running import RunningBroker
from ...control.gathering import Gathering, Sources
from ...control.snapshot import LedgerState, ListenerState, Traffic
from ...core.commands import AskStarts
from ...direct.cluster import Cluster
from ...errors import AckdropError
from ...faults.engine import Engine
from ...faults.rule import Rule
from ...ledger import Ledger
from ...observations import Observation
from ...relay import Proxy, ProxySettings
from ...report.progress import Progress
from ...result import BrokerInfo
from ...scenario.models import Scenario
from .. import disk
from ..acting import Actor, check, check_watched
from ..capturing import Recording
from ..live.faults import LiveFaults
from ..moving import mover
from ..settings import FrontSettings, Say
from ..stopping import Stop
from ..view import View

PATIENCE = 10.0
"""Seconds for the broker to come to rest, and for each question that is put to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What all arms share: what is asked for, where it happens, and who is told.

    `happened` gets what is worth a line, at once: see `Gathering`.
    """

    scenario: Scenario | None
    settings: FrontSettings
    view: View
    cluster: Cluster
    broker: RunningBroker
    ledger: Ledger
    progress: Progress
    say: Say
    stop: Stop
    recording: Recording | None = None
    happened: Callable[[Observation], None] = lambda fact: None
    info: Callable[[], BrokerInfo | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an arm is, and what is claimed of it. Without an `idempotence` nothing is. `control`: the run has a control
    arm, which has to show a duplicate; `is_control`: it is this one."""

    name: str
    idempotence: bool | None = None
    control: bool = False
    is_control: bool = False


class Front:
    """One arm. `proxy` is there from the start, and serves within `stand`; `gathering` says how things stand with it,
    and `faults` changes its faults."""

    def __init__(self, place: Place, claim: Claim) -> None:
        scenario = place.scenario
        rules = () if scenario is None else scenario.rules
        self.place = place
        self.claim = claim
        self.writer = place.ledger.arm(claim.name, claim.idempotence, [rule.name for rule in rules])
        engine = Engine(rules, seed=0 if scenario is None else scenario.seed, arm=claim.name)
        settings = place.settings
        self.proxy = Proxy(
            ProxySettings(
                upstream=place.cluster.bootstraps,
                listen=settings.listening.address,
                advertise=settings.listening.advertise,
                ports=settings.listening.ports,
                client_tls=settings.listening.tls,
                upstream_tls=settings.security.tls,
                upstream_sasl=settings.security.sasl,
                mapping=place.cluster.mapping,  # it may learn one more when it meets the broker
                limits=settings.listening.limits,
                wire=dataclasses.replace(settings.wire, ask_starts=True, naming=place.view.naming),
            ),
            engine,
            self._observe,
            ask=self._starts,
            tell=place.say,
            tap=None if place.recording is None else place.recording.tap(claim.name),
        )
        self.gathering = Gathering(self._sources(), happened=place.happened)
        self.faults = LiveFaults(self.proxy, scenario, self._check)

    def _observe(self, batch: list[Observation]) -> None:
        self.writer.put(batch)
        self.gathering.take(batch)

    def _sources(self) -> Sources:
        proxy, ledger = self.proxy, self.place.ledger
        return Sources(
            clock=trio.current_time,
            traffic=lambda: Traffic(*astuple(proxy.wire.received)),
            faults=lambda: self.faults.states(self.gathering.totals),
            listeners=lambda: tuple(ListenerState(*each) for each in proxy.listening()),
            ledger=lambda: LedgerState(*ledger.lag),
        )

    def _check(self, rules: Iterable[Rule]) -> None:
        """Raises UsageError and FaultError for rules that cannot be done here."""
        rules, place = list(rules), self.place
        check_watched(rules)
        check(rules, place.broker, place.cluster.nodes or None, None)

    async def stand(self, until: Callable[[str], Awaitable[None]]) -> None:
        """Serve until `until(HOST:PORT)` returns, and then until what is under way has come to its end."""
        place, proxy = self.place, self.proxy
        async with trio.open_nursery() as nursery:
            actor = Actor(
                nursery, place.broker, None, place.stop, proxy.wire.starts.keys, mover(place.broker, place.cluster)
            )
            actor.tell, proxy.act = proxy.note, actor
            address = await nursery.start(proxy.serve)
            nursery.start_soon(disk.tell, place.ledger, place.say)
            if place.recording is not None:
                nursery.start_soon(place.recording.watch, place.say)
            await until(address)
            await actor.finish()
            proxy.end_detention()
            proxy.drain()
            with trio.move_on_after(place.settings.grace):
                await proxy.settled()
            nursery.cancel_scope.cancel()

    async def _starts(self, asked: AskStarts) -> tuple[str, dict[int, int]]:
        """The high watermarks of partitions that are about to be written through us for the first time.

        A broker that does not answer makes them unknown; the request goes on, and the report says so.
        """
        cluster = self.place.cluster
        if cluster.locked is not None:
            return asked.topic, {}
        with trio.move_on_after(PATIENCE):
            try:
                topic = asked.topic if asked.topic_id is None else await cluster.topic_name(asked.topic_id)
                return topic, await cluster.end_offsets(topic, asked.partitions)
            except AckdropError:
                pass
        return asked.topic, {}
