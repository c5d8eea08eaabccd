"""Rules that are not about frames: when they are asked, and what follows at once.

Such a rule is asked of what passes (a connection that is opened, a produce request), and at the moment at which it
begins: a time after the arm's first produce request, or the firing of the fault that it follows. What is done to a
broker or to the producer's process is a command (`Do`); what is done to a connection its link does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from ..faults.decisions import Outcome
from ..faults.refuse import RefuseConnection
from ..faults.rule import PROCESSES, Entry, Frame, Rule
from ..faults.verdicts import Act, End, Isolate, Lag, Limit, Refuse, Slices
from .commands import Do
from .judging import entry_of, tell
from .link import FAR, Layer
from .produce import InFlight
from .recording import known

if TYPE_CHECKING:
    from .connection import Connection
    from .wire import Wire

_NOTHING = Entry("", -1, False, 1, None)
OF_THE_WIRE = 0
"""The number under which these moments are planned; connections count from 1."""


class Moments:
    """The moments of one arm's rules at `connection`, `broker` and `workload`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._engine = wire.engine
        self._timed: list[tuple[float, Rule]] = []
        self._at_connections = self.names_clients = False
        self._processes: tuple[str, ...] = ()
        self.renew(self._engine.rules)

    def renew(self, fresh: Iterable[Rule]) -> None:
        """Work out again what follows from the rules that are armed; `fresh` are those that were not before."""
        known = {*map(id, fresh), *(id(rule) for _, rule in self._timed)}
        timed = [each for each in self._engine.timed if id(each[1]) in known]
        self._timed = sorted(timed, key=lambda timed: timed[0])
        self._at_connections = self._engine.armed("connection", "event")
        # Some rules can be asked only once a client has said its id.
        self.names_clients = any(rule.api == "connection" and rule.names_client for rule in self._engine.rules)
        self._processes = tuple(at for at in PROCESSES if self._engine.armed(at, "event"))

    def begin(self, fresh: Iterable[Rule], now: float) -> None:
        """These rules are armed from now on: plan their moments, and ask those of what is there that are about it."""
        zero, elapsed = self._wire.zero, self._wire.elapsed(now)
        for rule in fresh:
            if rule.when.after is not None and (zero is None or zero + rule.when.after > now):
                if zero is not None and rule.side == "event":
                    self._wire.wake_at(zero + rule.when.after, OF_THE_WIRE)
                continue
            self._timed = [each for each in self._timed if each[1] is not rule]
            if self._engine.begins_at_once(rule, elapsed, now):
                self._begin(rule, elapsed, now)

    # What happens.

    def zero(self, now: float) -> None:
        """The arm's first produce request is here: the times of rules count from now."""
        for after in dict.fromkeys(after for after, _ in self._timed):
            self._wire.wake_at(now + after, OF_THE_WIRE)
        if self._at_connections:
            for connection in self._wire.connections:
                self._wire.wake_at(now, connection.number)

    def opened(self, connection: Connection, now: float) -> None:
        """A client has connected: ask the rules that need not know who it is."""
        if self._at_connections:
            self._ask(connection, now, named=False)

    def introduced(self, connection: Connection, client_id: str, now: float) -> None:
        """A client has said its id: ask the rules that name one."""
        self.wake(now)
        connection.client_id = client_id
        known(self._wire, _of(connection), now)
        self._ask(connection, now, named=True)
        awaited, connection.awaited = connection.awaited, []
        for rule in awaited:  # what is not at its moment alone was asked just now
            if rule.at_moment_alone and rule in self._engine.rules and connection.closed_how is None:
                self._ask(connection, now, only=rule)

    def passing(self, in_flight: InFlight, connection: Connection, now: float) -> None:
        """A produce request is passing: ask the rules at processes about it."""
        if not self._processes or not in_flight.shares:
            return
        for at in self._processes:
            frame = _facts(at, in_flight, connection)
            outcomes, decisions = self._engine.each(at, frame, self._wire.elapsed(now), now)
            tell(self._wire, frame, decisions, now)
            for outcome in outcomes:
                self._do(outcome)

    def wake(self, now: float) -> None:
        """The time of a rule may have come. What is new by now has to be asked after that, and not as well."""
        zero = self._wire.zero
        while zero is not None and self._timed and zero + self._timed[0][0] <= now:
            after, rule = self._timed.pop(0)
            self._begin(rule, max(after, now - zero), now)

    def follow(self, now: float) -> None:
        """Let the rules begin that waited for a fault which has fired by now."""
        while begun := self._engine.take_begun():
            for rule in begun:
                self._begin(rule, self._wire.elapsed(now), now)

    # What follows.

    def _begin(self, rule: Rule, elapsed: float, now: float) -> None:
        if rule.api == "connection" and not isinstance(rule.fault, RefuseConnection):
            for connection in [each for each in self._wire.connections if each.closed_how is None]:
                if not (rule.names_client and connection.meet(rule)):
                    self._ask(connection, now, elapsed=elapsed, only=rule)
        elif rule.api in PROCESSES and rule.at_moment_alone:
            outcome, decisions = self._engine.moment(rule, elapsed, now)
            tell(self._wire, Frame(rule.api, "event", "", 0, 0, ()), decisions, now)
            if outcome is not None:
                self._do(outcome)

    def _ask(
        self,
        connection: Connection,
        now: float,
        *,
        elapsed: float | None = None,
        only: Rule | None = None,
        named: bool | None = None,
    ) -> None:
        """Ask rules at `connection` about one, and do to it what they say: all of it, the first of a kind."""
        elapsed = self._wire.elapsed(now) if elapsed is None else elapsed
        frame = _of(connection)
        outcomes, decisions = self._engine.each("connection", frame, elapsed, now, only=only, named=named)
        tell(self._wire, frame, decisions, now)
        for outcome in outcomes:
            if connection.closed_how is None:
                self._act(connection, outcome, elapsed, now)

    def _act(self, connection: Connection, outcome: Outcome, elapsed: float, now: float) -> None:
        rule = outcome.rule
        match outcome.verdict:
            case Refuse():
                connection.cut("reset", now)
            case End(how):
                connection.cut(how, now)
            case Isolate(seconds) as isolate:
                began = self._engine.began(rule, elapsed, now)
                ends = FAR if seconds is None else (now if began is None else began) + seconds
                connection.lay(Layer(isolate, ends, rule.when.until, rule.name), now)
            case (Limit() | Lag() | Slices()) as verdict:
                connection.lay(Layer(verdict, FAR, rule.when.until, rule.name), now)

    def _do(self, outcome: Outcome) -> None:
        if isinstance(outcome.verdict, Act):
            at: Literal["broker", "workload"] = "broker" if outcome.rule.api == "broker" else "workload"
            self._wire.command(Do(outcome.rule.name, at, outcome.verdict))


def _of(connection: Connection) -> Frame:
    """A connection as rules see it."""
    client_id, node = connection.client_id or "", connection.node
    return Frame("connection", "event", client_id, connection.number, 0, (_NOTHING,), node=node, tls=connection.tls)


def _facts(at: str, in_flight: InFlight, connection: Connection) -> Frame:
    return Frame(
        api=at,
        side="event",
        client_id=in_flight.client_id,
        connection=connection.number,
        correlation_id=in_flight.correlation_id,
        entries=tuple(map(entry_of, in_flight.shares)),
        version=in_flight.api_version,
        node=connection.node,
        tls=connection.tls,
        acks=in_flight.acks,
        transactional_id=in_flight.transactional_id,
    )
