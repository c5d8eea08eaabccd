"""Rules asked about what was recorded, with no broker: the same questions in the same order as on the wire.

What a fault would have changed did not happen: no retry follows from a fault that the recorded run did not have, and
where one ends a connection its frames are asked about all the same. A fault that was changed while the run went on is
changed here as well: it comes, goes, rests and is reset when it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..observations import Changed, Decided, Reached
from .decisions import Decision
from .engine import Engine
from .refuse import RefuseConnection
from .rule import PROCESSES, Entry, Frame, Rule
from .verdicts import End, Refuse

_NOTHING = Entry("", -1, False, 1, None)


@dataclass(slots=True)
class _Client:
    """A connection that is open. `client_id` is None until a request has said it that somebody was `waiting` for, as
    rules do that name a client; `awaited` are those that came while it was open."""

    opened: Reached
    waiting: bool
    client_id: str | None = None
    awaited: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule said of one question: a decision for each entry that it matches. `elapsed` as in `Reached`."""

    rule: str
    elapsed: float
    decided: tuple[Decided, ...]

    @property
    def fired(self) -> bool:
        return any(each.fired for each in self.decided)


class Replay:
    """The rules of one arm, asked again. `suffix` is what the run's own topics end in; `later` names the rules that
    were not there when it began."""

    def __init__(self, engine: Engine, suffix: str = "", later: Collection[str] = ()) -> None:
        self._engine = engine
        self._suffix = suffix
        self._zero: float | None = None
        self._open: dict[int, _Client] = {}
        self._unseen: dict[int, _Client] = {}
        for rule in engine.all:
            if rule.name in later:
                engine.disarm(rule)
        self._timed: list[tuple[float, Rule]] = []
        self._names_clients = False
        self._renew(engine.rules)

    def ask(self, recorded: Iterable[Reached | Changed]) -> Iterator[Answer]:
        """What the rules say, in order."""
        for one in recorded:
            if self._zero is None and one.elapsed > 0:  # the first produce request came while nothing was recorded
                self._zero = one.at - one.elapsed
            yield from self._moments(one.at)
            yield from self._changed(one) if isinstance(one, Changed) else self._one(one)
            yield from self._follow(one.elapsed, one.at)

    def _one(self, reached: Reached) -> Iterator[Answer]:
        if reached.place == "connection.closed":
            self._open.pop(reached.connection, None)
        elif reached.place == "connection.known":
            yield from self._introduced(reached)
        elif reached.place == "connection.open":
            self._go_on(reached)
        elif reached.place == "connection":
            client = self._open[reached.connection] = _Client(reached, self._names_clients)
            yield from self._each("connection", _connection(client), reached.elapsed, reached.at, named=False)
        else:
            yield from self._introduced(reached)
            yield from self._frame(reached)

    def _go_on(self, reached: Reached) -> None:
        """A connection is open, of which nothing was told for a while."""
        client = self._unseen.pop(reached.connection, None) or self._open.get(reached.connection)
        client = self._open[reached.connection] = client or _Client(reached, False)
        if reached.client_id:
            client.waiting, client.client_id = False, reached.client_id

    def _introduced(self, reached: Reached) -> Iterator[Answer]:
        client = self._open.get(reached.connection)
        if client is not None and client.waiting and reached.side != "response":
            client.waiting, client.client_id = False, reached.client_id
            yield from self._each("connection", _connection(client), reached.elapsed, reached.at, named=True)
            for rule in client.awaited:
                if rule.at_moment_alone and self._engine.is_armed(rule) and reached.connection in self._open:
                    yield from self._each("connection", _connection(client), reached.elapsed, reached.at, only=rule)

    def _frame(self, reached: Reached) -> Iterator[Answer]:
        frame = _frame(reached)
        if reached.place == "produce.request":
            if self._zero is None:
                self._zero = reached.at
                yield from self._moments(reached.at)
            for at in PROCESSES if frame.entries else ():
                yield from self._each(at, _as_event(frame, at), reached.elapsed, reached.at)
        _, decisions = self._engine.decide(frame, reached.elapsed, reached.at)
        yield from self._answers(frame, decisions, reached.elapsed, reached.at)

    def _each(
        self, at: str, frame: Frame, elapsed: float, now: float, *, only: Rule | None = None, named: bool | None = None
    ) -> Iterator[Answer]:
        outcomes, decisions = self._engine.each(at, frame, elapsed, now, only=only, named=named)
        if any(isinstance(outcome.verdict, End | Refuse) for outcome in outcomes):
            self._open.pop(frame.connection, None)
        yield from self._answers(frame, decisions, elapsed, now)

    # Changes.

    def _changed(self, changed: Changed) -> Iterator[Answer]:
        rule = next((rule for rule in self._engine.all if rule.name == changed.fault), None)
        if rule is None:
            return
        if changed.change in ("added", "reset"):
            self._engine.reset(rule)
        if changed.change in ("removed", "disarmed"):
            self._engine.disarm(rule)
            self._renew()
            if self._open and not self._engine.rules:  # nothing is told from here on
                self._unseen, self._open = self._open, {}
        elif changed.change in ("added", "armed"):
            self._engine.arm(rule)
            self._renew([rule])
            if rule.when.after is not None and (self._zero is None or self._zero + rule.when.after > changed.at):
                return
            self._timed = [each for each in self._timed if each[1] is not rule]
            if self._engine.begins_at_once(rule, changed.elapsed, changed.at):
                yield from self._begin(rule, changed.elapsed, changed.at)

    def _renew(self, fresh: Iterable[Rule] = ()) -> None:
        known = {*map(id, fresh), *(id(rule) for _, rule in self._timed)}
        timed = [each for each in self._engine.timed if id(each[1]) in known]
        self._timed = sorted(timed, key=lambda timed: timed[0])
        self._names_clients = any(rule.api == "connection" and rule.names_client for rule in self._engine.rules)

    # Moments.

    def _moments(self, now: float) -> Iterator[Answer]:
        while self._zero is not None and self._timed and self._zero + self._timed[0][0] <= now:
            after, rule = self._timed.pop(0)
            yield from self._begin(rule, after, self._zero + after)
            yield from self._follow(after, self._zero + after)

    def _follow(self, elapsed: float, now: float) -> Iterator[Answer]:
        while begun := self._engine.take_begun():
            for rule in begun:
                yield from self._begin(rule, elapsed, now)

    def _begin(self, rule: Rule, elapsed: float, now: float) -> Iterator[Answer]:
        if rule.api == "connection" and not isinstance(rule.fault, RefuseConnection):
            for client in list(self._open.values()):
                if rule.names_client and client.client_id is None and (not client.waiting or client.awaited):
                    client.waiting = True
                    client.awaited.append(rule)
                else:
                    yield from self._each("connection", _connection(client), elapsed, now, only=rule)
        elif rule.api in PROCESSES and rule.at_moment_alone:
            _, decisions = self._engine.moment(rule, elapsed, now)
            yield from self._answers(Frame(rule.api, "event", "", 0, 0, ()), decisions, elapsed, now)

    def _answers(self, frame: Frame, decisions: list[Decision], elapsed: float, now: float) -> Iterator[Answer]:
        found: dict[str, list[Decided]] = {}
        for decision in decisions:
            found.setdefault(decision.rule, []).append(self._decided(frame, decision, now))
        for rule, decided in found.items():
            yield Answer(rule, elapsed, tuple(decided))

    def _decided(self, frame: Frame, decision: Decision, now: float) -> Decided:
        return Decided(
            at=now,
            fault=decision.rule,
            connection=frame.connection,
            correlation_id=frame.correlation_id,
            client_id=frame.client_id,
            topic=decision.entry.topic.removesuffix(self._suffix),
            partition=decision.entry.partition,
            n=decision.n,
            fired=decision.fired,
            verdict=decision.verdict,
            hit=decision.hit,
            attempt=decision.entry.attempt,
        )


def _connection(client: _Client) -> Frame:
    opened = client.opened
    return Frame(
        "connection",
        "event",
        client.client_id or "",
        opened.connection,
        0,
        (_NOTHING,),
        node=opened.node,
        tls=opened.tls,
    )


def _frame(reached: Reached) -> Frame:
    entries = tuple(
        Entry(topic, partition, producer_id >= 0, tries, attempt, producer_id, records, size)
        for topic, partition, producer_id, tries, attempt, records, size in reached.entries
    )
    return Frame(
        api=reached.api,
        side=reached.side,
        client_id=reached.client_id,
        connection=reached.connection,
        correlation_id=reached.correlation_id,
        entries=entries,
        version=reached.version,
        node=reached.node,
        tls=reached.tls,
        acks=reached.acks,
        transactional_id=reached.transactional_id,
    )


def _as_event(frame: Frame, at: str) -> Frame:
    """The produce request as rules at a process see it."""
    return replace(frame, api=at, side="event")
