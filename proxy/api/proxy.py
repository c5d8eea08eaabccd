"""A proxy and a broker for programs of any kind, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, Self, Unpack

from ..broker.running import RunningBroker
from ..control.snapshot import FaultState
from ..result import Cause
from ..scenario.chosen import FaultSource, faults_text
from ..security import ANYBODY, Security
from . import claims
from .aio import AsyncProxy, open_broker, opened
from .evidence import Observed, Report
from .options import Options, understood, warn
from .thread import Loop


class Broker:
    """A broker for several proxies. `bootstrap` is its own address, past every proxy."""

    def __init__(self, loop: Loop, running: RunningBroker) -> None:
        self.bootstrap = running.bootstrap
        self._loop = loop
        self._running = running

    @classmethod
    @contextmanager
    def start(
        cls,
        bootstrap: str | None = None,
        *,
        kind: Literal["auto", "found", "docker", "embedded"] | None = None,
        brokers: int = 1,
        allow_remote: bool = False,
        security: Security = ANYBODY,
    ) -> Iterator[Self]:
        """The broker at `bootstrap`, which is left alone, else one of this kind, embedded if not said, which ends with
        the block. Raises BrokerError where there is none."""
        behind = open_broker(bootstrap, kind=kind, brokers=brokers, allow_remote=allow_remote, security=security)
        with Loop.running() as loop, loop.held(behind) as running:
            yield cls(loop, running)


class Proxy:
    """A proxy that runs, from any thread, beside any event loop. Every method waits until it is done.

    `bootstrap` is where clients find it, `folder` what the run leaves behind: `report.html` among it, once it has
    ended. Changes of faults raise UsageError for a name that there is not.
    """

    def __init__(self, loop: Loop, proxy: AsyncProxy) -> None:
        self.bootstrap = proxy.bootstrap
        self.folder: Path = proxy.folder
        self._loop = loop
        self._proxy = proxy

    @classmethod
    @contextmanager
    def start(
        cls, bootstrap: str | None = None, *, broker: Broker | None = None, **options: Unpack[Options]
    ) -> Iterator[Self]:
        """A proxy in front of the broker at `bootstrap`, of one that `Broker.start` gave, or of an embedded one of its
        own. What else may be said: see `Options`.

        At the end of the block the log is verified once more, and the run's folder has its reports. Raises UsageError,
        ScenarioError with all problems, BrokerError where no broker answers, and ListenerError.
        """
        asked = understood(options)
        with ExitStack() as stack:
            loop = stack.enter_context(Loop.running()) if broker is None else broker._loop
            running = None if broker is None else broker._running
            yield cls(loop, stack.enter_context(loop.held(opened(bootstrap, running, asked))))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.bootstrap}>"

    def arm(self, faults: FaultSource) -> list[str]:
        """Add faults behind those that there are, armed, and give their names.

        One fault as it stands in a scenario's `faults`, a list of them, or a scenario (a file, a shipped name, YAML
        text, a mapping) of which only the faults are taken:

            proxy.arm({"name": "lose it", "at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}})
            proxy.arm("lost-ack")

        Raises ScenarioError with all problems, and UsageError; then nothing is added. Warns (FutileFault) of a fault
        that is in vain.
        """
        names, warnings = self._loop.call(self._proxy.add, faults_text(faults))
        warn(warnings)
        return names

    def disarm(self, *names: str) -> None:
        """Let faults rest: they neither count nor fire. All, where none is named."""
        self._loop.call_sync(self._proxy.disarm, *names)

    def rearm(self, *names: str) -> None:
        """Ask faults again that rest. All, where none is named."""
        self._loop.call_sync(self._proxy.rearm, *names)

    def reset(self, *names: str) -> None:
        """Let faults count from nothing. All, where none is named."""
        self._loop.call_sync(self._proxy.reset, *names)

    def remove(self, *names: str) -> None:
        """Take faults out. What they did stays done, and in the report."""
        self._loop.call_sync(self._proxy.remove, *names)

    def faults(self) -> tuple[FaultState, ...]:
        """The faults that there are, armed or not, and how often each has matched and fired."""
        return self._loop.call_sync(self._proxy.faults)

    def observe(self) -> Observed:
        """What was seen on the wire so far; of a proxy that has ended, all of it."""
        return self._loop.call(self._proxy.observe) if self._proxy.final is None else self._proxy.final.observed

    def verify(self) -> Report:
        """The verdict on what has passed until now: the log is read from where the proxy's clients began to write.

        The proxy goes on. What is under way has some seconds (`grace`) to come to its end; what has not by then makes
        the report inconclusive. Of a proxy that has ended: the last report.
        """
        return self._proxy.final or self._loop.call(self._proxy.verify)

    def no_duplicates(self, *, allow: Collection[Cause] = ()) -> None:
        """Claim that no record stands in the log twice, but for the causes that are allowed: see
        `Report.no_duplicates`."""
        __tracebackhide__ = True
        self._judge(claims.no_duplicates(self._verified(), allow))

    def nothing_lost(self) -> None:
        """Claim that every record of whose success a client has heard is in the log."""
        __tracebackhide__ = True
        self._judge(claims.nothing_lost(self._verified()))

    def retried(self, *, at_least: int = 1) -> None:
        """Claim that clients sent again what faults made them lose. The log is not asked."""
        __tracebackhide__ = True
        self._judge(claims.retried(self.observe(), at_least))

    def faults_fired(self, name: str | None = None, *, at_least: int = 1) -> None:
        """Claim that a fault (None: any of them) has fired so often. The log is not asked."""
        __tracebackhide__ = True
        self._judge(claims.faults_fired(self.observe(), name, at_least))

    def _verified(self) -> Report:
        return self._proxy.final or self._loop.call(self._proxy.verified)

    def _judge(self, claim: claims.Claim) -> None:
        """Keep it for the last report, and raise what it is."""
        __tracebackhide__ = True
        if self._proxy.final is None:
            self._loop.call_sync(self._proxy.claim, claim)
        claims.enforce(claim)
