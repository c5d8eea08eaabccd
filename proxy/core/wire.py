"""A run's wire: all that spans connections. One `Wire` an arm.

The relay opens connections on it, feeds them bytes, and performs the commands that come back. Attempts, rule counters,
topic ids and start offsets live here, for the run and not for a connection.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..faults.engine import Engine
from ..faults.rule import Rule
from ..identity import Naming
from ..kafka.apis import API_NAMES, api_name
from ..kafka.frames import FRAME_LIMIT
from ..observations import Observation, TopicSeen
from .attempts import AttemptIndex, IndexLimits
from .commands import AskStarts, Command, Tell
from .connection import Connection
from .copied import Original
from .copy_connection import CopyConnection
from .detained import Detained
from .lanes import Lanes
from .moments import OF_THE_WIRE, Moments
from .produce import InFlight
from .routing import Translate
from .traffic import Received, Traffic

MOST_PARTITIONS = 100_000
"""Partitions whose start is asked for and told. Where others began is not known, and the log of them not read."""

MOST_TOPIC_IDS = 100_000

LARGE = frozenset({1, 78})
"""Fetch and ShareFetch: their answers stream through, as large as they are, unless a rule is about them."""


@dataclass(frozen=True, slots=True)
class WireSettings:
    """`frame_limit` in bytes; `drain` in seconds: how long the broker's answers are awaited after a client has gone.

    `ask_starts` makes a partition's first produce request wait until its start offset is known. `backlog` is how many
    bytes may wait towards a side before reading from the other one is paused. `naming` says what names a record that
    is not of our own workload (None: create time, key, value and headers). `copies` is how many bytes of copies that
    ackdrop itself sends may be on their way. `quick` lets produce requests by which nothing happens go the short way,
    and be told as `Passed`; where rules are armed, not before so many attempts as `told_singly`.
    """

    frame_limit: int = FRAME_LIMIT
    drain: float = 5.0
    ask_starts: bool = False
    backlog: int = 1 << 20
    index: IndexLimits = field(default_factory=IndexLimits)
    naming: Naming | None = None
    copies: int = 64 << 20
    quick: bool = True
    told_singly: int = 1000


class Wire:
    """The wire of one arm. Observations collect in `observations` until they are taken."""

    def __init__(
        self,
        engine: Engine,
        translate: Translate,
        *,
        settings: WireSettings | None = None,
        starts: dict[tuple[str, int], int] | None = None,
        label: Callable[[str], str] = lambda topic: topic,
    ) -> None:
        self.engine = engine
        self.translate = translate
        self.settings = settings or WireSettings()
        self.starts = dict(starts or {})
        self.label = label
        self.topic_names: dict[bytes, str] = {}
        self.attempts = AttemptIndex(self.settings.index, self.settings.naming)
        self.lanes = Lanes(self.observe, self.attempts, self.settings.frame_limit, engine, lambda: self.zero)
        self.detained = Detained(self.observe, self.lanes.shut)
        self.zero: float | None = None
        """When the first produce request came."""
        self._moments = Moments(self) if engine.has_events else None
        self._connections: dict[int, Connection] = {}
        self._copies: dict[int, CopyConnection] = {}
        self._copied = 0
        self._opened = 0
        self._commands: list[Command] = []
        self._observations: list[Observation] = []
        self.timers: list[tuple[float, int]] = []
        """A heap of when something is to be done, and on which connection."""
        self._topics_seen: set[tuple[str, int]] = set()
        self._asked: set[tuple[str, bytes | None, int]] = set()
        self._rules: dict[int, bool] = {}
        self._told: set[str] = set()
        self._traffic = Traffic()

    # What the relay calls.

    def open(self, node: int, peer: str, now: float, *, tls: bool = False) -> Connection:
        """A client has connected to the listener that stands for broker `node` (-1: the bootstrap listener)."""
        if self._moments is not None:
            self._moments.wake(now)
        self._opened += 1
        connection = Connection(self, self._opened, node, peer, now, tls=tls)
        self._connections[connection.number] = connection
        if self._moments is not None:
            self._moments.opened(connection, now)
        return connection

    def tick(self, now: float) -> list[Command]:
        """Do what is due by now."""
        while self.timers and self.timers[0][0] <= now:
            _, number = heapq.heappop(self.timers)
            if number == OF_THE_WIRE and self._moments is not None:
                self._moments.wake(now)
            connection = self._connections.get(number) or self._copies.get(number)
            if connection is not None:
                connection.wake(now)
        return self.follow(now)

    @property
    def due(self) -> float | None:
        """When `tick` has something to do next; None when nothing is planned."""
        return self.timers[0][0] if self.timers else None

    def starts_known(self, asked: AskStarts, topic: str, starts: dict[int, int], now: float) -> list[Command]:
        """The answer to AskStarts. A partition that is missing in `starts` is taken to begin nowhere known (-1)."""
        self._asked.difference_update(_each(asked))
        if asked.topic_id is not None:
            topic = topic or f"id:{asked.topic_id.hex()}"
            self.learn(asked.topic_id, topic)
        for partition in asked.partitions:
            self.starts.setdefault((topic, partition), starts.get(partition, -1))
        for connection in self.connections:
            connection.unpark(now)
        return self.follow(now)

    def shut(self, reason: str, now: float) -> None:
        """The arm is over: copies that still wait for their time or their answer get neither."""
        for copy in list(self._copies.values()):
            copy.ended(reason, now)

    def copy(self, connection: int) -> CopyConnection | None:
        """The connection of our own of this number; None once it is over."""
        return self._copies.get(connection)

    @property
    def received(self) -> Received:
        """What came in from clients and from brokers, on all connections until now."""
        return self._traffic.total(self._connections.values())

    def follow(self, now: float) -> list[Command]:
        """The commands since the last call, and what follows from them: rules that waited for a fault begin."""
        if self._moments is not None:
            self._moments.follow(now)
        return self.take_commands()

    def end_detention(self, now: float) -> list[Command]:
        """The producers have ended: requests that wait for what can come no more go on."""
        self.detained.end(now)
        return self.follow(now)

    def renew(self, fresh: Sequence[Rule], now: float) -> None:
        """Other rules are armed now; `fresh` are those that were not before. See `changing`."""
        self._rules = {}
        self._moments = (self._moments or Moments(self)) if self.engine.has_events else None
        if self._moments is not None:
            self._moments.renew(fresh)
            self._moments.begin(fresh, now)

    def take_commands(self) -> list[Command]:
        """The commands since the last call, in order."""
        commands, self._commands = self._commands, []
        return commands

    def take_observations(self) -> list[Observation]:
        """The observations since the last call, in order."""
        self.lanes.tell_all()
        observations, self._observations = self._observations, []
        return observations

    # What connections call.

    def command(self, command: Command) -> None:
        self._commands.append(command)

    def tell(self, text: str) -> None:
        """Have the person told of it, once."""
        if text not in self._told:
            self._told.add(text)
            self.command(Tell(text))

    def observe(self, observation: Observation) -> None:
        self._observations.append(observation)

    def ask(self, asked: AskStarts) -> None:
        """Ask for start offsets, once for each partition however many connections wait for it."""
        fresh = [each for each in _each(asked) if each not in self._asked]
        if fresh:
            self._asked.update(fresh)
            self.command(AskStarts(asked.topic, asked.topic_id, tuple(partition for _, _, partition in fresh)))

    def wake_at(self, due: float, connection: int) -> None:
        heapq.heappush(self.timers, (due, connection))

    def forget(self, connection: int) -> None:
        """The connection is over. Its timers go once most of those that are planned are for nobody."""
        if (over := self._connections.pop(connection, None)) is not None:
            self._traffic.over(over)
            over.over()
        self._copies.pop(connection, None)
        if len(self.timers) > 1000 + 4 * (len(self._connections) + len(self._copies)):
            self.timers[:] = [
                timer
                for timer in self.timers
                if timer[1] in self._connections or timer[1] in self._copies or timer[1] == OF_THE_WIRE
            ]
            heapq.heapify(self.timers)

    def asks(self, api_key: int) -> bool:
        """Whether frames of this API are looked at: rules are about them, or the arm has rules and they are small, so
        that other rules can be asked about them later."""
        known = self._rules.get(api_key)
        if known is None:
            name = api_name(api_key)
            small = bool(self.engine.rules) and api_key in API_NAMES and api_key not in LARGE
            known = small or self.engine.armed(name, "request") or self.engine.armed(name, "response")
            self._rules[api_key] = known
        return known

    def learn(self, topic_id: bytes, name: str) -> None:
        """The name of a topic id; of very many, the first ones that were learnt are forgotten."""
        self.topic_names[topic_id] = name
        if len(self.topic_names) > MOST_TOPIC_IDS:
            del self.topic_names[next(iter(self.topic_names))]

    def seen(self, topic: str, partition: int, now: float) -> None:
        """A produce request names this partition; each is told once."""
        if (topic, partition) not in self._topics_seen and len(self._topics_seen) < MOST_PARTITIONS:
            self._topics_seen.add((topic, partition))
            self.observe(TopicSeen(now, topic, partition, self.starts.get((topic, partition), -1)))

    def full(self) -> bool:
        """Whether so many partitions were seen that no more are asked about."""
        return len(self.starts) >= MOST_PARTITIONS

    def hold_copy(self, size: int) -> bool:
        """Make room for a copy that is on its way; False where there is none. The arm does not end before it is out."""
        if self._copied + size > self.settings.copies:
            return False
        self._copied += size
        self.unsettled += 1
        return True

    def release_copy(self, size: int) -> None:
        """The copy is out, or never goes."""
        self._copied -= size
        self.unsettled -= 1

    @property
    def untouched(self) -> bool:
        """Whether nothing is on its way that a fault has sent or holds back: frames may go the short way, unless rules
        say otherwise (`Lanes.foresee`). Where any is armed, the first ones go the long way all the same, so that of a
        short run each frame is told with all that was decided of it."""
        few = self.engine.rules and self.lanes.shared.numbered < self.settings.told_singly
        return self.settings.quick and not (few or self._copies or self.detained or self.lanes.crowded)

    def begin_copy(self, node: int, frame: bytes, original: Original, due: float, now: float) -> None:
        """Have a copy go out on a connection of our own, when it is due."""
        self._opened += 1
        copy = self._copies[self._opened] = CopyConnection(self, self._opened, node, frame, original)
        if due <= now:
            copy.wake(now)
        else:
            self.wake_at(due, self._opened)

    @property
    def unsettled(self) -> int:
        """Produce requests that were forwarded and whose answer may still come; of others copies and late ones; and
        copies that wait for their time."""
        return self.lanes.shared.unsettled

    @unsettled.setter
    def unsettled(self, count: int) -> None:
        self.lanes.shared.unsettled = count

    def next_attempt(self) -> int:
        self.lanes.shared.numbered += 1
        return self.lanes.shared.numbered

    def produced(self, now: float) -> None:
        """A produce request is here; the first one is the arm's time zero."""
        if self.zero is None:
            self.zero = now
            if self._moments is not None:
                self._moments.zero(now)

    @property
    def names_clients(self) -> bool:
        """Whether rules at `connection` want to know who the client is."""
        return self._moments is not None and self._moments.names_clients

    def introduced(self, connection: Connection, client_id: str, now: float) -> None:
        """The client of a connection has said its id."""
        if self._moments is None:
            connection.client_id = client_id
        else:
            self._moments.introduced(connection, client_id, now)

    @property
    def connections(self) -> list[Connection]:
        """Those of clients that are open."""
        return list(self._connections.values())

    def passing(self, in_flight: InFlight, connection: int, now: float) -> None:
        """A produce request was read, and is passing."""
        if self._moments is not None:
            self._moments.passing(in_flight, self._connections[connection], now)

    def elapsed(self, now: float) -> float:
        """Seconds since the first produce request."""
        return 0.0 if self.zero is None else now - self.zero


def _each(asked: AskStarts) -> dict[tuple[str, bytes | None, int], None]:
    """What is asked for, partition by partition, each once and in order."""
    return dict.fromkeys((asked.topic, asked.topic_id, partition) for partition in asked.partitions)
