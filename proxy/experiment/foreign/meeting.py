"""The cluster behind the proxy, which may be there at once, later, or never: asked for until it answers."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from ...broker.running import RunningBroker
from ...direct.authentication import NotLetIn, SaslWanted
from ...direct.cluster import Cluster
from ...direct.identity import broker_info
from ...errors import BrokerError
from ...report.words import broker_at
from ...result import BrokerInfo, Reason
from ..settings import Say

AT_ONCE = 3.0
"""Seconds for a broker that is there; a proxy listens after that, whether it answers or not."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Meeting:
    """`info` says what is known of the broker. `trouble` is why it has not answered, None once it has."""

    def __init__(self, cluster: Cluster, broker: RunningBroker) -> None:
        self._cluster = cluster
        self.info = BrokerInfo("unknown", None, broker.source, broker.bootstrap, None)
        self.trouble: BrokerError | None = BrokerError(f"{broker.bootstrap}: no answer yet")
        self.notes: list[str] = []

    async def at_once(self) -> bool:
        """Whether it answers now."""
        with trio.move_on_after(AT_ONCE):
            await self._ask()
        return self.trouble is None

    @property
    def locked(self) -> bool:
        """Whether it is there, and wants to know who is speaking: clients say that themselves."""
        return isinstance(self.trouble, SaslWanted)

    def check(self) -> None:
        """Raises NotLetIn where it is there and does not speak with us as we are: nothing that is waited for would
        change that."""
        if isinstance(self.trouble, NotLetIn) and not self.locked:
            raise self.trouble

    async def later(self, say: Say) -> None:
        """Ask again until it answers, more and more seldom, and say when it does."""
        pause = FIRST_PAUSE
        while self.trouble is not None:
            if isinstance(self.trouble, NotLetIn):
                say(in_words(self.trouble))
                return
            await trio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            await self._ask()
        say(f"{broker_at(self.info)} answers now")
        for note in self.notes:
            say(note)

    @property
    def told(self) -> str:
        """The broker's name and version."""
        return " ".join(filter(None, (self.info.kind, self.info.version)))

    @property
    def reason(self) -> Reason | None:
        """Why there is no verdict, where it never answered."""
        if self.trouble is None or self.locked:
            return None
        if isinstance(self.trouble, NotLetIn):
            return Reason("broker-error", None, f"{self.trouble.message}. {self.trouble.remedy}")
        text = f"No broker answered as long as it went on: {self.trouble.message.rstrip('.')}."
        return Reason("no-broker", None, f"{text} See that it runs, and that --bootstrap is right.")

    async def _ask(self) -> None:
        try:
            await self._cluster.meet()
            self.info = await broker_info(self._cluster, self.info.source, self.info.bootstrap)
        except BrokerError as error:
            self.trouble = error
            return
        self.notes = list(self._cluster.notes)
        self.trouble = None


def no_credentials(cluster: Cluster) -> list[Reason]:
    """Why nothing is known of the log, where the brokers want to know who is speaking and nobody is named."""
    if cluster.locked is None:
        return []
    return [
        Reason("no-credentials", None, f"{cluster.locked.message}, so the log was not read. {cluster.locked.remedy}")
    ]


def instead(missing: Sequence[Reason], reasons: Sequence[Reason]) -> list[Reason]:
    """The reasons, with what `no_credentials` gave in the place of all that only follows from it."""
    if not missing:
        return list(reasons)
    return [*missing, *(each for each in reasons if each not in missing and each.code != "log-not-read")]


def in_words(error: NotLetIn) -> str:
    """What is said while it goes on."""
    return f"{error.message}. {error.remedy}"
