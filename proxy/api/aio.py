"""A proxy and a broker on the caller's own trio loop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, Unpack

import trio

from ..broker.choose import choose
from ..broker.running import RunningBroker
from ..control.snapshot import FaultState, Snapshot
from ..errors import UsageError
from ..experiment.foreign.watch import Watch, watch
from ..experiment.live.faults import LiveFaults
from ..experiment.settings import AS_PROGRAMS_EXPECT
from ..experiment.stopping import Stop, ungrouped
from ..observations import ArmWire
from ..report.finished import Finished
from ..report.progress import Progress
from ..result import ExpectationResult
from ..scenario.chosen import FaultSource, faults_text
from ..security import ANYBODY, Security
from .claims import Claim
from .evidence import Observed, Report, observed
from .options import Asked, Options, understood, warn

LAST = 1_000
"""So many retries are told one by one."""

_log = logging.getLogger("ackdrop")


class AsyncProxy:
    """A proxy that runs. `bootstrap` is where clients find it, `folder` what the run leaves behind.

    `final` is the last report, once it has ended. Changes of faults raise UsageError for a name that there is not.
    """

    def __init__(self, watch: Watch, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.folder: Path = watch.record.folder
        self.final: Report | None = None
        self._watch = watch
        self._front = watch.front
        self._last: tuple[object, Report] | None = None

    async def arm(self, faults: FaultSource) -> list[str]:
        """Add faults behind those that there are, armed: see `Proxy.arm`."""
        names, warnings = await self.add(faults_text(faults))
        warn(warnings)
        return names

    async def add(self, text: bytes) -> tuple[list[str], list[str]]:
        """The same with faults as a text: their names, and warnings."""
        return await self._live.add(text, "program")

    def disarm(self, *names: str) -> None:
        """Let faults rest: they neither count nor fire. All, where none is named."""
        for name in names or self._names():
            self._live.disarm(name, "program")

    def rearm(self, *names: str) -> None:
        """Ask faults again that rest. All, where none is named."""
        for name in names or self._names():
            self._live.arm(name, "program")

    def reset(self, *names: str) -> None:
        """Let faults count from nothing. All, where none is named."""
        for name in names or self._names():
            self._live.reset(name, "program")

    def remove(self, *names: str) -> None:
        """Take faults out. What they did stays done, and in the report."""
        for name in names:
            self._live.remove(name, "program")

    def faults(self) -> tuple[FaultState, ...]:
        """The faults that there are, armed or not, and how often each has matched and fired."""
        return self._live.states(self._front.gathering.totals)

    async def observe(self) -> Observed:
        """What was seen on the wire so far; of a proxy that has ended, all of it."""
        return self.final.observed if self.final is not None else await self._observed()

    async def verify(self) -> Report:
        """The verdict on what has passed until now: the log is read from where the proxy's clients began to write.

        The proxy goes on. What is under way has some seconds (`grace`) to come to its end; what has not by then makes
        the report inconclusive. Of a proxy that has ended: the last report.
        """
        if self.final is not None:
            return self.final
        with trio.move_on_after(self._front.place.settings.grace):
            await self._front.proxy.settled()
        before, snapshot = self._passed(), self._snapshot()  # who is there before the wire is looked at may send again
        result, wire = await self._watch.verified()
        report = Report(result, self.folder, self._seen(wire, snapshot), self._named)
        self._last = before, report
        return report

    async def verified(self) -> Report:
        """As `verify`, but the same report again where it proved something and nothing has passed since."""
        if self._last is not None and self.final is None:
            passed, report = self._last
            if passed == self._passed() and report.verdict in ("passed", "failed"):
                return report
        return await self.verify()

    def claim(self, claim: Claim) -> None:
        """The last report shall have this among its expectations."""
        self._watch.claim(ExpectationResult(claim.expect, claim.actual, claim.held))

    async def end(self, finished: Finished) -> None:
        """It has ended, with this report."""
        self.final = Report(finished.result, self.folder, await self._observed(), self._named)

    @property
    def _live(self) -> LiveFaults:
        """Its faults, as long as it runs."""
        if self.final is not None:
            raise UsageError("the proxy has ended", remedy="use it inside its `with` block")
        return self._front.faults

    @property
    def _named(self) -> bool:
        return self._front.place.view.naming is not None

    def _names(self) -> list[str]:
        return [state.name for state in self.faults()]

    def _passed(self) -> object:
        """Another value once anything has passed, or a fault was changed."""
        snapshot = self._snapshot()
        return snapshot.traffic, snapshot.faults, snapshot.connections_open

    def _snapshot(self) -> Snapshot:
        self._front.proxy.flush()
        return self._front.gathering.snapshot()

    async def _observed(self) -> Observed:
        snapshot = self._snapshot()
        wire = await trio.to_thread.run_sync(self._front.place.ledger.wire, self._front.claim.name)
        return self._seen(wire, snapshot)

    def _seen(self, wire: ArmWire, snapshot: Snapshot) -> Observed:
        return observed(wire, snapshot, self._front.gathering.retries(LAST))


@asynccontextmanager
async def open_proxy(
    bootstrap: str | None = None, *, broker: RunningBroker | None = None, **options: Unpack[Options]
) -> AsyncIterator[AsyncProxy]:
    """A proxy in front of the broker at `bootstrap`, of one that `open_broker` gave, or of an embedded one of its own.

    At the end of the block the log is verified once more, and the run's folder has its reports. Raises UsageError,
    ScenarioError with all problems, BrokerError where no broker answers, and ListenerError.
    """
    async with opened(bootstrap, broker, understood(options)) as proxy:
        yield proxy


@asynccontextmanager
async def opened(bootstrap: str | None, broker: RunningBroker | None, asked: Asked) -> AsyncIterator[AsyncProxy]:
    """The same with options that are understood."""
    if bootstrap is not None and broker is not None:
        raise UsageError("bootstrap and broker both name one", remedy="leave one of them out")
    with ungrouped():
        async with AsyncExitStack() as stack:
            if broker is None:
                behind = open_broker(bootstrap, allow_remote=asked.allow_remote, security=asked.settings.security)
                broker = await stack.enter_async_context(behind)
            asked = replace(asked, settings=replace(asked.settings, security=broker.security))
            async with trio.open_nursery() as nursery:
                stop, ended = Stop(), trio.Event()
                proxy: AsyncProxy = await nursery.start(_run, asked, broker, stop, ended)
                try:
                    yield proxy
                finally:
                    stop.ask()
                    with trio.CancelScope(shield=True):
                        await ended.wait()


@asynccontextmanager
async def open_broker(
    bootstrap: str | None = None,
    *,
    kind: Literal["auto", "found", "docker", "embedded"] | None = None,
    brokers: int = 1,
    allow_remote: bool = False,
    security: Security = ANYBODY,
) -> AsyncIterator[RunningBroker]:
    """A broker for several proxies: the one at `bootstrap`, else one of this kind, embedded if not said, which ends
    with the block. Raises BrokerError where there is none."""
    kind = kind or ("auto" if bootstrap is not None else "embedded")
    async with choose(
        kind,
        bootstrap,
        allow_remote,
        progress=None,
        say=_log.info,
        verbose=_log.debug,
        security=security,
        properties=AS_PROGRAMS_EXPECT,
        brokers=brokers,
    ) as running:
        yield running


async def _run(
    asked: Asked,
    broker: RunningBroker,
    stop: Stop,
    ended: trio.Event,
    task_status: trio.TaskStatus[AsyncProxy] = trio.TASK_STATUS_IGNORED,
) -> None:
    """The proxy, from its start to its reports."""
    proxies: list[AsyncProxy] = []

    async def until(watch: Watch, address: str) -> None:
        proxy = AsyncProxy(watch, address)
        proxies.append(proxy)
        if asked.faults is not None:
            await proxy.add(asked.faults)
        task_status.started(proxy)
        await stop.event.wait()

    try:
        finished = await watch(
            asked.scenario,
            asked.settings,
            broker,
            until,
            title=asked.title,
            progress=Progress(quiet=True),
            say=_log.info,
            stop=stop,
        )
        await proxies[0].end(finished)
    finally:
        ended.set()
