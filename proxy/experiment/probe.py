"""`ackdrop probe`: a broker, the topic of the probe in it, and what is measured there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import trio

from ..broker.acting import perform
from ..broker.running import RunningBroker
from ..direct.cluster import Cluster
from ..direct.identity import broker_info
from ..probing.cases import Case
from ..probing.ground import Restart
from ..probing.measure import Probe, Wish
from ..probing.model import ProbeResult
from ..security import Security
from .session import BrokerChoice, running_broker
from .stopping import Stop, signals
from .told import Told

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """What `ackdrop probe` was asked for, beside its broker."""

    wish: Wish = field(default_factory=Wish)
    mapping: Mapping[Address, Address] = field(default_factory=dict)
    security: Security = field(default_factory=Security)


async def probe(settings: ProbeSettings, choice: BrokerChoice, told: Told) -> ProbeResult | None:
    """What was measured; after a signal what was until then, and None where that is nothing.

    The topic is gone then, and a broker of our own has ended. Raises UsageError, and BrokerError where there is no
    broker, or no topic can be made.
    """
    async with signals() as stop, AsyncExitStack() as stack:
        broker = await running_broker(choice, settings.security, told, stop, stack)
        if broker is not None:
            with told.progress:
                return await _probe(settings, broker, told, stop)
    return None


async def _probe(settings: ProbeSettings, broker: RunningBroker, told: Told, stop: Stop) -> ProbeResult | None:
    at_work: Probe | None = None
    async with stop.until():
        told.progress.phase("meeting the broker")
        async with Cluster.connect(
            broker.bootstrap, mapping=settings.mapping, timeout=settings.wish.seconds, security=settings.security
        ) as cluster:
            for note in cluster.notes:
                told.say(note)
            info = await broker_info(cluster, broker.source, broker.bootstrap)
            at_work = Probe(
                cluster,
                info,
                settings.wish,
                _restart(broker),
                _shown(told, settings.wish),
                notes=[*broker.notes, *cluster.notes],
            )
            await at_work.run()
    return None if at_work is None else at_work.result()


def _shown(told: Told, wish: Wish) -> Callable[[int, Case], None]:
    """Shows which cases are at their turn: a phase for those that are about one thing."""
    about = ""

    def begun(number: int, case: Case) -> None:
        nonlocal about
        if case.about != about:
            about = case.about
            told.progress.phase(f"measuring: {about}", len(wish.cases))
        told.progress.advance_to(number)

    return begun


def _restart(broker: RunningBroker) -> Restart | None:
    """How this broker is restarted; None where it is not ours."""
    control = broker.control
    if control is None:
        return None

    async def restart(word: str) -> None:
        steps = control.steps(word)
        assert steps is not None
        await perform(steps, 0, trio.sleep)

    return restart
